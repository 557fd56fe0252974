/* plan_promote.c -- promote until Heroku has taken it: source, locks, one POST.
 *
 * The source's release is pinned by its id, and each target's newest version is noted before the
 * POST: that is how a promotion whose answer got lost is recognised later (plan_check.c). See
 * executor_priv.h. */
#include "actors/executor_priv.h"

#include <string.h>

int sw__promote_start(struct sw__plan *p) {
    if (sw__choose_promote(p)) sw__plan_go(p, "source");
    return 0;
}

void sw__source_call(struct sw__plan *p) {
    json_t *request = sw__request("GET", "id version status current", "/apps/%s/releases",
                                  sw_str(json_object_get(p->state, "from"), "id"));
    sw__request_range(request, "version ..; order=desc,max=10");
    sw__plan_call(p, request);
}

/* What runs now; where Heroku marks none of the latest as current, the newest that succeeded. */
static const json_t *current_release(const json_t *releases) {
    const json_t *newest = NULL;
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)releases, i, release) {
        bool good =
            !strcmp(sw_str(release, "status"), "succeeded") && sw__id_valid(sw_str(release, "id"));
        if (good && json_is_true(json_object_get(release, "current"))) return release;
        if (good && (!newest || sw_int(release, "version") > sw_int(newest, "version")))
            newest = release;
    }
    return newest;
}

static void locked(struct sw__plan *p, const json_t *target, const json_t *lock) {
    sw__plan_fail(p, "error.locked",
                  json_pack("{s:O, s:s, s:I}", "app", json_object_get(target, "name"), "by",
                            sw_str(lock, "user"), "since_ms", sw_int(lock, "since_ms")));
}

/* All of the targets or none. *ret: false where another holds one; the person knows. */
static int take_locks(struct sw__plan *p, bool *ret) {
    json_t *targets = json_object_get(p->state, "targets"), *target;
    int64_t now_ms = p->ctx->now_ms;
    const json_t *held = NULL, *held_target = NULL;
    int r = 0;
    size_t i;
    json_array_foreach(targets, i,
                       target) { /* every fact is named before the first -EAGAIN goes out */
        SW_AUTO(sw_text) char *key = sw_printf("lock/%s/%s", p->in->inst, sw_str(target, "id"));
        const json_t *lock = NULL;
        int one = sw_fact(p->out, key, &lock);
        if (one < 0) r = one;
        if (one == 0 && lock && strcmp(sw_str(lock, "op"), p->in->cmd) != 0 &&
            sw_int(lock, "until_ms") > now_ms && !held) {
            held = lock;
            held_target = target;
        }
    }
    if (r < 0) return r;
    *ret = held == NULL;
    if (held) {
        locked(p, held_target, held);
        return 0;
    }
    const char *user = sw_str(json_object_get(p->state, "who"), "user");
    json_array_foreach(targets, i, target) {
        SW_AUTO(sw_text) char *key = sw_printf("lock/%s/%s", p->in->inst, sw_str(target, "id"));
        json_int_t until_ms = now_ms + SW__LOCK_TTL_MS;
        sw_store(p->out, key,
                 json_pack("{s:s, s:s, s:I, s:I}", "op", p->in->cmd, "user", user, "since_ms",
                           (json_int_t)now_ms, "until_ms", until_ms),
                 SW__LOCK_TTL_MS);
    }
    sw__set(p->state, "locked", json_true());
    return 0;
}

static void tell_started(struct sw__plan *p) {
    json_t *names = json_array(), *target;
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        SW_AUTO(sw_text) char *source = sw_printf("heroku/%s", sw_str(target, "id"));
        sw_source(p->out, source);
        json_array_append(names, json_object_get(target, "name"));
    }
    sw__set(p->state, "posted", json_true());
    sw__report_parent(p, "started", false);
    json_t *from = json_object_get(p->state, "from");
    sw__report_thread(
        p, "promote.started",
        json_pack("{s:{s:O, s:O, s:O}, s:{s:O, s:o}}", "from", "stage",
                  json_object_get(from, "stage"), "app", json_object_get(from, "name"), "version",
                  json_object_get(from, "version"), "to", "stage",
                  json_object_get(json_object_get(p->state, "to"), "stage"), "apps", names));
    sw__report_promoted(p, "started");
}

int sw__source_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *from = json_object_get(p->state, "from");
    const json_t *release = current_release(said->json);
    bool taken = false;
    if (!release) {
        sw__plan_fail(p, "error.no_release",
                      json_pack("{s:O, s:O}", "app", json_object_get(from, "name"), "stage",
                                json_object_get(from, "stage")));
        return 0;
    }
    int r = take_locks(p, &taken);
    if (r < 0) return r;
    if (!taken) return 0;
    sw__set(from, "release", json_string(sw_str(release, "id")));
    sw__set(from, "version", json_integer(sw_int(release, "version")));
    sw__set(p->state, "start_ms", json_integer(p->ctx->now_ms));
    sw__set(p->state, "cursor", json_integer(0));
    tell_started(p);
    sw__plan_go(p, "before");
    return 0;
}

static json_t *cursor_target(const struct sw__plan *p) {
    size_t at = (size_t)sw_int(p->state, "cursor");
    return json_array_get(json_object_get(p->state, "targets"), at);
}

void sw__before_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", "version", "/apps/%s/releases", sw_str(cursor_target(p), "id"));
    sw__request_range(request, "version ..; order=desc,max=1");
    sw__plan_call(p, request);
}

int sw__before_said(struct sw__plan *p, const struct sw__said *said) {
    json_int_t version = sw_int(json_array_get(said->json, 0), "version");
    sw__set(cursor_target(p), "before", json_integer(version));
    sw__count(p, "cursor");
    sw__plan_go(p, cursor_target(p) ? "before" : "post");
    return 0;
}

void sw__post_call(struct sw__plan *p) {
    json_t *targets = json_array(), *target, *from = json_object_get(p->state, "from");
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append_new(targets,
                              json_pack("{s:{s:O}}", "app", "id", json_object_get(target, "id")));
    }
    json_t *request = sw__request("POST", "id status", "/pipeline-promotions");
    sw__set(request, "repeat", json_string("check"));
    sw__set(request, "json",
            json_pack("{s:{s:s}, s:{s:{s:O}, s:{s:O}}, s:o}", "pipeline", "id",
                      sw_str(json_object_get(p->state, "pipeline"), "id"), "source", "app", "id",
                      json_object_get(from, "id"), "release", "id",
                      json_object_get(from, "release"), "targets", targets));
    /* The first intent stands: what a repeat finds may be the first one's. */
    if (!sw__plan_call(p, request)) return;
    if (!json_object_get(p->state, "intent_ms"))
        sw__set(p->state, "intent_ms", json_integer(p->ctx->now_ms));
    sw__set(p->state, "posted_ms", json_integer(p->ctx->now_ms));
}

int sw__post_said(struct sw__plan *p, const struct sw__said *said) {
    const char *id = sw_str(said->json, "id");
    if (!sw__id_valid(id)) { /* taken, but under a name that cannot be asked for */
        sw__check_start(p, true);
        return 0;
    }
    json_object_del(p->state, "code");
    sw__set(p->state, "promotion", json_string(id));
    sw__watch_start(p);
    return 0;
}

void sw__post_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_UNSURE) {
        sw__check_start(p, said->status > 0);
    } else if (sw_int(p->state, "unsure") > 0) {
        /* Perhaps refused because the first one is under way after all: nobody can say. */
        sw__report_unknown(p, "refused", said->message);
    } else {
        json_object_del(p->state, "intent_ms"); /* nothing was written */
        sw__plan_trouble(p, said);
    }
}
