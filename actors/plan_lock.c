/* plan_lock.c -- one operation at a time on an app, and no one where somebody said so.
 *
 * Two locks: a person's on a pipeline or a stage, until it is taken away, and an operation's on its
 * apps, until its end. Both hold in this installation only. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

char *sw__held_key(const struct sw__plan *p) {
    return sw_printf("held/%s", p->in->inst);
}

static char *lock_key(const struct sw__plan *p, const json_t *target) {
    return sw_printf("lock/%s/%s", p->in->inst, sw_str(target, "id"));
}

/* Another's lock on the pipeline, or on the stage that is changed; NULL: none. */
static const json_t *held_by_other(const struct sw__plan *p, const json_t *held) {
    const char *pipeline = sw_str(json_object_get(p->state, "pipeline"), "id");
    const char *stage = sw_str(json_object_get(p->state, "to"), "stage");
    const char *user = sw_str(json_object_get(p->state, "who"), "user");
    const char *const names[] = {"*", stage};
    for (size_t i = 0; i < 2; i++) {
        SW_AUTO(sw_text) char *name = sw_printf("%s/%s", pipeline, names[i]);
        const json_t *lock = json_object_get(held, name);
        if (lock && strcmp(sw_str(lock, "user"), user) != 0) return lock;
    }
    return NULL;
}

void sw__lock_held(struct sw__plan *p, const json_t *lock) {
    const char *pipeline = sw_str(json_object_get(p->state, "pipeline"), "name");
    const char *stage = sw_str(lock, "stage");
    SW_AUTO(sw_text)
    char *steal = sw_printf("unlock! %s%s%s", pipeline, stage[0] ? "/" : "", stage);
    json_t *data = json_pack("{s:s, s:s, s:I, s:s, s:O*}", "pipeline", pipeline, "by",
                             sw_str(lock, "user"), "since_ms", sw_int(lock, "since_ms"), "steal",
                             steal, "reason", json_object_get(lock, "reason"));
    if (stage[0]) sw__set(data, "stage", json_string(stage));
    sw__plan_fail(p, "error.held", data);
}

static void tell_busy(struct sw__plan *p, const json_t *target, const json_t *lock) {
    sw__plan_fail(p, "error.locked",
                  json_pack("{s:O, s:s, s:I, s:s}", "app", json_object_get(target, "name"), "by",
                            sw_str(lock, "user"), "since_ms", sw_int(lock, "since_ms"), "op",
                            sw_str(lock, "op")));
}

static void take(struct sw__plan *p) {
    size_t i;
    json_t *target;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *key = lock_key(p, target);
        json_int_t now_ms = (json_int_t)p->ctx->now_ms;
        sw_store(p->out, key,
                 json_pack("{s:s, s:s, s:I, s:I}", "op", p->in->cmd, "user",
                           sw_str(json_object_get(p->state, "who"), "user"), "since_ms", now_ms,
                           "until_ms", now_ms + SW__LOCK_TTL_MS),
                 SW__LOCK_TTL_MS);
    }
    sw__set(p->state, "locked", json_true());
}

/* All of the targets or none. */
int sw__lock_start(struct sw__plan *p) {
    SW_AUTO(sw_text) char *held_key = sw__held_key(p);
    const json_t *held = NULL, *busy = NULL, *busy_target = NULL;
    size_t i;
    json_t *target;
    int r = sw_fact(p->out, held_key, &held);
    /* Every fact is named before the first -EAGAIN goes out. */
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *key = lock_key(p, target);
        const json_t *lock = NULL;
        int one = sw_fact(p->out, key, &lock);
        if (one < 0) r = one;
        if (one == 0 && lock && strcmp(sw_str(lock, "op"), p->in->cmd) != 0 &&
            sw_int(lock, "until_ms") > p->ctx->now_ms && !busy) {
            busy = lock;
            busy_target = target;
        }
    }
    if (r < 0) return r;
    const json_t *other = held_by_other(p, held);
    if (other || busy) {
        other ? sw__lock_held(p, other) : tell_busy(p, busy_target, busy);
        return 0;
    }
    take(p);
    return sw__plan_next(p);
}

int sw__lock_load(struct sw__plan *p) {
    int r = 0;
    size_t i;
    json_t *target;
    if (!json_is_true(json_object_get(p->state, "locked"))) return 0;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *key = lock_key(p, target);
        const json_t *lock = NULL;
        int one = sw_fact(p->out, key, &lock);
        if (one < 0) r = one;
    }
    return r;
}

void sw__lock_free(struct sw__plan *p) {
    size_t i;
    json_t *target;
    if (!json_is_true(json_object_get(p->state, "locked"))) return;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *key = lock_key(p, target);
        const json_t *lock = NULL;
        if (sw_fact(p->out, key, &lock) == 0 && lock && !strcmp(sw_str(lock, "op"), p->in->cmd))
            sw_forget(p->out, key);
    }
    json_object_del(p->state, "locked");
}
