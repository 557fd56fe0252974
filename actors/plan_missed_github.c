/* plan_missed_github.c -- what GitHub could not deliver: it never tries again by itself, and is asked to.
 *
 * It delivers the same event under the same GUID to ingress, which lets it in once. What nobody took five times is left
 * alone: something else is wrong, and the deliveries would never end. See plan_tend.h. */
#include "actors/plan_tend.h"

#include <string.h>

#define PAGES_MAX 20
#define BAD_MAX 50
#define GOOD_MAX 200
#define ATTEMPTS_MAX 5
#define CURSOR_BYTES_MAX 120

static json_t *again(const struct sw__plan *p) {
    return json_object_get(p->state, "again");
}

static json_t *bad(const struct sw__plan *p) {
    return json_object_get(again(p), "bad");
}

static int done(struct sw__plan *p) {
    json_object_del(p->state, "again");
    return sw__plan_next(p);
}

/* Without a webhook of the repository GitHub does not say what it could not deliver. */
int sw__again_start(struct sw__plan *p) {
    bool app = !strcmp(p->ctx->conf->github_hooks, "app");
    if (app || !json_object_get(p->state, "repo") || !sw__plan_has_github(p))
        return sw__plan_next(p);
    sw__set(p->state, "again",
            json_pack("{s:{}, s:{}, s:b, s:i}", "bad", "good", "deep", 0, "pages", 0));
    sw__plan_go(p, "again_hooks");
    return 0;
}

void sw__again_hooks_call(struct sw__plan *p) {
    sw__gh_hooks_call(p);
}

int sw__again_hooks_said(struct sw__plan *p, const struct sw__said *said) {
    SW_AUTO(sw_text) char *id = sw__gh_id(sw__gh_hook_ours(p, said->json));
    if (sw__tend_scarce(p, said)) return 0;
    if (!id) return done(p);
    sw__set(again(p), "hook", json_string(id));
    sw__plan_go(p, "again_list");
    return 0;
}

void sw__again_list_call(struct sw__plan *p) {
    const char *cursor = sw_str(again(p), "cursor");
    SW_AUTO(sw_text) char *escaped = sw__escape(cursor, "");
    sw__plan_call(p, sw__request_github("GET", "id guid delivered_at redelivery status status_code",
                                        "/repos/%s/hooks/%s/deliveries?per_page=100%s%s",
                                        sw__repo_name(p), sw_str(again(p), "hook"),
                                        cursor[0] ? "&cursor=" : "", escaped));
}

/* The newest attempt comes first: one that went well, before or after, is enough. */
static void take(struct sw__plan *p, const json_t *attempt) {
    SW_AUTO(sw_text) char *id = sw__gh_id(attempt);
    const char *guid = sw_str(attempt, "guid");
    json_int_t status = sw_int(attempt, "status_code");
    json_t *good = json_object_get(again(p), "good"), *seen = json_object_get(bad(p), guid);
    if (!id || !sw__id_valid(guid) || !strcmp(sw_str(attempt, "status"), "pending")) return;
    if (status >= 200 && status < 300) {
        json_object_del(bad(p), guid);
        if (json_is_true(json_object_get(attempt, "redelivery")) &&
            json_object_size(good) < GOOD_MAX)
            sw__set(good, guid, json_true());
    } else if (seen) {
        sw__set(seen, "n", json_integer(sw_int(seen, "n") + 1));
    } else if (json_object_get(good, guid)) {
        return;
    } else if (json_object_size(bad(p)) < BAD_MAX) {
        sw__set(bad(p), guid, json_pack("{s:s, s:i}", "id", id, "n", 1));
    } else {
        sw__count(p, "left");
    }
}

/* Where something failed all attempts are counted. */
static int64_t since_ms(const struct sw__plan *p) {
    bool deep = json_is_true(json_object_get(again(p), "deep"));
    return deep ? sw_int(p->state, "start_ms") - SW__MISSED_BACK_MS : sw__missed_since(p);
}

/* The next that is asked for, or the end. */
static int ask(struct sw__plan *p) {
    const char *guid;
    json_t *one;
    void *tmp;
    json_object_foreach_safe(bad(p), tmp, guid, one) {
        if (sw_int(one, "n") >= ATTEMPTS_MAX) json_object_del(bad(p), guid);
    }
    if (json_object_size(bad(p)) == 0) return done(p);
    sw__plan_go(p, "again");
    return 0;
}

int sw__again_list_said(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *one, *a = again(p);
    bool old = false;
    if (sw__tend_scarce(p, said)) return 0;
    json_array_foreach((json_t *)said->json, i, one) {
        int64_t at_ms = sw__time_parse(sw_str(one, "delivered_at"));
        if (json_object_size(bad(p)) > 0) sw__set(a, "deep", json_true());
        old = at_ms >= 0 && at_ms < since_ms(p);
        if (old) break;
        take(p, one);
    }
    if (json_object_size(bad(p)) > 0) sw__set(a, "deep", json_true());
    json_int_t pages = sw_int(a, "pages") + 1;
    bool more = said->next_cursor[0] && strlen(said->next_cursor) <= CURSOR_BYTES_MAX && !old;
    if (!more || pages >= PAGES_MAX) return ask(p);
    sw__set(a, "pages", json_integer(pages));
    sw__set(a, "cursor", json_string(said->next_cursor));
    sw__plan_go(p, "again_list");
    return 0;
}

/* As they would have come. */
static const char *oldest(const struct sw__plan *p) {
    const char *guid, *last = "";
    json_t *one;
    json_object_foreach(bad(p), guid, one) {
        last = guid;
    }
    return last;
}

/* Not repeated where its outcome is unknown: the next run sees what became of it. */
void sw__again_call(struct sw__plan *p) {
    const char *id = sw_str(json_object_get(bad(p), oldest(p)), "id");
    json_t *request = sw__request_github("POST", "", "/repos/%s/hooks/%s/deliveries/%s/attempts",
                                         sw__repo_name(p), sw_str(again(p), "hook"), id);
    sw__set(request, "repeat", json_string("check"));
    sw__plan_call(p, request);
}

int sw__again_said(struct sw__plan *p, const struct sw__said *said) {
    SW_AUTO(sw_text) char *guid = sw_strdup(oldest(p));
    json_object_del(bad(p), guid);
    if (sw__tend_scarce(p, said)) return 0;
    return ask(p);
}

/* This one cannot be had again; or it was not asked for, and is left to the next run. */
void sw__again_refused(struct sw__plan *p, const struct sw__said *said) {
    SW_AUTO(sw_text) char *guid = sw_strdup(oldest(p));
    if (said->kind == SW__SAID_AWAY) sw__count(p, "left");
    json_object_del(bad(p), guid);
    ask(p);
}

/* Only an administrator of the repository may look. */
void sw__again_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_AWAY)
        sw__plan_trouble(p, said);
    else
        done(p);
}
