/* plan_hold.c -- locks that people set: `lock`, `unlock`, `unlock!`, `locks`.
 *
 * They stop deploy, promote and rollback of everybody else (plan_lock.c) until they are taken away.
 * See plan_priv.h for what is kept. */
#include "actors/plan_priv.h"

#include <string.h>

#define HELD_MAX 200
/* What is stored, and the list of `locks` with what runs, is one value of 64 KiB at most. */
#define HELD_BYTES_MAX (40 * 1024)
#define RUNNING_SHOWN 20

static bool is_mine(const struct sw__plan *p, const json_t *lock) {
    return !strcmp(sw_str(lock, "user"), sw_str(json_object_get(p->state, "who"), "user"));
}

static char *hold_name(const struct sw__plan *p, const char *stage) {
    return sw_printf("%s/%s", sw_str(json_object_get(p->state, "pipeline"), "id"),
                     stage[0] ? stage : "*");
}

static int held_load(struct sw__plan *p, json_t **ret) {
    SW_AUTO(sw_text) char *key = sw__held_key(p);
    const json_t *held = NULL;
    int r = sw_fact(p->out, key, &held);
    if (r < 0) return r;
    *ret = held ? json_deep_copy(held) : json_object();
    return 0;
}

static void held_save(struct sw__plan *p, json_t **held) {
    SW_AUTO(sw_text) char *key = sw__held_key(p);
    if (json_object_size(*held) > 0)
        sw_store(p->out, key, sw_take(held), 0);
    else
        sw_forget(p->out, key);
}

/* In the channel: a lock concerns everybody there. */
static int say(struct sw__plan *p, const char *template, json_t *data) {
    const char *stage = sw__word(p, "environment"), *reason = sw__word(p, "reason");
    sw__set(data, "pipeline", json_string(sw_str(json_object_get(p->state, "pipeline"), "name")));
    if (stage[0]) sw__set(data, "stage", json_string(stage));
    if (reason[0] && !json_object_get(data, "reason")) sw__set(data, "reason", json_string(reason));
    if (stage[0]) sw__set(p->state, "to", json_pack("{s:s}", "stage", stage));
    if (reason[0]) sw__set(p->state, "reason", json_string(reason));
    sw__plan_reply(p, "say", template, data, 0, true);
    sw__plan_end(p, "success", NULL, NULL);
    return 0;
}

static void refuse(struct sw__plan *p, const char *template, json_t *data) {
    const char *stage = sw__word(p, "environment");
    sw__set(data, "pipeline", json_string(sw_str(json_object_get(p->state, "pipeline"), "name")));
    if (stage[0]) sw__set(data, "stage", json_string(stage));
    sw__plan_fail(p, template, data);
}

/* The stage, where one is named, is one of the pipeline's. */
static bool is_there(struct sw__plan *p) {
    const char *stage = sw__word(p, "environment");
    return !stage[0] || sw__choose_has_stage(p, stage);
}

/* Somebody else has locked a stage of it, and keeps it. */
static bool is_in_part_anothers(const struct sw__plan *p, json_t *held, const char *all) {
    const char *name;
    json_t *lock;
    json_object_foreach(held, name, lock) {
        if (!strncmp(name, all, strlen(all) - 1) && !is_mine(p, lock)) return true;
    }
    return false;
}

static bool is_too_much(const json_t *held) {
    return json_object_size(held) > HELD_MAX ||
           json_dumpb(held, NULL, 0, JSON_COMPACT) > HELD_BYTES_MAX;
}

int sw__hold_lock(struct sw__plan *p) {
    const char *stage = sw__word(p, "environment"), *reason = sw__word(p, "reason");
    SW_AUTO(sw_text) char *name = hold_name(p, stage), *all = hold_name(p, "");
    SW_AUTO(sw_json) json_t *held = NULL;
    if (!is_there(p)) return 0;
    int r = held_load(p, &held);
    if (r < 0) return r;
    const json_t *old = json_object_get(held, name), *whole = json_object_get(held, all);
    const json_t *other = old && !is_mine(p, old)       ? old
                          : whole && !is_mine(p, whole) ? whole
                                                        : NULL;
    if (other) {
        sw__lock_held(p, other);
        return 0;
    }
    int count = (int)json_object_size(held);
    json_int_t since_ms = old ? sw_int(old, "since_ms") : (json_int_t)p->ctx->now_ms;
    json_t *who = json_object_get(p->state, "who");
    json_t *lock = json_pack("{s:s, s:s, s:O, s:I}", "pipeline",
                             sw_str(json_object_get(p->state, "pipeline"), "name"), "user",
                             sw_str(who, "user"), "who", who, "since_ms", since_ms);
    if (stage[0]) sw__set(lock, "stage", json_string(stage));
    if (reason[0]) sw__set(lock, "reason", json_string(reason));
    bool again = old != NULL, others = !stage[0] && is_in_part_anothers(p, held, all);
    sw__set(held, name, lock);
    if (is_too_much(held)) {
        refuse(p, "lock.too_many", json_pack("{s:i}", "max", count));
        return 0;
    }
    held_save(p, &held);
    return say(p, "lock.done", json_pack("{s:b, s:b}", "again", (int)again, "others", (int)others));
}

/* Its owner hears of it wherever he is. */
static void tell_owner(struct sw__plan *p, const json_t *lock) {
    const char *reason = sw__word(p, "reason");
    SW_AUTO(sw_text) char *op = sw_printf("unlock/%s", p->in->cmd);
    json_t *data = json_pack("{s:s, s:O*, s:s, s:O*, s:I}", "pipeline", sw_str(lock, "pipeline"),
                             "stage", json_object_get(lock, "stage"), "by",
                             sw_str(json_object_get(p->state, "who"), "user"), "was",
                             json_object_get(lock, "reason"), "since_ms", sw_int(lock, "since_ms"));
    if (reason[0]) sw__set(data, "reason", json_string(reason));
    struct sw_msg *m =
        sw_send(p->out, "responder", SW_KIND_REPLY,
                json_pack("{s:O, s:s, s:s, s:s, s:o}", "who", json_object_get(lock, "who"), "op",
                          op, "to", "direct", "template", "lock.taken", "data", data));
    json_object_clear(m->boxes);
}

int sw__hold_unlock(struct sw__plan *p) {
    const char *stage = sw__word(p, "environment");
    bool forced = sw__forced(p);
    SW_AUTO(sw_text) char *name = hold_name(p, stage);
    SW_AUTO(sw_json) json_t *held = NULL, *lock = NULL;
    /* A stage that is gone may still be locked, so only what is not locked is looked at closely. */
    int r = held_load(p, &held);
    if (r < 0) return r;
    lock = json_incref(json_object_get(held, name));
    if (!lock) {
        if (is_there(p)) refuse(p, "lock.none", json_object());
        return 0;
    }
    if (!is_mine(p, lock) && !forced) {
        sw__lock_held(p, lock);
        return 0;
    }
    json_object_del(held, name);
    held_save(p, &held);
    if (is_mine(p, lock)) return say(p, "unlock.done", json_object());
    tell_owner(p, lock);
    return say(p, "unlock.done",
               json_pack("{s:s, s:O*}", "owner", sw_str(lock, "user"), "was",
                         json_object_get(lock, "reason")));
}

int sw__hold_list(struct sw__plan *p) {
    SW_AUTO(sw_json) json_t *held = NULL;
    json_t *list = json_array(), *lock;
    const char *name;
    json_int_t more;
    int r = held_load(p, &held);
    if (r < 0) {
        json_decref(list);
        return r;
    }
    json_object_foreach(held, name, lock) {
        json_array_append_new(
            list,
            json_pack("{s:s, s:O*, s:s, s:O*, s:I}", "pipeline", sw_str(lock, "pipeline"), "stage",
                      json_object_get(lock, "stage"), "by", sw_str(lock, "user"), "reason",
                      json_object_get(lock, "reason"), "since_ms", sw_int(lock, "since_ms")));
    }
    json_t *running = sw__ops_running(p, RUNNING_SHOWN, &more);
    sw__plan_reply(p, "private", "locks.list",
                   json_pack("{s:o, s:o, s:I}", "locks", list, "running", running, "more", more), 0,
                   true);
    sw__plan_close(p);
    return 0;
}
