/* github_enter.c -- what every call of GitHub's API meets first: agent, token, rate; pages of
 * lists and the form of errors; see github.h. */
#include "github_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE_DEFAULT 30
#define PAGE_MAX 100

void sim_github_error(struct sim_req *req, unsigned status, const char *message) {
    SIM_FREE char *text = sim_fmt("%u", status);
    sim_reply_json(req, status,
                   json_pack("{s:s, s:s, s:s}", "message", message, "documentation_url",
                             "https://docs.github.com/rest", "status", text));
}

void sim__github_invalid(struct sim_req *req, const char *resource, const char *field,
                         const char *code, const char *message) {
    json_t *error =
        json_pack("{s:s, s:s, s:s}", "resource", resource, "field", field, "code", code);
    if (message != NULL) json_object_set_new(error, "message", json_string(message));
    sim_reply_json(req, 422,
                   json_pack("{s:s, s:[o], s:s, s:s}", "message", "Validation Failed", "errors",
                             error, "documentation_url", "https://docs.github.com/rest", "status",
                             "422"));
}

char *sim__node_id(const char *kind, int64_t id) {
    return sim_fmt("%s_kwDO%08llx", kind, (unsigned long long)id);
}

static bool agent_ok(struct sim_req *req) {
    const char *agent = sim_req_header(req, "User-Agent");
    if (agent != NULL && agent[0] != '\0') return true;
    sim_reply_text(req, 403, "text/html; charset=utf-8",
                   "Request forbidden by administrative rules. Please make sure your request has "
                   "a User-Agent header.\n");
    return false;
}

static bool version_ok(struct sim_req *req) {
    const char *version = sim_req_header(req, "X-GitHub-Api-Version");
    if (version == NULL || strcmp(version, "2022-11-28") == 0) return true;
    sim_github_error(req, 400, "This version of the REST API is not supported.");
    return false;
}

static void number_header(struct sim_req *req, const char *name, int64_t n) {
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)n);
    sim_reply_header(req, name, text);
}

static bool rate_ok(const struct sim *sim, struct sim_req *req, struct sim_person *person) {
    int64_t now_ms = sim_now_ms();
    if (now_ms >= person->window_end_ms) {
        person->window_end_ms = now_ms + sim->conf.github_window_s * 1000;
        person->used = 0;
    }
    bool out = person->used >= sim->conf.github_pool;
    if (!out) person->used++;
    number_header(req, "x-ratelimit-limit", sim->conf.github_pool);
    number_header(req, "x-ratelimit-used", person->used);
    number_header(req, "x-ratelimit-remaining", sim->conf.github_pool - person->used);
    number_header(req, "x-ratelimit-reset", (person->window_end_ms + 999) / 1000);
    if (!out) return true;
    SIM_FREE char *message = sim_fmt("API rate limit exceeded for user ID %d.", person->id);
    sim_github_error(req, 403, message);
    return false;
}

bool sim_github_enter(struct sim *sim, struct sim_req *req) {
    char id[33];
    sim_random_hex(id, 32);
    sim_reply_header(req, "x-github-request-id", id);
    if (!agent_ok(req) || !version_ok(req)) return false;
    const char *auth = sim_req_header(req, "Authorization");
    /* The app itself, with its secret, asks for a grant to be ended. */
    if (auth == NULL || strncasecmp(auth, "Basic ", 6) == 0) return true;
    const char *token = strchr(auth, ' ');
    bool scheme = strncasecmp(auth, "Bearer ", 7) == 0 || strncasecmp(auth, "token ", 6) == 0;
    req->github = scheme ? sim_map_get(sim->github->tokens, token + 1) : NULL;
    struct sim_person *person = sim_github_bearer(req);
    if (person == NULL) {
        sim_github_error(req, 401, "Bad credentials");
        return false;
    }
    return rate_ok(sim, req, person);
}

char *sim__github_url(const struct sim_req *req) {
    return sim_fmt("%s/github%s", req->sim->base, req->shown);
}

static int64_t query_number(const struct sim_req *req, const char *name, int64_t otherwise) {
    const char *text = sim_req_query(req, name);
    long long n = text != NULL ? strtoll(text, NULL, 10) : 0;
    return n > 0 && n < 1000000000 ? n : otherwise;
}

static void link_add(const struct sim_req *req, struct sim_buf *link, json_t *query, int64_t page,
                     const char *rel) {
    struct sim_buf form = {0};
    SIM_FREE char *url = sim__github_url(req);
    SIM_FREE char *number = sim_fmt("%lld", (long long)page);
    json_object_set_new(query, "page", json_string(number));
    const char *key;
    json_t *value;
    json_object_foreach(query, key, value) {
        sim_form_add(&form, key, json_string_value(value), json_string_length(value));
    }
    sim_buf_printf(link, "%s<%s?%s>; rel=\"%s\"", link->len != 0 ? ", " : "", url, form.data, rel);
    sim_buf_free(&form);
}

json_t *sim__github_slice(struct sim_req *req, const json_t *items) {
    int64_t per_page = query_number(req, "per_page", PAGE_DEFAULT);
    int64_t page = query_number(req, "page", 1), count = (int64_t)json_array_size(items);
    if (per_page > PAGE_MAX) per_page = PAGE_MAX;
    int64_t last = count == 0 ? 1 : (count + per_page - 1) / per_page;
    json_t *slice = json_array();
    for (int64_t i = (page - 1) * per_page; i < page * per_page && i < count; i++) {
        json_array_append(slice, json_array_get(items, (size_t)i));
    }
    json_auto_t *query = sim_req_queries(req);
    struct sim_buf link = {0};
    if (page > 1) link_add(req, &link, query, page - 1 < last ? page - 1 : last, "prev");
    if (page < last) link_add(req, &link, query, page + 1, "next");
    if (page < last) link_add(req, &link, query, last, "last");
    if (page > 1) link_add(req, &link, query, 1, "first");
    if (link.len != 0) sim_reply_header(req, "Link", link.data);
    sim_buf_free(&link);
    return slice;
}

void sim_github_unknown(struct sim *sim, struct sim_req *req) {
    (void)sim;
    sim_github_error(req, 404, "Not Found");
}
