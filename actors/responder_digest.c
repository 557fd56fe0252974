/* responder_digest.c -- one message for the many subjects that begin in a channel within a minute; see responder_feed.h.
 *
 * A digest is a subject ("digest/<channel>/<minute>") that has, instead of a notice's data,
 *   lines    [{id, state, line: {template, data}}]: the newest ones, those that failed stay longest
 *   counts   {kind: {state: how many}}; kind is the first word of a subject's key
 *   total    how many subjects it holds; pipelines: their names, at most three
 * It takes in new subjects until its minute is over and it was posted, and goes on being updated when they change. */
#include "actors/responder_feed.h"
#include "common/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1200
#define PIPELINES 3
#define MINUTE_MS 60000

bool sw__digest_due(struct sw__feed *f) {
    int64_t minute = f->ctx->now_ms / MINUTE_MS, most = f->ctx->conf->digest;
    json_int_t count = sw_int(f->state, "count");
    if (sw_int(f->state, "minute") != minute) count = 0;
    json_object_set_new(f->state, "minute", json_integer(minute));
    json_object_set_new(f->state, "count", json_integer(count + 1));
    return count >= most || (int64_t)json_array_size(json_object_get(f->state, "p")) >= most;
}

/* "n/commit/1/2/C0X" -> "commit" */
static void kind_of(const struct sw__sub *s, char *ret, size_t room) {
    const char *op = sw_str(s->state, "op");
    if (!strncmp(op, "n/", 2)) op += 2;
    snprintf(ret, room, "%.*s", (int)strcspn(op, "/"), op);
}

static void count(struct sw__sub *digest, const char *kind, const char *state, int by) {
    json_t *counts = json_object_get(digest->state, "counts");
    json_t *of_kind = json_object_get(counts, kind);
    if (!of_kind) {
        json_object_set_new(counts, kind, json_object());
        of_kind = json_object_get(counts, kind);
    }
    json_object_set_new(of_kind, state, json_integer(sw_int(of_kind, state) + by));
}

/* The newest line goes last; where there are too many, the oldest of those that did not fail goes. */
static void put_line(struct sw__sub *digest, const struct sw__sub *s, json_t *line) {
    json_t *lines = json_object_get(digest->state, "lines"), *one;
    size_t i;
    json_array_foreach(lines, i, one) {
        if (strcmp(sw_str(one, "id"), s->id) != 0) continue;
        json_array_remove(lines, i);
        break;
    }
    if (json_dumpb(line, NULL, 0, JSON_COMPACT) > LINE_BYTES) return; /* counted, not shown */
    json_array_append_new(lines, json_pack("{s:s, s:s, s:O}", "id", s->id, "state",
                                           sw_str(s->state, "state"), "line", line));
    if (json_array_size(lines) <= SW__DIGEST_LINES) return;
    json_array_foreach(lines, i, one) {
        if (strcmp(sw_str(one, "state"), "failed") != 0) break;
    }
    json_array_remove(lines, i < json_array_size(lines) ? i : 0);
}

static void put_pipeline(struct sw__sub *digest, const json_t *line) {
    const json_t *pipeline = json_object_get(json_object_get(line, "data"), "pipeline");
    const char *name =
        json_is_string(pipeline) ? json_string_value(pipeline) : sw_str(pipeline, "name");
    json_t *names = json_object_get(digest->state, "pipelines"), *one;
    size_t i;
    if (!name[0] || json_array_size(names) >= PIPELINES) return;
    json_array_foreach(names, i, one) {
        if (!strcmp(json_string_value(one), name)) return;
    }
    json_array_append_new(names, json_string(name));
}

static int begin(struct sw__feed *f, struct sw__sub **ret) {
    SW_AUTO(sw_text)
    char *op = sw_printf("digest/%s/%" PRId64, f->channel, f->ctx->now_ms / MINUTE_MS);
    char id[SW__SUB_ID];
    sw__sub_id(op, id);
    int r = sw__feed_open_sub(f, id, ret);
    if (r < 0) return r;
    json_object_set_new(f->state, "digest", json_string(id));
    if (json_object_get((*ret)->state, "lines")) return 0;
    json_object_update_new((*ret)->state,
                           json_pack("{s:s, s:b, s:[], s:{}, s:i, s:[], s:I}", "op", op, "final", 1,
                                     "lines", "counts", "total", 0, "pipelines", "minute",
                                     (json_int_t)(f->ctx->now_ms / MINUTE_MS)));
    return 0;
}

/* The one that takes in new subjects now. */
static int current(struct sw__feed *f, struct sw__sub **ret) {
    const char *id = sw_str(f->state, "digest");
    int r = id[0] ? sw__feed_open_sub(f, id, ret) : 0;
    if (r < 0) return r;
    if (id[0] && json_object_get((*ret)->state, "lines") &&
        (sw__sub_is(*ret, "p", "") ||
         sw_int((*ret)->state, "minute") == (json_int_t)(f->ctx->now_ms / MINUTE_MS)))
        return 0;
    return begin(f, ret);
}

/* A line that fails when its digest stands up in the channel already is told as any failure is, as far as the channel bears it. */
static void cast_line(struct sw__sub *digest, struct sw__sub *s) {
    json_t *cast = json_object_get(s->state, "cast");
    if (!cast) return;
    sw__sub_told(s, sw_str(cast, "id"));
    if (!sw__sub_is(digest, "p", "shown") || sw__digest_due(digest->feed)) return;
    json_object_set(digest->state, sw__sub_is(digest, "busy", "cast") ? "cast_next" : "cast", cast);
}

int sw__digest_put(struct sw__sub *s) {
    struct sw__feed *f = s->feed;
    SW_AUTO(sw_json) json_t *line = json_incref(json_object_get(s->state, "digest"));
    struct sw__sub *digest;
    char kind[32], id[SW__SUB_ID];
    if (!line) return 0; /* nothing new */
    kind_of(s, kind, sizeof(kind));
    snprintf(id, sizeof(id), "%s", sw_str(s->state, "in"));
    int r = id[0] ? sw__feed_open_sub(f, id, &digest) : current(f, &digest);
    if (r < 0) return r;
    if (id[0] && !json_object_get(digest->state, "lines")) { /* it was forgotten: begin anew */
        sw__sub_set(s, "in", "");
        sw__sub_set(s, "p", "");
        return sw__sub_plan(s);
    }
    if (id[0]) {
        count(digest, kind, sw_str(s->state, "counted"), -1);
    } else {
        json_object_set_new(digest->state, "total",
                            json_integer(sw_int(digest->state, "total") + 1));
        sw__sub_set(s, "in", digest->id);
    }
    count(digest, kind, sw_str(s->state, "state"), 1);
    sw__sub_set(s, "counted", sw_str(s->state, "state"));
    put_line(digest, s, line);
    put_pipeline(digest, line);
    cast_line(digest, s);
    sw__sub_set_flag(digest, "new_parent", true);
    json_object_del(s->state, "digest");
    sw__sub_silence(s, "digest");
    return sw__sub_plan(digest);
}

json_t *sw__digest_message(const struct sw__sub *digest) {
    const json_t *state = digest->state;
    return json_pack("{s:s, s:{s:O*, s:O*, s:O*, s:O*}}", "template", "digest", "data", "total",
                     json_object_get(state, "total"), "counts", json_object_get(state, "counts"),
                     "pipelines", json_object_get(state, "pipelines"), "lines",
                     json_object_get(state, "lines"));
}
