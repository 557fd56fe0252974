/* plan_promote.c -- promote until Heroku has taken it: source, locks, one POST.
 *
 * The source's release is pinned by its id, and each target's newest version is noted before the
 * POST: that is how a promotion whose answer got lost is recognised later (plan_check.c). See
 * executor_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

int sw__promote_choose(struct sw__plan *p) {
    return sw__choose_promote(p) ? sw__plan_next(p) : 0;
}

int sw__source_start(struct sw__plan *p) {
    sw__plan_go(p, "source");
    return 0;
}

void sw__source_call(struct sw__plan *p) {
    json_t *request = sw__request("GET", "id version status current slug.id", "/apps/%s/releases",
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

int sw__source_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *from = json_object_get(p->state, "from");
    const json_t *release = current_release(said->json);
    if (!release) {
        sw__plan_fail(p, "error.no_release",
                      json_pack("{s:O, s:O}", "app", json_object_get(from, "name"), "stage",
                                json_object_get(from, "stage")));
        return 0;
    }
    sw__set(from, "release", json_string(sw_str(release, "id")));
    sw__set(from, "version", json_integer(sw_int(release, "version")));
    sw__set(from, "slug", json_string(sw_str(json_object_get(release, "slug"), "id")));
    return sw__plan_next(p);
}

int sw__promote_tell(struct sw__plan *p) {
    json_t *names = json_array(), *target, *from = json_object_get(p->state, "from");
    size_t i;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        json_array_append(names, json_object_get(target, "name"));
    }
    sw__report_begin(p);
    sw__report_thread(
        p, "promote.started",
        json_pack("{s:{s:O, s:O, s:O}, s:{s:O, s:o}}", "from", "stage",
                  json_object_get(from, "stage"), "app", json_object_get(from, "name"), "version",
                  json_object_get(from, "version"), "to", "stage",
                  json_object_get(json_object_get(p->state, "to"), "stage"), "apps", names));
    return sw__plan_next(p);
}

int sw__post_start(struct sw__plan *p) {
    sw__plan_go(p, "post");
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
    sw__set(request, "json",
            json_pack("{s:{s:s}, s:{s:{s:O}, s:{s:O}}, s:o}", "pipeline", "id",
                      sw_str(json_object_get(p->state, "pipeline"), "id"), "source", "app", "id",
                      json_object_get(from, "id"), "release", "id",
                      json_object_get(from, "release"), "targets", targets));
    sw__plan_write(p, request, true);
}

int sw__post_said(struct sw__plan *p, const struct sw__said *said) {
    const char *id = sw_str(said->json, "id");
    json_object_del(p->state, "code");
    sw__set(p->state, "promotion", json_string(id));
    return sw__plan_next(p);
}

void sw__post_look(struct sw__plan *p) {
    sw__plan_call(p, sw__before_request(sw__cursor_target(p)));
}

/* Takes over the release of ours among `releases`, if there is one. */
bool sw__promote_take(const struct sw__plan *p, json_t *target, const json_t *releases) {
    const char *source = sw_str(json_object_get(p->state, "from"), "name");
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)releases, i, release) {
        if (!sw__before_is_ours(p, target, release, "Promote", source)) continue;
        sw__set(target, "release", json_string(sw_str(release, "id")));
        sw__set(target, "version", json_integer(sw_int(release, "version")));
        return true;
    }
    return false;
}

enum sw__seen sw__post_seen(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *target;
    (void)sw__promote_take(p, sw__cursor_target(p), said->json); /* all of them are asked below */
    sw__count(p, "cursor");
    if (sw__cursor_target(p)) return SW__SEEN_MORE;
    json_array_foreach(json_object_get(p->state, "targets"), i, target) {
        if (!json_object_get(target, "release")) continue;
        sw__set(p->state, "intent_ms",
                json_incref(json_object_get(json_object_get(p->state, "write"), "intent_ms")));
        return SW__SEEN_YES;
    }
    return SW__SEEN_NOT;
}

int sw__post_found(struct sw__plan *p) {
    json_object_del(p->state, "code");
    sw__report_thread(p, "promote.found", NULL);
    sw__set(p->state, "found_ms", json_integer(p->ctx->now_ms));
    return sw__plan_next(p);
}

void sw__promote_describe(const struct sw__plan *p, json_t *data) {
    json_t *from = json_object_get(p->state, "from");
    sw__set(data, "from",
            json_pack("{s:O, s:O, s:O*}", "stage", json_object_get(from, "stage"), "app",
                      json_object_get(from, "name"), "version", json_object_get(from, "version")));
}
