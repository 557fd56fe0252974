/* plan_before.c -- what each target runs before anything is changed, and whose a later release is.
 * See executor_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define SKEW_MS 60000 /* Heroku's clock and ours */

json_t *sw__cursor_target(const struct sw__plan *p) {
    size_t at = (size_t)sw_int(p->state, "cursor");
    return json_array_get(json_object_get(p->state, "targets"), at);
}

int sw__before_start(struct sw__plan *p) {
    sw__set(p->state, "cursor", json_integer(0));
    sw__plan_go(p, "before");
    return 0;
}

void sw__before_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", "version", "/apps/%s/releases", sw_str(sw__cursor_target(p), "id"));
    sw__request_range(request, "version ..; order=desc,max=1");
    sw__plan_call(p, request);
}

int sw__before_said(struct sw__plan *p, const struct sw__said *said) {
    json_int_t version = sw_int(json_array_get(said->json, 0), "version");
    sw__set(sw__cursor_target(p), "before", json_integer(version));
    sw__count(p, "cursor");
    if (!sw__cursor_target(p)) return sw__plan_next(p);
    sw__plan_go(p, "before");
    return 0;
}

json_t *sw__before_request(const json_t *target) {
    json_t *request = sw__request("GET", "id version status description user.email created_at",
                                  "/apps/%s/releases", sw_str(target, "id"));
    sw__request_range(request, "version ..; order=desc,max=10");
    return request;
}

/* What is not said counts as ours: to follow another's release misleads one person, to act twice
 * harms all. */
bool sw__before_is_ours(const struct sw__plan *p, const json_t *target, const json_t *release,
                        const char *verb, const char *words) {
    const char *email = sw_str(json_object_get(p->state, "account"), "email");
    const char *by = sw_str(json_object_get(release, "user"), "email");
    const char *description = sw_str(release, "description");
    int64_t at_ms = sw__time_parse(sw_str(release, "created_at"));
    int64_t intent_ms = sw_int(json_object_get(p->state, "write"), "intent_ms");
    if (!intent_ms) intent_ms = sw_int(p->state, "intent_ms"); /* its outcome is known by now */
    if (!sw__id_valid(sw_str(release, "id"))) return false;
    if (sw_int(release, "version") <= sw_int(target, "before")) return false;
    if (at_ms >= 0 && at_ms < intent_ms - SKEW_MS) return false;
    if (by[0] && email[0] && strcmp(by, email) != 0) return false;
    if (!description[0]) return true;
    return !strncmp(description, verb, strlen(verb)) && strstr(description, words);
}
