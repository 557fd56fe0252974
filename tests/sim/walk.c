/* walk.c -- fetching, following and filling in; see walk.h. */
#include "walk.h"

#include "slack.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE_MAX_BYTES (1024 * 1024)
#define PAGES_MAX 8 /* on the way to sign in */

struct sim_walk {
    CURL *curl;
    char *sim;           /* base URL of the sim */
    char *url;           /* of the page that was read last */
    struct sim_buf page; /* its text */
    char why[512];
};

static int fail(struct sim_walk *walk, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int fail(struct sim_walk *walk, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(walk->why, sizeof(walk->why), format, args);
    va_end(args);
    return code;
}

static size_t take(char *data, size_t size, size_t n, void *arg) {
    struct sim_buf *page = arg;
    if (page->len + size * n > PAGE_MAX_BYTES) return 0;
    sim_buf_add(page, data, size * n);
    return size * n;
}

struct sim_walk *sim_walk_create(const char *sim_url) {
    struct sim_walk *walk = sim_alloc(sizeof(*walk));
    walk->sim = sim_strdup(sim_url);
    walk->curl = curl_easy_init();
    if (walk->curl == NULL) abort();
    curl_easy_setopt(walk->curl, CURLOPT_COOKIEFILE, ""); /* a jar, empty */
    curl_easy_setopt(walk->curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(walk->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http");
    curl_easy_setopt(walk->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(walk->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(walk->curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(walk->curl, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(walk->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(walk->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(walk->curl, CURLOPT_WRITEDATA, &walk->page);
    return walk;
}

void sim_walk_destroy(struct sim_walk *walk) {
    if (walk == NULL) return;
    curl_easy_cleanup(walk->curl);
    sim_buf_free(&walk->page);
    free(walk->sim);
    free(walk->url);
    free(walk);
}

const char *sim_walk_why(const struct sim_walk *walk) {
    return walk->why;
}

/* Reads one page; `body` NULL is a GET. */
static int exchange(struct sim_walk *walk, const char *url, const char *body, size_t body_len,
                    const char *type) {
    long status = 0;
    char *where = NULL;
    struct curl_slist *headers = NULL;
    curl_easy_setopt(walk->curl, CURLOPT_URL, url);
    curl_easy_setopt(walk->curl, CURLOPT_HTTPGET, 1L);
    if (body != NULL) {
        SIM_FREE char *header = sim_fmt("Content-Type: %s", type);
        headers = curl_slist_append(headers, header);
        curl_easy_setopt(walk->curl, CURLOPT_POSTFIELDSIZE, (long)body_len);
        curl_easy_setopt(walk->curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(walk->curl, CURLOPT_HTTPHEADER, headers);
    sim_buf_free(&walk->page);
    walk->page = (struct sim_buf){0};
    CURLcode code = curl_easy_perform(walk->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) return fail(walk, -EIO, "%s: %s", url, curl_easy_strerror(code));
    curl_easy_getinfo(walk->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(walk->curl, CURLINFO_EFFECTIVE_URL, &where);
    free(walk->url);
    walk->url = sim_strdup(where);
    sim_buf_add(&walk->page, "", 0);
    if (status == 200) return 0;
    return fail(walk, -EPROTO, "%s answered %ld: %.200s", walk->url, status, walk->page.data);
}

static int read_json(struct sim_walk *walk, json_t **ret) {
    json_t *json = json_loadb(walk->page.data, walk->page.len, JSON_ALLOW_NUL, NULL);
    if (json == NULL) return fail(walk, -EPROTO, "%s did not answer in JSON", walk->url);
    *ret = json;
    return 0;
}

int sim_walk_get(struct sim_walk *walk, const char *path, json_t **ret) {
    SIM_FREE char *url = sim_fmt("%s%s", walk->sim, path);
    int r = exchange(walk, url, NULL, 0, NULL);
    return r < 0 ? r : read_json(walk, ret);
}

int sim_walk_post(struct sim_walk *walk, const char *path, const json_t *body, json_t **ret) {
    SIM_FREE char *url = sim_fmt("%s%s", walk->sim, path);
    SIM_FREE char *text = json_dumps(body, JSON_COMPACT);
    int r = exchange(walk, url, text, strlen(text), "application/json");
    return r < 0 ? r : read_json(walk, ret);
}

static int open_page(struct sim_walk *walk, const char *url) {
    return exchange(walk, url, NULL, 0, NULL);
}

/* The value of an attribute inside the tag that starts at `tag`, new, entities resolved. */
static char *attribute(const char *tag, const char *name) {
    static const char *const entity[][2] = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}};
    const char *end = strchr(tag, '>');
    SIM_FREE char *key = sim_fmt(" %s=\"", name);
    const char *at = strcasestr(tag, key);
    if (end == NULL || at == NULL || at > end) return NULL;
    at += strlen(key);
    struct sim_buf value = {0};
    while (*at != '\0' && *at != '"') {
        size_t i = 0;
        while (i < SIM_ARRAY_LEN(entity) && strncmp(at, entity[i][0], strlen(entity[i][0])) != 0) {
            i++;
        }
        sim_buf_add(&value, i < SIM_ARRAY_LEN(entity) ? entity[i][1] : at, 1);
        at += i < SIM_ARRAY_LEN(entity) ? strlen(entity[i][0]) : 1;
    }
    sim_buf_add(&value, "", 0);
    return value.data;
}

static void hidden_fields(const char *form, const char *end, struct sim_buf *fields) {
    for (const char *at = form; (at = strcasestr(at, "<input")) != NULL && at < end; at++) {
        SIM_FREE char *type = attribute(at, "type");
        SIM_FREE char *name = attribute(at, "name");
        SIM_FREE char *value = attribute(at, "value");
        if (type == NULL || name == NULL || value == NULL) continue;
        if (strcasecmp(type, "hidden") == 0) sim_form_add(fields, name, value, strlen(value));
    }
}

/* What a button of the form would send must be on the page: nothing is made up. */
static bool offers(const char *form, const char *end, const char *name, const char *value) {
    for (const char *at = form; (at = strcasestr(at, "<button")) != NULL && at < end; at++) {
        SIM_FREE char *its_name = attribute(at, "name");
        SIM_FREE char *its_value = attribute(at, "value");
        if (its_name == NULL || its_value == NULL) continue;
        if (strcmp(its_name, name) == 0 && strcmp(its_value, value) == 0) return true;
    }
    return false;
}

static char *resolve(const char *base, const char *action) {
    char *url = NULL, *ours = NULL;
    CURLU *u = curl_url();
    if (u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
        (action == NULL || action[0] == '\0' ||
         curl_url_set(u, CURLUPART_URL, action, 0) == CURLUE_OK) &&
        curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK) {
        ours = sim_strdup(url);
    }
    curl_free(url);
    curl_url_cleanup(u);
    return ours;
}

/* Sends the first form of the page: hidden fields as they are, and one more field unless `name` is NULL. */
static int submit(struct sim_walk *walk, const char *name, const char *value) {
    const char *form = strcasestr(walk->page.data, "<form");
    const char *end = form != NULL ? strcasestr(form, "</form") : NULL;
    if (end == NULL) return fail(walk, -EPROTO, "%s has no form", walk->url);
    if (name != NULL && !offers(form, end, name, value)) {
        return fail(walk, -EPROTO, "%s offers no button %s=%s", walk->url, name, value);
    }
    SIM_FREE char *action = attribute(form, "action");
    SIM_FREE char *url = resolve(walk->url, action);
    if (url == NULL) return fail(walk, -EPROTO, "%s: its form leads nowhere", walk->url);
    struct sim_buf fields = {0};
    hidden_fields(form, end, &fields);
    if (name != NULL) sim_form_add(&fields, name, value, strlen(value));
    sim_buf_add(&fields, "", 0);
    int r = exchange(walk, url, fields.data, fields.len, "application/x-www-form-urlencoded");
    sim_buf_free(&fields);
    return r;
}

/* At GitHub people have other names than at Heroku: theirs begin with what stands before the '@'. */
static char *login_offered(const struct sim_walk *walk, const char *account) {
    size_t size = strcspn(account, "@");
    for (const char *at = walk->page.data; (at = strcasestr(at, "<button")) != NULL; at++) {
        char *value = attribute(at, "value");
        if (value != NULL && strncmp(value, account, size) == 0 &&
            (value[size] == '\0' || value[size] == '-')) {
            return value;
        }
        free(value);
    }
    return NULL;
}

/* Slack's page, Heroku's, GitHub's, or one of ours with a button between them, in whatever order they come, until a
 * page asks for nothing. `name` is who types in Slack. */
static int walk_on(struct sim_walk *walk, const char *name, const char *account) {
    int r = 0;
    for (int pages = 0; r == 0 && pages < PAGES_MAX; pages++) {
        if (strstr(walk->url, "/login/oauth/authorize?") != NULL) {
            SIM_FREE char *login = login_offered(walk, account);
            if (login == NULL)
                return fail(walk, -EPROTO, "%s does not know %s", walk->url, account);
            r = submit(walk, "account", login);
        } else if (strstr(walk->url, "/openid/connect/authorize?") != NULL) {
            r = submit(walk, "account", name);
        } else if (strstr(walk->url, "/oauth/authorize?") != NULL) {
            r = submit(walk, "account", account);
        } else if (strcasestr(walk->page.data, "<form") != NULL) {
            r = submit(walk, NULL, NULL);
        } else {
            return 0;
        }
    }
    return r < 0 ? r : fail(walk, -EPROTO, "%s: the way to sign in has no end", walk->url);
}

/* The first link of a button that `json`, a view or a part of one, shows and that is a login link. */
static const char *login_link(const json_t *json) {
    const char *key, *found = NULL;
    json_t *value;
    size_t i;
    if (json_is_array(json)) {
        json_array_foreach(json, i, value) {
            const char *link = login_link(value);
            if (link != NULL) found = link; /* the newest */
        }
    } else if (json_is_object(json)) {
        const char *url = sim_json_text(json, "url");
        if (url != NULL && strstr(url, "/link/") != NULL) return url;
        json_object_foreach((json_t *)json, key, value) {
            const char *link = login_link(value);
            if (link != NULL) found = link;
        }
    }
    return found;
}

static size_t count_private(const json_t *view, const json_t **ret_last) {
    size_t i, n = 0;
    json_t *message;
    json_array_foreach(json_object_get(view, "messages"), i, message) {
        if (!json_is_true(json_object_get(message, "ephemeral"))) continue;
        *ret_last = message;
        n++;
    }
    return n;
}

void sim_walk_pause(int pause_ms) {
    (void)poll(NULL, 0, pause_ms);
}

/* Waits for the private answer to `login`; *ret_link is new, NULL where no login is needed. */
static int wait_for_card(struct sim_walk *walk, const char *path, size_t before, int64_t until_ms,
                         char **ret_link) {
    for (;;) {
        json_auto_t *view = NULL;
        int r = sim_walk_get(walk, path, &view);
        if (r < 0) return r;
        const json_t *card = NULL;
        if (count_private(view, &card) > before) {
            *ret_link = sim_strdup(login_link(card));
            return 0;
        }
        if (sim_mono_ms() > until_ms) {
            return fail(walk, -ETIMEDOUT, "no answer to the login command");
        }
        sim_walk_pause(20);
    }
}

int sim_walk_link(struct sim_walk *walk, const char *team, const char *channel, const char *user,
                  const char *account, int64_t timeout_ms) {
    SIM_FREE char *path = sim_fmt("/sim/view?team=%s&channel=%s&viewer=%s", team, channel, user);
    SIM_FREE char *link = NULL;
    json_auto_t *before = NULL, *typed = NULL;
    json_auto_t *login = json_pack("{s:s, s:s, s:s, s:s}", "team", team, "channel", channel, "user",
                                   user, "text", "login");
    const struct sim_user *typist = sim_user_find(sim_team_find(team), user);
    const json_t *last;
    int r = sim_walk_get(walk, path, &before);
    if (r >= 0) r = sim_walk_post(walk, "/sim/type", login, &typed);
    if (r >= 0) {
        size_t n = count_private(before, &last);
        r = wait_for_card(walk, path, n, sim_mono_ms() + timeout_ms, &link);
    }
    if (r < 0 || link == NULL) return r;
    r = open_page(walk, link);
    return r < 0 ? r : walk_on(walk, typist->name, account);
}
