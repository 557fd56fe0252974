/* plan_ops.c -- the operations of this installation, for `status` and `cancel`; see plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define RUNNING_MAX 100
#define ENDED_MAX 20
#define LOST_MS (2 * 60 * 60 * 1000LL) /* longer than any plan */
#define LINE_BYTES_MAX 200
#define BYTES_MAX (48 * 1024) /* a value that is stored has 64 KiB at most */

char *sw__ops_key(const struct sw__plan *p) {
    return sw_printf("ops/%s", p->in->inst);
}

int sw__ops_load(struct sw__plan *p) {
    SW_AUTO(sw_text) char *key = sw__ops_key(p);
    const json_t *ops = NULL;
    return sw_fact(p->out, key, &ops);
}

static json_t *entry(const struct sw__plan *p, const char *state, json_int_t since_ms) {
    json_t *apps = json_array(), *target, *pipeline = json_object_get(p->state, "pipeline");
    json_t *who = json_object_get(p->state, "who");
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        if (i < 5) json_array_append(apps, json_object_get(target, "name"));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:O*, s:O*, s:o, s:s, s:I}", "id", p->in->cmd,
                     "kind", sw_str(p->state, "kind"), "user", sw_str(who, "user"), "channel",
                     sw_str(who, "channel"), "line",
                     sw__text(sw_str(p->state, "line"), LINE_BYTES_MAX), "pipeline",
                     json_object_get(pipeline, "name"), "stage",
                     json_object_get(json_object_get(p->state, "to"), "stage"), "apps", apps,
                     "state", state, "since_ms", since_ms);
}

/* The oldest that ended, else the oldest but one's own. */
static size_t least_wanted(const json_t *list) {
    size_t last = json_array_size(list) - 1;
    for (size_t i = last; i > 0; i--) {
        if (json_object_get(json_array_get(list, i), "end_ms")) return i;
    }
    return last;
}

/* Newest first. What ended makes room before what runs, and what was lost is dropped. */
void sw__ops_note(struct sw__plan *p, const char *state) {
    SW_AUTO(sw_text) char *key = sw__ops_key(p);
    json_t *list = json_array(), *old;
    const json_t *ops = NULL;
    json_int_t since_ms = (json_int_t)p->ctx->now_ms;
    size_t i, running = 0, ended = 0;
    if (sw_fact(p->out, key, &ops) < 0) ops = NULL; /* it was loaded before: sw__ops_load */
    json_array_foreach((json_t *)ops, i, old) {
        bool over = json_object_get(old, "end_ms") != NULL;
        if (!strcmp(sw_str(old, "id"), p->in->cmd)) {
            since_ms = sw_int(old, "since_ms");
            continue;
        }
        if (!over && sw_int(old, "since_ms") < p->ctx->now_ms - LOST_MS) continue;
        if (over ? ++ended >= ENDED_MAX : ++running >= RUNNING_MAX) continue;
        json_array_append(list, old);
    }
    json_t *mine = entry(p, state, since_ms);
    if (json_object_get(p->state, "outcome")) sw__set(mine, "end_ms", json_integer(p->ctx->now_ms));
    json_array_insert_new(list, 0, mine);
    while (json_array_size(list) > 1 && json_dumpb(list, NULL, 0, JSON_COMPACT) > BYTES_MAX)
        json_array_remove(list, least_wanted(list));
    sw_store(p->out, key, list, 0);
}
