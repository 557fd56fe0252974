/* request.c -- see request.h. */
#include "common/request.h"

#include "common/mem.h"
#include "common/seal.h"
#include "proto/value.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

bool sw_request_once(const json_t *request) {
    return strcmp(sw_str(request, "repeat"), "safe") != 0;
}

/* A text, or a secret value with what stands around it. */
static int resolve_text(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                        const json_t *value, char **ret) {
    if (json_is_string(value)) {
        *ret = sw_strdup(json_string_value(value));
        return 0;
    }
    SW_AUTO(sw_json) json_t *opened = NULL;
    const char *secret = NULL;
    if (sw_str(value, "$conf")[0]) {
        secret = sw_conf_secret(conf, sw_str(value, "$conf"));
    } else if (sw_str(value, "$box")[0]) {
        /* A box that was stored outlives the command it came with. */
        if (sw_str(value, "context")[0]) context = sw_str(value, "context");
        if (sw_unseal(keys, sw_str(value, "$box"), context, &opened) < 0) return -EACCES;
        const json_t *field = json_object_get(opened, sw_str(value, "field"));
        secret = json_string_value(field);
        if (secret && strlen(secret) != json_string_length(field)) return -EACCES; /* a NUL in it */
    }
    if (!secret) return -EACCES;
    *ret = sw_printf("%s%s%s", sw_str(value, "before"), secret, sw_str(value, "after"));
    return 0;
}

static bool is_secret(const json_t *value) {
    return json_is_object(value) &&
           (json_object_get(value, "$box") || json_object_get(value, "$conf"));
}

static bool names_secret(const json_t *value) {
    const char *key;
    json_t *item;
    size_t i;
    if (is_secret(value)) return true;
    json_object_foreach((json_t *)value, key, item) {
        if (names_secret(item)) return true;
    }
    json_array_foreach(value, i, item) {
        if (names_secret(item)) return true;
    }
    return false;
}

void sw_request_freeze(json_t *request) {
    const json_t *json = json_object_get(request, "json");
    if (!json || names_secret(json)) return;
    SW_AUTO(sw_text) char *body = json_dumps(json, JSON_COMPACT);
    json_object_set_new(request, "body", json_string(body));
    json_object_del(request, "json");
}

/* A copy of `value` with every secret in its place. */
static int resolve_json(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                        const json_t *value, json_t **ret) {
    const char *key;
    json_t *item, *copy;
    size_t i;
    if (is_secret(value)) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, value, &text);
        if (r < 0) return r;
        *ret = json_string(text);
        return 0;
    }
    if (!json_is_object(value) && !json_is_array(value)) {
        *ret = json_deep_copy(value);
        return 0;
    }
    json_t *whole = json_is_object(value) ? json_object() : json_array();
    int r = 0;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, item) {
            if ((r = resolve_json(conf, keys, context, item, &copy)) < 0) break;
            json_object_set_new(whole, key, copy);
        }
    } else {
        json_array_foreach(value, i, item) {
            if ((r = resolve_json(conf, keys, context, item, &copy)) < 0) break;
            json_array_append_new(whole, copy);
        }
    }
    if (r < 0) {
        json_decref(whole);
        return r;
    }
    *ret = whole;
    return 0;
}

static int build_form(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                      const json_t *form, char **ret) {
    const char *key;
    json_t *item;
    char *body = sw_strdup("");
    json_object_foreach((json_t *)form, key, item) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, item, &text);
        if (r < 0) {
            sw_wipe_free(body);
            return r;
        }
        char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
        char *longer = sw_printf("%s%s%s=%s", body, body[0] ? "&" : "", key, escaped);
        curl_free(escaped);
        sw_wipe_free(body);
        body = longer;
    }
    *ret = body;
    return 0;
}

const char *sw_request_base(const struct sw_conf *conf, const char *up) {
    const struct {
        const char *name, *base;
    } rows[] = {
        {"slack", conf->slack_api},       {"heroku", conf->heroku_api},
        {"heroku_id", conf->heroku_id},   {"github", conf->github_api},
        {"github_web", conf->github_web}, {"kolkrabbi", conf->kolkrabbi},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(up, rows[i].name)) return rows[i].base;
    }
    return NULL;
}

/* One dot, written plainly or escaped; how many bytes it takes. */
static size_t dot(const char *text) {
    return text[0] == '.' ? 1 : strncasecmp(text, "%2e", 3) == 0 ? 3 : 0;
}

/* Holds names that people typed: none may climb out of its place, or end the line. */
static bool is_path(const char *path) {
    if (path[0] != '/') return false;
    for (const char *p = path; *p; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#' || *p == '\\') return false;
    }
    size_t end = strcspn(path, "?");
    for (size_t at = 0; at < end; at += strcspn(path + at, "/?")) {
        at++;
        size_t first = dot(path + at), second = first ? dot(path + at + first) : 0;
        if (first && strcspn(path + at + first + second, "/?") == 0) return false;
    }
    return true;
}

static int build_url(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                     const json_t *request, char **ret) {
    const char *up = sw_str(request, "up"), *path = sw_str(request, "path");
    const char *base = sw_request_base(conf, up);
    if (base) {
        if (!is_path(path)) return -EINVAL;
        *ret = sw_printf("%s%s", base, path);
        return 0;
    }
    if (strcmp(up, "hooks") != 0) return -EINVAL;
    /* A response_url is what somebody sent us: it goes nowhere but to the one allowed origin. */
    char *url = NULL;
    int r = resolve_text(conf, keys, context, json_object_get(request, "url"), &url);
    if (r < 0) return r;
    if (!sw_conf_is_hook(conf, url, strlen(url))) {
        sw_wipe_free(url);
        return -EACCES;
    }
    *ret = url;
    return 0;
}

static void add_header(struct sw_call_request *call, const char *name, const char *value) {
    char *line = sw_printf("%s: %s", name, value);
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (!list) abort();
    call->headers = list;
    sw_wipe_free(line);
}

/* What an upstream wants in every request, where the handler did not say otherwise. */
static void add_defaults(struct sw_call_request *call, const json_t *request) {
    static const struct {
        const char *up, *name, *value;
    } rows[] = {
        {"heroku", "Accept", "application/vnd.heroku+json; version=3"},
        {"github", "Accept", "application/vnd.github+json"},
        {"github", "X-GitHub-Api-Version", "2022-11-28"},
        {"github_web", "Accept", "application/json"},
        {"kolkrabbi", "Accept", "application/json"},
    };
    const json_t *given = json_object_get(request, "headers");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(sw_str(request, "up"), rows[i].up) && !json_object_get(given, rows[i].name))
            add_header(call, rows[i].name, rows[i].value);
    }
}

/* HTTP Basic: an OAuth application speaks for itself. */
static int add_basic(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                     const json_t *basic, struct sw_call_request *call) {
    if (!basic) return 0;
    char *password = NULL;
    int r = resolve_text(conf, keys, context, json_object_get(basic, "password"), &password);
    if (r < 0) return r;
    char *pair = sw_printf("%s:%s", sw_str(basic, "user"), password);
    size_t room = sodium_base64_ENCODED_LEN(strlen(pair), sodium_base64_VARIANT_ORIGINAL);
    char *code = sw_malloc(room);
    sodium_bin2base64(code, room, (unsigned char *)pair, strlen(pair),
                      sodium_base64_VARIANT_ORIGINAL);
    char *value = sw_printf("Basic %s", code);
    add_header(call, "Authorization", value);
    sw_wipe_free(value);
    sw_wipe_free(code);
    sw_wipe_free(pair);
    sw_wipe_free(password);
    return 0;
}

static int build_headers(const struct sw_conf *conf, const struct sw_keys *keys,
                         const char *context, const json_t *request, struct sw_call_request *call) {
    const char *key;
    json_t *item;
    json_object_foreach(json_object_get(request, "headers"), key, item) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, item, &text);
        if (r < 0) return r;
        if (strpbrk(text, "\r\n")) return -EINVAL;
        add_header(call, key, text);
    }
    const json_t *bearer = json_object_get(request, "bearer");
    if (bearer) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, bearer, &text);
        if (r < 0) return r;
        if (strpbrk(text, "\r\n")) return -EINVAL;
        SW_AUTO(sw_text) char *value = sw_printf("Bearer %s", text);
        add_header(call, "Authorization", value);
    }
    int r = add_basic(conf, keys, context, json_object_get(request, "basic"), call);
    if (r < 0) return r;
    add_defaults(call, request);
    add_header(call, "Expect", ""); /* no 100-continue */
    return 0;
}

static int build_body(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                      const json_t *request, struct sw_call_request *call) {
    const json_t *json = json_object_get(request, "json"), *form = json_object_get(request, "form");
    const json_t *body = json_object_get(request, "body");
    if (body) {
        call->body = sw_strndup(json_string_value(body), json_string_length(body));
        add_header(call, "Content-Type", "application/json; charset=utf-8");
    } else if (json) {
        SW_AUTO(sw_json) json_t *resolved = NULL;
        int r = resolve_json(conf, keys, context, json, &resolved);
        if (r < 0) return r;
        call->body = json_dumps(resolved, JSON_COMPACT);
        add_header(call, "Content-Type", "application/json; charset=utf-8");
    } else if (form) {
        int r = build_form(conf, keys, context, form, &call->body);
        if (r < 0) return r;
    }
    call->body_size = call->body ? strlen(call->body) : 0;
    return 0;
}

int sw_request_build(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                     const json_t *request, struct sw_call_request *ret) {
    bool once = sw_request_once(request);
    struct sw_call_request call = {.method = sw_str(request, "method"), .once = once};
    /* Slack is told much, and a message that may be there is told apart; where Heroku and GitHub change something nothing is
     * shared with other calls. */
    call.shared =
        !strcmp(sw_str(request, "up"), "slack") || !strcmp(sw_str(request, "up"), "hooks");
    call.timeout_ms = sw_int(request, "timeout_ms");
    if (call.timeout_ms <= 0)
        call.timeout_ms = once ? conf->write_timeout_ms : conf->read_timeout_ms;
    if (!call.method[0]) return -EINVAL;
    /* A Location is a signed link more often than not: it is given to nobody in clear. */
    if (json_is_true(json_object_get(request, "location")) &&
        !json_is_true(json_object_get(request, "seal")))
        return -EINVAL;
    int r = build_url(conf, keys, context, request, &call.url);
    if (r == 0) r = build_headers(conf, keys, context, request, &call);
    if (r == 0) r = build_body(conf, keys, context, request, &call);
    if (r < 0) {
        sw_wipe_free(call.url);
        sw_wipe_free(call.body);
        sw_wipe_headers(call.headers);
        return r;
    }
    *ret = call;
    return 0;
}
