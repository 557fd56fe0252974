/* journal.c -- a bounded ring of what was received; see journal.h. */
#include "journal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_KEPT_BYTES 4096
#define BODIES_MAX_BYTES (64u * 1024 * 1024)

struct entry {
    uint64_t n;
    int64_t at_ms;
    const char *method, *fault; /* literals */
    char *path, *body;
    unsigned status;
    size_t body_len;
    enum sim_upstream upstream;
};

struct sim_journal {
    struct entry *ring;
    size_t size;
    uint64_t first, next; /* numbers of the oldest entry kept and of the next one */
    uint64_t oldest_body; /* no entry before this one has a body */
    size_t bodies_bytes;
    uint64_t total[SIM_UPSTREAMS];
};

static const char *const upstream_names[SIM_UPSTREAMS] = {
    "admin",     "slack",  "slack_web",  "hooks",     "heroku",
    "heroku_id", "github", "github_web", "kolkrabbi", "sentry"};

struct sim_journal *sim_journal_create(size_t entries) {
    struct sim_journal *j = sim_alloc(sizeof(*j));
    j->size = entries != 0 ? entries : 1;
    j->ring = sim_alloc(j->size * sizeof(*j->ring));
    j->first = j->next = j->oldest_body = 1;
    return j;
}

static struct entry *at(const struct sim_journal *j, uint64_t n) {
    return &j->ring[n % j->size];
}

static void drop_body(struct sim_journal *j, struct entry *e) {
    if (e->body != NULL) j->bodies_bytes -= e->body_len;
    free(e->body);
    e->body = NULL;
}

static void drop_oldest(struct sim_journal *j) {
    struct entry *e = at(j, j->first++);
    drop_body(j, e);
    free(e->path);
    *e = (struct entry){0};
}

void sim_journal_forget(struct sim_journal *j) {
    while (j->first != j->next) {
        drop_oldest(j);
    }
    j->first = j->next = j->oldest_body = 1;
    memset(j->total, 0, sizeof(j->total));
}

void sim_journal_destroy(struct sim_journal *j) {
    if (j == NULL) return;
    sim_journal_forget(j);
    free(j->ring);
    free(j);
}

static const char *literal_method(const char *method) {
    static const char *const known[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(known); i++) {
        if (strcmp(known[i], method) == 0) return known[i];
    }
    return "OTHER";
}

/* Bodies in which tokens, codes and the secrets of clients and webhooks travel. */
static bool is_secret(const struct sim_req *req) {
    enum sim_upstream upstream = req->route->upstream;
    static const char *const slack[] = {"/api/oauth.", "/api/openid.", "/api/auth."};
    for (size_t i = 0; upstream == SIM_SLACK && i < SIM_ARRAY_LEN(slack); i++) {
        if (strncmp(req->shown, slack[i], strlen(slack[i])) == 0) return true;
    }
    if (upstream == SIM_HEROKU && strstr(req->shown, "/webhooks") != NULL) return true;
    if (upstream == SIM_GITHUB && strstr(req->shown, "/hooks") != NULL) return true;
    return upstream == SIM_HEROKU_ID || upstream == SIM_GITHUB_WEB || upstream == SIM_SLACK_WEB ||
           (upstream == SIM_GITHUB && strncmp(req->shown, "/applications/", 14) == 0);
}

/* A build names the signed link of the source it is made from. Elsewhere such a link has no
 * business, and a test that looks for one must find it. */
static void hide_link(char *body, enum sim_upstream upstream) {
    if (upstream != SIM_HEROKU) return;
    for (char *c = strstr(body, "token="); c != NULL; c = strstr(c, "token=")) {
        for (c += strlen("token="); isalnum((unsigned char)*c); c++) {
            *c = '*';
        }
    }
}

static void keep_body(struct sim_journal *j, struct entry *e, const struct sim_req *req) {
    if (req->body_len == 0 || is_secret(req)) return;
    e->body_len = req->body_len < BODY_KEPT_BYTES ? req->body_len : BODY_KEPT_BYTES;
    e->body = sim_strndup(req->body, e->body_len);
    hide_link(e->body, req->route->upstream);
    j->bodies_bytes += e->body_len;
    if (j->oldest_body < j->first) j->oldest_body = j->first;
    while (j->bodies_bytes > BODIES_MAX_BYTES && j->oldest_body < e->n) {
        drop_body(j, at(j, j->oldest_body++));
    }
}

void sim_journal_add(struct sim *sim, const struct sim_req *req) {
    struct sim_journal *j = sim->journal;
    if (j->next - j->first == j->size) drop_oldest(j);
    struct entry *e = at(j, j->next);
    bool hook = req->route->upstream == SIM_HOOKS;
    bool action = hook && strncmp(req->shown, "/actions/", 9) == 0;
    const char *path = action ? "/actions/\xe2\x80\xa6"
                       : hook ? "/commands/\xe2\x80\xa6"
                              : req->shown;
    *e = (struct entry){.n = j->next,
                        .at_ms = req->at_ms,
                        .method = literal_method(req->method),
                        .fault = req->fault,
                        .path = sim_strdup(path),
                        .status = req->reply.status,
                        .upstream = req->route->upstream};
    keep_body(j, e, req);
    j->next++;
    j->total[e->upstream]++;
    if (!sim->conf.quiet) {
        fprintf(stderr, "sim %s %s %u%s%s\n", e->method, e->path, e->status,
                e->fault != NULL ? " fault " : "", e->fault != NULL ? e->fault : "");
    }
}

json_t *sim_journal_totals(const struct sim *sim) {
    json_t *totals = json_object();
    for (size_t i = SIM_SLACK; i < SIM_ARRAY_LEN(upstream_names); i++) {
        json_object_set_new(totals, upstream_names[i],
                            json_integer((json_int_t)sim->journal->total[i]));
    }
    return totals;
}

static json_t *entry_json(const struct entry *e) {
    json_t *o = json_pack("{s:I, s:I, s:s, s:s, s:i, s:s}", "n", (json_int_t)e->n, "at_ms",
                          (json_int_t)e->at_ms, "method", e->method, "path", e->path, "status",
                          (int)e->status, "upstream", upstream_names[e->upstream]);
    if (e->fault != NULL) json_object_set_new(o, "fault", json_string(e->fault));
    if (e->body == NULL) return o;
    json_t *body = json_loadb(e->body, e->body_len, JSON_ALLOW_NUL, NULL);
    if (body == NULL) body = json_stringn(e->body, e->body_len);
    if (body != NULL) json_object_set_new(o, "body", body);
    return o;
}

/* ?text=1 gives lines; ?since=N only entries after N; ?limit=N only the last N of those. */
void sim_journal_view(struct sim *sim, struct sim_req *req) {
    const struct sim_journal *j = sim->journal;
    const char *since = sim_req_query(req, "since"), *limit = sim_req_query(req, "limit");
    uint64_t from = j->first;
    if (since != NULL && strtoull(since, NULL, 10) + 1 > from) from = strtoull(since, NULL, 10) + 1;
    if (from > j->next) from = j->next;
    if (limit != NULL && strtoull(limit, NULL, 10) < j->next - from) {
        from = j->next - strtoull(limit, NULL, 10);
    }
    if (sim_req_query(req, "text") != NULL) {
        struct sim_buf text = {0};
        for (uint64_t n = from; n != j->next; n++) {
            const struct entry *e = at(j, n);
            sim_buf_printf(&text, "%s %s %u\n", e->method, e->path, e->status);
        }
        sim_reply_data(req, 200, "text/plain; charset=utf-8", text.data != NULL ? text.data : "",
                       text.len);
        sim_buf_free(&text);
        return;
    }
    json_t *entries = json_array();
    for (uint64_t n = from; n != j->next; n++) {
        json_array_append_new(entries, entry_json(at(j, n)));
    }
    sim_reply_json(req, 200, json_pack("{s:o}", "entries", entries));
}
