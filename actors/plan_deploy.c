/* plan_deploy.c -- deploy until Heroku builds: the app, its one-time code, the source, one POST.
 *
 * What is built carries this command's id in its description: that is how a build whose answer got
 * lost is recognised (plan_check.c). The link to the source is signed, so it only ever exists in a
 * box, and for no longer than it is needed. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define BUDGET_MS (55 * 60 * 1000LL) /* from here on; the locks last longer */
#define SHORT_SHA 7
#define VERSION_BYTES_MAX 250
#define SKEW_MS 60000 /* Heroku's clock and ours */

json_t *sw__deploy_target(const struct sw__plan *p) {
    return json_array_get(json_object_get(p->state, "targets"), 0);
}

int sw__deploy_choose(struct sw__plan *p) {
    return sw__choose_target(p, NULL) ? sw__plan_next(p) : 0;
}

/* ---- a one-time code is good for one call: it opens the app for all that follow ---- */

int sw__preauth_start(struct sw__plan *p) {
    if (!json_object_get(p->state, "code")) return sw__plan_next(p);
    sw__plan_go(p, "preauth");
    return 0;
}

void sw__preauth_call(struct sw__plan *p) {
    json_t *request =
        sw__request("PUT", "", "/apps/%s/pre-authorizations", sw_str(sw__deploy_target(p), "id"));
    sw__set(p->state, "factor", json_true()); /* it has been typed: no second try without */
    sw__set(json_object_get(request, "headers"), "Heroku-Two-Factor-Code",
            json_pack("{s:s, s:s}", "$box", sw_str(p->state, "code"), "field", "code"));
    sw__plan_call(p, request);
}

int sw__preauth_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    json_object_del(p->state, "code");
    return sw__plan_next(p);
}

int sw__deploy_tell(struct sw__plan *p) {
    const json_t *target = sw__deploy_target(p);
    sw__plan_budget(p, BUDGET_MS);
    sw__report_begin(p);
    json_t *data = json_pack("{s:O, s:s, s:s}", "app", json_object_get(target, "name"), "repo",
                             sw__repo_name(p), "ref", sw_str(p->state, "ref"));
    sw__set(data, "sha", sw__text(sw_str(p->state, "sha"), SHORT_SHA));
    sw__report_thread(p, "deploy.started", data);
    return sw__plan_next(p);
}

/* ---- the source: a link that whoever has it may fetch ---- */

int sw__archive_start(struct sw__plan *p) {
    sw__plan_go(p, "archive");
    return 0;
}

void sw__archive_call(struct sw__plan *p) {
    json_t *request = sw__request_github("GET", "", "/repos/%s/tarball/%s", sw__repo_name(p),
                                         sw_str(p->state, "sha"));
    sw__set(request, "location", json_true());
    sw__set(request, "seal", json_true());
    sw__plan_call(p, request);
}

int sw__archive_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    sw__set(p->state, "archive", json_string(sw_msg_box(p->in, "answer")));
    return sw__plan_next(p);
}

/* ---- the build ---- */

int sw__build_start(struct sw__plan *p) {
    sw__plan_go(p, "build");
    return 0;
}

static char *mark(const struct sw__plan *p) {
    return sw_printf("(slipway %s)", p->in->cmd);
}

static json_t *description(const struct sw__plan *p) {
    SW_AUTO(sw_text) char *end = mark(p);
    SW_AUTO(sw_json) json_t *ref = sw__text(sw_str(p->state, "ref"), VERSION_BYTES_MAX / 2);
    return json_sprintf("%.100s@%s %.*s %s", sw__repo_name(p), json_string_value(ref), SHORT_SHA,
                        sw_str(p->state, "sha"), end);
}

void sw__build_call(struct sw__plan *p) {
    json_t *request =
        sw__request("POST", "id status", "/apps/%s/builds", sw_str(sw__deploy_target(p), "id"));
    sw__set(request, "json",
            json_pack("{s:{s:{s:s, s:s}, s:s, s:o}}", "source_blob", "url", "$box",
                      sw_str(p->state, "archive"), "field", "location", "version",
                      sw_str(p->state, "sha"), "version_description", description(p)));
    sw__plan_write(p, request, true);
}

static int built_under(struct sw__plan *p, const char *id) {
    json_object_del(p->state, "archive");
    json_object_del(p->state, "code");
    sw__set(sw__deploy_target(p), "build", json_string(id));
    return sw__plan_next(p);
}

int sw__build_said(struct sw__plan *p, const struct sw__said *said) {
    return built_under(p, sw_str(said->json, "id"));
}

void sw__build_look(struct sw__plan *p) {
    json_t *request = sw__request(
        "GET",
        "id status created_at user.email source_blob.version source_blob.version_description",
        "/apps/%s/builds", sw_str(sw__deploy_target(p), "id"));
    sw__request_range(request, "created_at ..; order=desc,max=20");
    sw__plan_call(p, request);
}

/* Its description names this command. Where Heroku does not tell it: the same source, by the same
 * person, since then. */
static bool is_ours(const struct sw__plan *p, const json_t *build) {
    const json_t *blob = json_object_get(build, "source_blob");
    const char *words = sw_str(blob, "version_description");
    const char *by = sw_str(json_object_get(build, "user"), "email");
    const char *email = sw_str(json_object_get(p->state, "account"), "email");
    int64_t at_ms = sw__time_parse(sw_str(build, "created_at"));
    int64_t intent_ms = sw_int(json_object_get(p->state, "write"), "intent_ms");
    if (!sw__id_valid(sw_str(build, "id"))) return false;
    if (words[0]) {
        SW_AUTO(sw_text) char *end = mark(p);
        return strstr(words, end) != NULL;
    }
    if (strcmp(sw_str(blob, "version"), sw_str(p->state, "sha")) != 0) return false;
    if (by[0] && email[0] && strcmp(by, email) != 0) return false;
    return at_ms < 0 || at_ms >= intent_ms - SKEW_MS;
}

enum sw__seen sw__build_seen(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *build;
    json_array_foreach((json_t *)said->json, i, build) {
        if (!is_ours(p, build)) continue;
        sw__set(p->state, "found", json_string(sw_str(build, "id")));
        return SW__SEEN_YES;
    }
    return SW__SEEN_NOT;
}

int sw__build_found(struct sw__plan *p) {
    SW_AUTO(sw_text) char *id = sw_strdup(sw_str(p->state, "found"));
    json_object_del(p->state, "found");
    sw__report_thread(p, "deploy.found", NULL);
    return built_under(p, id);
}
