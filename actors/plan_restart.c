/* plan_restart.c -- restart: the dynos that are meant, one DELETE, then until new ones are up.
 *
 * A dyno that was restarted has another id, or began later by Heroku's own clock: so neither a lost
 * answer nor a clock that differs makes it happen twice. See plan_change.h. */
#include "actors/plan_change.h"

#include <string.h>

#define OLD_MAX 100
#define NAMES_MAX 5
#define FOLLOW_MS (10 * 60 * 1000LL) /* a dyno that has not bound its port by then has crashed */

static json_t *dynos(const struct sw__plan *p) {
    return json_object_get(p->state, "dynos");
}

/* One-off dynos belong to whoever began them: a restart would only end them. */
static bool is_one_off(const char *type) {
    return !strcmp(type, "run") || !strcmp(type, "scheduler") || !strcmp(type, "release");
}

/* A type (web), one of them (web.1), or all. */
static bool is_meant(const struct sw__plan *p, const json_t *dyno) {
    const char *process = sw__word(p, "process");
    if (is_one_off(sw_str(dyno, "type"))) return false;
    if (strchr(process, '.')) return !strcmp(process, sw_str(dyno, "name"));
    return !process[0] || !strcmp(process, sw_str(dyno, "type"));
}

/* ---- before ---- */

int sw__restart_start(struct sw__plan *p) {
    sw__plan_go(p, "restart_before");
    return 0;
}

void sw__restart_dynos_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "id name type state created_at", "/apps/%s/dynos",
                                 sw_str(sw__change_target(p), "id")));
}

int sw__restart_before_said(struct sw__plan *p, const struct sw__said *said) {
    json_t *old = json_array(), *names = json_array(), *dyno;
    json_int_t newest_ms = 0, all = 0;
    size_t i;
    json_array_foreach((json_t *)said->json, i, dyno) {
        int64_t at_ms = sw__time_parse(sw_str(dyno, "created_at"));
        if (!is_meant(p, dyno)) continue;
        all++;
        if (at_ms > newest_ms) newest_ms = at_ms;
        if (json_array_size(old) >= OLD_MAX) continue;
        json_array_append_new(old, sw__text(sw_str(dyno, "id"), 64));
        json_array_append_new(names, sw__text(sw_str(dyno, "name"), 40));
    }
    sw__set(p->state, "dynos",
            json_pack("{s:o, s:I, s:I, s:I}", "old", old, "newest_ms", newest_ms, "up",
                      (json_int_t)0, "all", all));
    if (all == 0) {
        json_decref(names);
        sw__plan_go(p, "restart_types");
        return 0;
    }
    sw__report_begin(p);
    sw__report_thread(p, "restart.started",
                      json_pack("{s:O, s:o}", "app", json_object_get(sw__change_target(p), "name"),
                                "names", names));
    return sw__plan_next(p);
}

/* Nothing runs that is meant: because there is no such thing, or because it is scaled to none. */
void sw__restart_types_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", "type quantity", "/apps/%s/formation",
                                 sw_str(sw__change_target(p), "id")));
}

int sw__restart_types_said(struct sw__plan *p, const struct sw__said *said) {
    const char *process = sw__word(p, "process");
    json_t *types = json_array(), *one;
    bool known = !process[0];
    size_t i;
    json_array_foreach((json_t *)said->json, i, one) {
        const char *type = sw_str(one, "type");
        json_array_append_new(types, sw__text(type, 40));
        if (!strcmp(type, process)) known = true;
    }
    SW_AUTO(sw_text) char *line = sw__change_line(p, "ps");
    sw__plan_fail(p, known ? "restart.nothing" : "restart.unknown_type",
                  json_pack("{s:O, s:o, s:o, s:s}", "app",
                            json_object_get(sw__change_target(p), "name"), "process",
                            sw__text(process, 40), "types", types, "type", line));
    return 0;
}

/* ---- the write ---- */

int sw__restart_write(struct sw__plan *p) {
    sw__plan_go(p, "restart");
    return 0;
}

void sw__restart_call(struct sw__plan *p) {
    const char *app = sw_str(sw__change_target(p), "id"), *process = sw__word(p, "process");
    json_t *request;
    if (!process[0])
        request = sw__request("DELETE", "", "/apps/%s/dynos", app);
    else if (strchr(process, '.'))
        request = sw__request("DELETE", "", "/apps/%s/dynos/%s", app, process);
    else
        request = sw__request("DELETE", "", "/apps/%s/formations/%s", app, process);
    sw__plan_write(p, request, true);
}

int sw__restart_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    json_object_del(p->state, "code");
    return sw__plan_next(p);
}

static bool is_new(const struct sw__plan *p, const json_t *dyno) {
    json_t *old = json_object_get(dynos(p), "old"), *id;
    size_t i;
    int64_t at_ms = sw__time_parse(sw_str(dyno, "created_at"));
    if (at_ms > sw_int(dynos(p), "newest_ms")) return true;
    if (sw_int(dynos(p), "all") > (json_int_t)json_array_size(old)) return false;
    json_array_foreach(old, i, id) {
        if (!strcmp(json_string_value(id), sw_str(dyno, "id"))) return false;
    }
    return true;
}

/* Heroku restarts them one after the other, so one is enough: were it another's doing, the others
 * would be missed below, while to act twice harms all. */
enum sw__seen sw__restart_seen(struct sw__plan *p, const struct sw__said *said) {
    size_t i, meant = 0;
    json_t *dyno;
    json_array_foreach((json_t *)said->json, i, dyno) {
        if (!is_meant(p, dyno)) continue;
        meant++;
        if (is_new(p, dyno)) return SW__SEEN_YES;
    }
    return meant == 0 ? SW__SEEN_YES : SW__SEEN_NOT; /* none at all: between two of them */
}

int sw__restart_found(struct sw__plan *p) {
    json_object_del(p->state, "code");
    sw__change_found(p);
    return sw__plan_next(p);
}

/* ---- until they are up ---- */

int sw__restart_watch(struct sw__plan *p) {
    sw__set(dynos(p), "until_ms", json_integer(p->ctx->now_ms + FOLLOW_MS));
    sw__plan_go(p, "restart_pause"); /* it was asked for a moment ago */
    return 0;
}

void sw__restart_due(struct sw__plan *p) {
    sw__plan_go(p, "restart_watch");
}

static int end(struct sw__plan *p, const char *outcome, const char *reason) {
    json_t *target = sw__change_target(p);
    sw__set(target, "state", json_string(outcome));
    if (reason[0]) {
        sw__set(target, "reason", sw__text(reason, 300));
        sw__set(p->state, "reason", sw__text(reason, 300));
    }
    sw__report_thread(p, "restart.ended",
                      json_pack("{s:O, s:s, s:s, s:O}", "app", json_object_get(target, "name"),
                                "state", outcome, "reason", reason, "up",
                                json_object_get(dynos(p), "up")));
    sw__plan_end(p, outcome, NULL, NULL);
    return 0;
}

static void add_name(char **names, size_t *count, const json_t *dyno) {
    if ((*count)++ >= NAMES_MAX) return;
    char *longer = sw_printf("%s%s%.40s", *names, (*names)[0] ? ", " : "", sw_str(dyno, "name"));
    free(*names);
    *names = longer;
}

/* Not all of them yet. */
static int again(struct sw__plan *p, json_int_t up, json_int_t all, const char *names) {
    if (p->ctx->now_ms < sw_int(dynos(p), "until_ms")) {
        if (up != sw_int(dynos(p), "up")) {
            sw__set(dynos(p), "up", json_integer(up));
            sw__poll_moved(p);
            sw__report_parent(p, "running", false);
        }
        sw__plan_go(p, "restart_pause");
        return 0;
    }
    sw__set(dynos(p), "up", json_integer(up));
    if (all > 0 && up == all) return end(p, "success", ""); /* there are fewer than before */
    SW_AUTO(sw_text) char *reason = sw_printf("not up in time: %s", names[0] ? names : "any dyno");
    return end(p, "failure", reason);
}

int sw__restart_watch_said(struct sw__plan *p, const struct sw__said *said) {
    SW_AUTO(sw_text) char *crashed = sw_strdup(""), *late = sw_strdup("");
    size_t i, crashes = 0, lates = 0;
    json_int_t up = 0, all = 0;
    json_t *dyno;
    sw__poll_rate(p, said);
    json_array_foreach((json_t *)said->json, i, dyno) {
        const char *state = sw_str(dyno, "state");
        if (!is_meant(p, dyno)) continue;
        all++;
        if (is_new(p, dyno) && !strcmp(state, "crashed"))
            add_name(&crashed, &crashes, dyno);
        else if (is_new(p, dyno) && (!strcmp(state, "up") || !strcmp(state, "idle")))
            up++;
        else
            add_name(&late, &lates, dyno);
    }
    if (crashes > 0) {
        SW_AUTO(sw_text)
        char *reason = sw_printf("crashed: %s%s", crashed, crashes > NAMES_MAX ? " and more" : "");
        sw__set(dynos(p), "up", json_integer(up));
        return end(p, "failure", reason);
    }
    if (up < all || up < sw_int(dynos(p), "all")) return again(p, up, all, late);
    sw__set(dynos(p), "up", json_integer(up));
    return end(p, "success", "");
}

/* A call that fails says nothing about the dynos: it is asked again until the time is over. */
void sw__restart_watch_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool final = said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR;
    sw__poll_rate(p, said);
    if (final || p->ctx->now_ms >= sw_int(dynos(p), "until_ms")) {
        sw__change_unknown(p, final ? "look" : "timeout", said->message);
        return;
    }
    if (!json_is_true(json_object_get(p->state, "troubled"))) {
        sw__report_thread(p, "promote.waiting", NULL);
        sw__set(p->state, "troubled", json_true());
    }
    sw__plan_go(p, "restart_pause");
}

void sw__restart_describe(const struct sw__plan *p, json_t *data) {
    sw__set(data, "app", json_string(sw_str(sw__change_target(p), "name")));
    sw__set(data, "process", json_string(sw__word(p, "process")));
    sw__set(data, "done", json_boolean(json_object_get(p->state, "wrote")));
    sw__set(data, "up", json_integer(sw_int(dynos(p), "up")));
    sw__set(data, "all", json_integer(sw_int(dynos(p), "all")));
}
