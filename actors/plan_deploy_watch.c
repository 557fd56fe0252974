/* plan_deploy_watch.c -- follows a deploy: its build, its release phase, its dynos; stops its build.
 *
 * Each of the three is asked for until it has come to an end or its own time is over. A call that
 * fails says nothing about the deploy, so it is asked again. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define BUILD_MS (20 * 60 * 1000LL)   /* Heroku ends a build sooner */
#define RELEASE_MS (30 * 60 * 1000LL) /* a release phase may take a day: nobody waits for that */
#define NAMES_MAX 5

/* ---- what all three have in common ---- */

static void enter(struct sw__plan *p, const char *at, int64_t most_ms) {
    sw__set(p->state, "at", json_string(at));
    sw__set(p->state, "until_ms", json_integer(p->ctx->now_ms + most_ms));
    json_object_del(p->state, "troubled");
    sw__poll_moved(p);
    sw__report_parent(p, "running", false);
}

static void tell_phase(struct sw__plan *p, const char *template) {
    const json_t *target = sw__deploy_target(p);
    json_t *log = sw__deploy_log(p);
    sw__report_thread(p, template,
                      json_pack("{s:O, s:O*, s:o*}", "app", json_object_get(target, "name"),
                                "version", json_object_get(target, "version"), "log", log));
}

static int fail(struct sw__plan *p, const char *reason) {
    json_t *target = sw__deploy_target(p), *log = sw__deploy_log(p);
    sw__set(target, "state", json_string("failure"));
    sw__set(p->state, "reason", sw__text(reason, 300));
    sw__report_thread(
        p, "deploy.failed",
        json_pack("{s:O, s:O*, s:O, s:O, s:o*}", "app", json_object_get(target, "name"), "version",
                  json_object_get(target, "version"), "phase", json_object_get(p->state, "at"),
                  "reason", json_object_get(p->state, "reason"), "log", log));
    sw__plan_end(p, "failure", NULL, NULL);
    return 0;
}

static bool is_at(const struct sw__plan *p, const char *at) {
    return !strcmp(sw_str(p->state, "at"), at);
}

/* Asks again later, as long as there is time. */
static int again(struct sw__plan *p) {
    if (p->ctx->now_ms < sw_int(p->state, "until_ms")) {
        sw__plan_go(p, "deploy_pause");
    } else if (is_at(p, "restarting")) {
        return fail(p, "not all of its dynos came up in time");
    } else {
        sw__deploy_unknown(p, "timeout", "");
    }
    return 0;
}

void sw__deploy_round(struct sw__plan *p) {
    if (is_at(p, "building")) {
        sw__plan_go(p, json_object_get(p->state, "cancelling") ? "build_cancel" : "build_status");
    } else {
        sw__plan_go(p, is_at(p, "releasing") ? "build_release" : "dynos");
    }
}

/* 404: what was just made may not be visible everywhere yet. */
void sw__deploy_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool final = said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR;
    sw__poll_rate(p, said);
    if (final && said->status != 404) {
        sw__deploy_unknown(p, "look", said->message);
        return;
    }
    if (!final && !json_is_true(json_object_get(p->state, "troubled"))) {
        sw__report_thread(p, "promote.waiting", NULL);
        sw__set(p->state, "troubled", json_true());
    }
    again(p);
}

/* ---- the build ---- */

int sw__building_start(struct sw__plan *p) {
    enter(p, "building", BUILD_MS);
    tell_phase(p, "deploy.building");
    sw__deploy_say(p, "build", "deploy_pause");
    return 0;
}

void sw__building_call(struct sw__plan *p) {
    const json_t *target = sw__deploy_target(p);
    sw__plan_call(p, sw__request("GET", "id status release.id", "/apps/%s/builds/%s",
                                 sw_str(target, "id"), sw_str(target, "build")));
}

/* The build has ended: it can no longer be stopped. */
static void too_late(struct sw__plan *p) {
    if (!json_object_get(p->state, "cancelling")) return;
    json_object_del(p->state, "cancelling");
    sw__report_thread(p, "op.too_late", NULL);
}

int sw__building_said(struct sw__plan *p, const struct sw__said *said) {
    const char *status = sw_str(said->json, "status");
    const char *release = sw_str(json_object_get(said->json, "release"), "id");
    sw__poll_rate(p, said);
    if (!strcmp(status, "failed")) return fail(p, "the build failed");
    /* Without a release it is not over: that one comes a moment later. */
    if (strcmp(status, "succeeded") != 0 || !sw__id_valid(release)) {
        if (!json_object_get(p->state, "cancelling")) return again(p);
        sw__deploy_round(p);
        return 0;
    }
    too_late(p);
    sw__set(sw__deploy_target(p), "release", json_string(release));
    return sw__plan_next(p);
}

/* ---- stopping it ---- */

bool sw__deploy_cancel(struct sw__plan *p) {
    if (!json_object_get(p->state, "wrote")) return sw__plan_cancel_before(p);
    if (json_object_get(sw__deploy_target(p), "release")) return false;
    /* What is under way is awaited first: an answer, a grant. */
    bool pauses = !strcmp(sw_str(p->state, "step"), "deploy_pause");
    if (pauses && !json_object_get(p->state, "waiting")) sw__deploy_round(p);
    return true;
}

void sw__build_cancel_call(struct sw__plan *p) {
    const json_t *target = sw__deploy_target(p);
    sw__plan_write(p,
                   sw__request("DELETE", "id status", "/apps/%s/builds/%s", sw_str(target, "id"),
                               sw_str(target, "build")),
                   true);
}

int sw__build_cancel_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    sw__plan_end(p, "cancelled", NULL, NULL);
    return 0;
}

/* It was not stopped, or nobody can say: it is followed. */
static void follow(struct sw__plan *p) {
    json_object_del(p->state, "write");
    too_late(p);
    sw__deploy_round(p);
}

void sw__build_cancel_trouble(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    follow(p);
}

void sw__build_cancel_lost(struct sw__plan *p, const char *why, const char *reason) {
    (void)why;
    (void)reason;
    follow(p);
}

/* A build that was cancelled has failed. */
enum sw__seen sw__build_cancel_seen(struct sw__plan *p, const struct sw__said *said) {
    const char *status = sw_str(said->json, "status");
    if (!strcmp(status, "pending")) return SW__SEEN_NOT;
    sw__set(p->state, "stopped", json_boolean(strcmp(status, "succeeded") != 0));
    return SW__SEEN_YES;
}

int sw__build_cancel_found(struct sw__plan *p) {
    if (json_is_true(json_object_get(p->state, "stopped")))
        sw__plan_end(p, "cancelled", NULL, NULL);
    else
        follow(p);
    return 0;
}

/* ---- the release phase ---- */

int sw__releasing_start(struct sw__plan *p) {
    enter(p, "releasing", RELEASE_MS);
    sw__deploy_say(p, "release", "build_release");
    return 0;
}

void sw__build_release_call(struct sw__plan *p) {
    const json_t *target = sw__deploy_target(p);
    sw__plan_call(p, sw__request("GET", "id version status", "/apps/%s/releases/%s",
                                 sw_str(target, "id"), sw_str(target, "release")));
}

int sw__build_release_said(struct sw__plan *p, const struct sw__said *said) {
    const char *status = sw_str(said->json, "status");
    json_int_t version = sw_int(said->json, "version");
    json_t *target = sw__deploy_target(p);
    sw__poll_rate(p, said);
    if (version > 0) sw__set(target, "version", json_integer(version));
    if (!strcmp(status, "succeeded")) return sw__plan_next(p);
    if (!strcmp(status, "failed")) return fail(p, "the release phase failed");
    if (strcmp(sw_str(target, "state"), "release") != 0) {
        sw__set(target, "state", json_string("release"));
        tell_phase(p, "deploy.releasing");
        sw__report_parent(p, "running", false);
    }
    return again(p);
}

/* ---- the dynos ---- */

int sw__dynos_start(struct sw__plan *p) {
    enter(p, "restarting", p->ctx->conf->dyno_wait_ms);
    tell_phase(p, "deploy.restarting");
    sw__deploy_say(p, "restart", "dynos");
    return 0;
}

void sw__dynos_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "name type state release.version", "/apps/%s/dynos",
                                 sw_str(sw__deploy_target(p), "id")));
}

/* One-off dynos are somebody's own, and keep the release that they began with. */
static bool serves(const json_t *dyno) {
    const char *type = sw_str(dyno, "type");
    return strcmp(type, "run") != 0 && strcmp(type, "scheduler") != 0;
}

static bool is_up(const json_t *dyno, json_int_t ours, json_int_t version) {
    const char *state = sw_str(dyno, "state");
    if (version > ours) return true; /* another release has followed ours */
    return version == ours && (!strcmp(state, "up") || !strcmp(state, "idle"));
}

int sw__dynos_said(struct sw__plan *p, const struct sw__said *said) {
    json_int_t ours = sw_int(sw__deploy_target(p), "version"), up = 0, all = 0, crashed = 0;
    SW_AUTO(sw_text) char *names = sw_strdup("");
    size_t i;
    json_t *dyno;
    sw__poll_rate(p, said);
    json_array_foreach((json_t *)said->json, i, dyno) {
        json_int_t version = sw_int(json_object_get(dyno, "release"), "version");
        if (!serves(dyno)) continue;
        all++;
        if (is_up(dyno, ours, version)) up++;
        if (version != ours || strcmp(sw_str(dyno, "state"), "crashed") != 0) continue;
        if (crashed++ >= NAMES_MAX) continue;
        char *longer = sw_printf("%s%s%.40s", names, names[0] ? ", " : "", sw_str(dyno, "name"));
        free(names);
        names = longer;
    }
    if (crashed > 0) {
        SW_AUTO(sw_text)
        char *reason = sw_printf("%s crashed%s", names, crashed > NAMES_MAX ? ", and more" : "");
        return fail(p, reason);
    }
    if (up == all) return sw__plan_next(p);
    if (up != sw_int(json_object_get(p->state, "dynos"), "up")) {
        sw__poll_moved(p);
        sw__set(p->state, "dynos", json_pack("{s:I, s:I}", "up", up, "all", all));
        sw__report_parent(p, "running", false);
    }
    return again(p);
}

int sw__deploy_finish(struct sw__plan *p) {
    json_t *target = sw__deploy_target(p);
    sw__set(target, "state", json_string("success"));
    json_object_del(p->state, "dynos");
    tell_phase(p, "deploy.done");
    sw__plan_end(p, "success", NULL, NULL);
    return 0;
}
