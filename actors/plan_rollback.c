/* plan_rollback.c -- rollback: which release, one POST, then its release phase as of a promotion.
 *
 * The lock is taken before the releases are read: what is read is what the POST meets, unless
 * somebody changes the app elsewhere. Its newest version then is how a rollback whose answer got
 * lost is recognised (plan_check.c). See plan_change.h. */
#include "actors/plan_change.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 10
#define DESCRIPTION_BYTES_MAX 100
#define FIELDS "id version status description created_at current eligible_for_rollback"

int sw__back_start(struct sw__plan *p) {
    sw__plan_go(p, "back_list");
    return 0;
}

void sw__back_list_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", FIELDS, "/apps/%s/releases", sw_str(sw__change_target(p), "id"));
    sw__request_range(request, "version ..; order=desc,max=50");
    sw__plan_call(p, request);
}

/* The version that runs: the one that is marked, else the newest that succeeded; 0: none. */
static json_int_t current_version(const json_t *releases) {
    json_int_t newest = 0;
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)releases, i, release) {
        json_int_t version = sw_int(release, "version");
        if (json_is_true(json_object_get(release, "current"))) return version;
        if (!strcmp(sw_str(release, "status"), "succeeded") && version > newest) newest = version;
    }
    return newest;
}

/* Where Heroku does not say whether it may be gone back to, it is asked and has the last word. */
static bool is_eligible(const json_t *release) {
    return sw__id_valid(sw_str(release, "id")) && !strcmp(sw_str(release, "status"), "succeeded") &&
           !json_is_false(json_object_get(release, "eligible_for_rollback"));
}

/* Newest first. */
static json_t *choices(const json_t *releases, json_int_t current) {
    json_t *list = json_array(), *release;
    size_t i;
    json_array_foreach((json_t *)releases, i, release) {
        json_int_t version = sw_int(release, "version");
        int64_t at_ms = sw__time_parse(sw_str(release, "created_at"));
        if (version == current || !is_eligible(release)) continue;
        if (json_array_size(list) == SHOWN_MAX) break;
        json_t *one = json_pack("{s:I, s:o}", "version", version, "description",
                                sw__text(sw_str(release, "description"), DESCRIPTION_BYTES_MAX));
        if (at_ms >= 0) sw__set(one, "at_ms", json_integer(at_ms));
        json_array_append_new(list, one);
    }
    return list;
}

static int refuse(struct sw__plan *p, const char *why) {
    json_t *target = sw__change_target(p), *list = json_object_get(p->state, "choices");
    json_int_t first = sw_int(json_array_get(list, 0), "version");
    json_t *data = json_pack("{s:s, s:O, s:s, s:I, s:O*}", "why", why, "app",
                             json_object_get(target, "name"), "version", sw__word(p, "version"),
                             "current", sw_int(p->state, "current"), "choices", list);
    if (first > 0) {
        SW_AUTO(sw_text) char *line = sw__change_line(p, "rollback");
        sw__set(data, "example", json_sprintf("%s to v%d", line, (int)first));
    }
    sw__plan_fail(p, "rollback.impossible", data);
    return 0;
}

static const char *obstacle(const struct sw__plan *p, const json_t *release) {
    if (sw_int(release, "version") == sw_int(p->state, "current")) return "current";
    if (!strcmp(sw_str(release, "status"), "expired")) return "expired";
    return is_eligible(release) ? NULL : "not_eligible";
}

static int take(struct sw__plan *p, const json_t *release) {
    const char *why = obstacle(p, release);
    if (why) return refuse(p, why);
    sw__set(p->state, "back",
            json_pack("{s:s, s:I, s:I}", "id", sw_str(release, "id"), "version",
                      sw_int(release, "version"), "from", sw_int(p->state, "current")));
    json_object_del(p->state, "choices");
    return sw__plan_next(p);
}

/* The release of this version, or the newest before the one that runs; NULL: not in this list. */
static const json_t *find(const struct sw__plan *p, const json_t *releases, json_int_t version) {
    const json_t *best = NULL;
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)releases, i, release) {
        json_int_t its = sw_int(release, "version");
        if (version > 0 && its == version) return release;
        if (version > 0 || its >= sw_int(p->state, "current") || !is_eligible(release)) continue;
        if (!best || its > sw_int(best, "version")) best = release;
    }
    return best;
}

static json_int_t wanted(const struct sw__plan *p) {
    return strtoll(sw__word(p, "version"), NULL, 10); /* at most nine digits */
}

int sw__back_list_said(struct sw__plan *p, const struct sw__said *said) {
    bool named = sw__word(p, "version")[0];
    json_int_t newest = 0, current = current_version(said->json);
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)said->json, i, release) {
        if (sw_int(release, "version") > newest) newest = sw_int(release, "version");
    }
    sw__set(sw__change_target(p), "before", json_integer(newest));
    sw__set(p->state, "current", json_integer(current));
    sw__set(p->state, "choices", choices(said->json, current));
    if (named && wanted(p) <= 0) return refuse(p, "unknown"); /* v0 */
    const json_t *found = find(p, said->json, wanted(p));
    if (found) return take(p, found);
    /* It may be older than what this list shows. */
    if (named && said->next_range[0] && wanted(p) < newest) {
        sw__plan_go(p, "back_one");
        return 0;
    }
    return refuse(p, named ? "unknown" : "none");
}

void sw__back_one_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request("GET", FIELDS, "/apps/%s/releases/%lld",
                                 sw_str(sw__change_target(p), "id"), (long long)wanted(p)));
}

int sw__back_one_said(struct sw__plan *p, const struct sw__said *said) {
    return take(p, said->json);
}

void sw__back_one_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->status == 404)
        refuse(p, "unknown");
    else
        sw__change_trouble(p, said);
}

int sw__back_tell(struct sw__plan *p) {
    const json_t *back = json_object_get(p->state, "back");
    sw__report_begin(p);
    sw__report_thread(
        p, "rollback.started",
        json_pack("{s:O, s:O, s:O}", "app", json_object_get(sw__change_target(p), "name"), "from",
                  json_object_get(back, "from"), "version", json_object_get(back, "version")));
    return sw__plan_next(p);
}

int sw__back_write(struct sw__plan *p) {
    sw__plan_go(p, "back");
    return 0;
}

void sw__back_call(struct sw__plan *p) {
    json_t *request = sw__request("POST", "id version status", "/apps/%s/releases",
                                  sw_str(sw__change_target(p), "id"));
    sw__set(request, "json",
            json_pack("{s:s}", "release", sw_str(json_object_get(p->state, "back"), "id")));
    sw__plan_write(p, request, true);
}

/* The release that was made: it is followed like those of a promotion. */
static void keep(struct sw__plan *p, const json_t *release) {
    json_t *target = sw__change_target(p);
    json_int_t version = sw_int(release, "version");
    sw__set(target, "release", json_string(sw_str(release, "id")));
    if (version > 0) sw__set(target, "version", json_integer(version));
}

int sw__back_said(struct sw__plan *p, const struct sw__said *said) {
    json_object_del(p->state, "code");
    keep(p, said->json);
    return sw__plan_next(p);
}

void sw__back_look(struct sw__plan *p) {
    sw__plan_call(p, sw__before_request(sw__change_target(p)));
}

/* "Rollback to v4" is no beginning of "Rollback to v42". */
static bool is_ours(const struct sw__plan *p, const json_t *release) {
    json_int_t version = sw_int(json_object_get(p->state, "back"), "version");
    SW_AUTO(sw_text) char *words = sw_printf("Rollback to v%lld", (long long)version);
    const char *description = sw_str(release, "description");
    bool other =
        description[0] && isdigit((unsigned char)description[strnlen(description, strlen(words))]);
    return !other && sw__before_is_ours(p, sw__change_target(p), release, words, "");
}

enum sw__seen sw__back_seen(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *release;
    json_array_foreach((json_t *)said->json, i, release) {
        if (!is_ours(p, release)) continue;
        keep(p, release);
        return SW__SEEN_YES;
    }
    return SW__SEEN_NOT;
}

int sw__back_found(struct sw__plan *p) {
    json_object_del(p->state, "code");
    sw__change_found(p);
    return sw__plan_next(p);
}

void sw__back_describe(const struct sw__plan *p, json_t *data) {
    const json_t *back = json_object_get(p->state, "back");
    sw__set(data, "app", json_string(sw_str(sw__change_target(p), "name")));
    sw__set(data, "from", json_integer(sw_int(back, "from")));
    sw__set(data, "back", json_integer(sw_int(back, "version")));
}
