/* fault.c -- the list of faults and how each is met; see fault.h. */
#include "fault.h"

#include "github.h"

#include <stdlib.h>
#include <string.h>

struct sim_fault {
    struct sim_fault *next;
    char method[16];
    char *prefix;
    char *body, *role; /* NULL: any, none */
    const char *kind;  /* a literal of kinds[] */
    unsigned status;
    int64_t retry_after_s, delay_ms;
    int64_t left; /* -1: for ever */
    int64_t taken, skip;
};

static const char *const kinds[] = {"status", "429",   "slow", "late",  "cut",
                                    "lost",   "close", "kill", "killed"};

static bool path_matches(const char *pattern, const char *path) {
    while (*pattern != '\0') {
        if (strcmp(pattern, "$") == 0) return *path == '\0';
        if (*pattern == '*') {
            path += strcspn(path, "/");
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return true;
}

static bool matches(const struct sim_fault *f, const struct sim_req *req) {
    if (f->left == 0) return false;
    if (strcmp(f->method, "*") != 0 && strcmp(f->method, req->method) != 0) return false;
    if (!path_matches(f->prefix, req->shown)) return false;
    if (f->body != NULL && (req->body_len == 0 ||
                            memmem(req->body, req->body_len, f->body, strlen(f->body)) == NULL)) {
        return false;
    }
    return strcmp(f->kind, "close") != 0 || req->nth_on_connection > 1;
}

/* Who was to hear the answer is dead before it is made. */
static void meet_death(struct sim *sim, const struct sim_fault *f, struct sim_fault_hit *hit) {
    sim_actors_kill(sim, f->role);
    hit->ending = SIM_SILENCE;
    if (strcmp(f->kind, "kill") == 0) hit->status = 503;
}

struct sim_fault_hit sim_fault_take(struct sim *sim, const struct sim_req *req) {
    struct sim_fault *f = sim->faults;
    while (f != NULL && !(matches(f, req) && f->skip-- <= 0)) {
        f = f->next;
    }
    struct sim_fault_hit hit = {0};
    if (f == NULL) return hit;
    if (f->left > 0) f->left--;
    f->taken++;
    hit.kind = f->kind;
    if (strncmp(f->kind, "kill", 4) == 0) {
        meet_death(sim, f, &hit);
    } else if (strcmp(f->kind, "status") == 0 || strcmp(f->kind, "429") == 0) {
        hit.status = f->status;
        hit.retry_after_s = f->retry_after_s;
    } else if (strcmp(f->kind, "slow") == 0 || strcmp(f->kind, "late") == 0) {
        hit.delay_ms = f->delay_ms;
        hit.late = strcmp(f->kind, "late") == 0;
    } else {
        hit.ending = strcmp(f->kind, "cut") == 0 ? SIM_CUT : SIM_SILENCE;
    }
    return hit;
}

static const char *heroku_error_id(unsigned status) {
    static const struct {
        unsigned status;
        const char *id;
    } ids[] = {{400, "bad_request"}, {401, "unauthorized"},   {402, "delinquent"},
               {403, "forbidden"},   {404, "not_found"},      {406, "not_acceptable"},
               {409, "conflict"},    {410, "gone"},           {422, "invalid_params"},
               {429, "rate_limit"},  {500, "internal_error"}, {503, "service_unavailable"}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(ids); i++) {
        if (ids[i].status == status) return ids[i].id;
    }
    return "error";
}

void sim_fault_reply(struct sim_req *req, const struct sim_fault_hit *hit) {
    if (hit->retry_after_s > 0) {
        SIM_FREE char *seconds = sim_fmt("%lld", (long long)hit->retry_after_s);
        sim_reply_header(req, "Retry-After", seconds);
    }
    if (req->route->upstream == SIM_SLACK) {
        const char *error = hit->status == 429 ? "ratelimited" : "service_unavailable";
        sim_reply_json(req, hit->status, json_pack("{s:b, s:s}", "ok", 0, "error", error));
    } else if (req->route->upstream == SIM_HOOKS) {
        sim_reply_text(req, hit->status, "text/plain; charset=utf-8",
                       hit->status == 429 ? "rate_limited" : "service_unavailable");
    } else if (req->route->upstream == SIM_SENTRY) {
        sim_reply_json(req, hit->status,
                       json_pack("{s:s}", "detail",
                                 hit->status == 429 ? "rate limited" : "envelope was not taken"));
    } else if (req->route->upstream == SIM_GITHUB) {
        bool limited = hit->status == 429 || (hit->status == 403 && hit->retry_after_s > 0);
        sim_github_error(req, hit->status,
                         limited              ? "You have exceeded a secondary rate limit."
                         : hit->status >= 500 ? "Server Error"
                                              : "GitHub refused this request.");
    } else if (req->route->upstream == SIM_GITHUB_WEB || req->route->upstream == SIM_SLACK_WEB) {
        /* github.com is for people: it says so in HTML, to programs too. */
        sim_reply_text(req, hit->status, "text/html; charset=utf-8",
                       "<!doctype html><title>Oh no</title><p>This page is taking too long.\n");
    } else {
        sim_reply_error(req, hit->status, heroku_error_id(hit->status),
                        hit->status == 429 ? "Your account reached the API rate limit."
                                           : "The platform could not serve this request.");
    }
}

void sim_fault_forget(struct sim *sim) {
    while (sim->faults != NULL) {
        struct sim_fault *f = sim->faults;
        sim->faults = f->next;
        free(f->prefix);
        free(f->body);
        free(f->role);
        free(f);
    }
}

static const char *kind_of(const json_t *o) {
    const json_t *kind = json_object_get(o, "kind");
    if (json_is_integer(kind) && json_integer_value(kind) == 429) return "429";
    const char *text = json_string_value(kind);
    for (size_t i = 0; text != NULL && i < SIM_ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i], text) == 0) return kinds[i];
    }
    return NULL;
}

static bool fault_parse(const json_t *o, struct sim_fault *f) {
    const char *match = sim_json_text(o, "match"), *kind = kind_of(o);
    const char *space = match != NULL ? strchr(match, ' ') : NULL;
    if (kind == NULL || space == NULL || space[1] != '/') return false;
    if ((size_t)(space - match) >= sizeof(f->method)) return false;
    memcpy(f->method, match, (size_t)(space - match));
    f->kind = kind;
    bool limited = strcmp(kind, "429") == 0;
    f->status = (unsigned)sim_json_int(o, "status", limited ? 429 : 503);
    if (f->status < 100 || f->status > 599) return false;
    if (strncmp(kind, "kill", 4) == 0 && sim_json_text(o, "role") == NULL) return false;
    f->retry_after_s = sim_json_int(o, "retry_after", limited ? 1 : 0);
    f->delay_ms = sim_json_int(o, "delay_ms", 1000);
    int64_t times = sim_json_int(o, "times", 0);
    f->left = times > 0 ? times : -1;
    f->skip = sim_json_int(o, "skip", 0);
    if (sim_json_text(o, "body") != NULL) f->body = sim_strdup(sim_json_text(o, "body"));
    if (sim_json_text(o, "role") != NULL) f->role = sim_strdup(sim_json_text(o, "role"));
    f->prefix = sim_strdup(space + 1);
    return true;
}

void sim_fault_post(struct sim *sim, struct sim_req *req) {
    json_auto_t *o = sim_req_json(req);
    struct sim_fault *f = sim_alloc(sizeof(*f));
    if (!fault_parse(o, f)) {
        free(f);
        sim_reply_error(
            req, 422, "invalid_params",
            "A fault is {match:\"METHOD /prefix\", kind:"
            "\"status|429|slow|late|cut|lost|close|kill|killed\", status?, retry_after?,"
            " delay_ms?, times?, skip?, body?, role?}.");
        return;
    }
    struct sim_fault **end = &sim->faults;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = f;
    sim_reply_json(req, 201, json_pack("{s:b}", "ok", 1));
}

void sim_fault_delete(struct sim *sim, struct sim_req *req) {
    sim_fault_forget(sim);
    sim_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
}

void sim_fault_list(struct sim *sim, struct sim_req *req) {
    json_t *list = json_array();
    for (const struct sim_fault *f = sim->faults; f != NULL; f = f->next) {
        SIM_FREE char *match = sim_fmt("%s %s", f->method, f->prefix);
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "match", match, "kind",
                                              f->kind, "left", (json_int_t)f->left, "taken",
                                              (json_int_t)f->taken));
    }
    sim_reply_json(req, 200, json_pack("{s:o}", "faults", list));
}
