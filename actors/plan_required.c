/* plan_required.c -- which contexts must be green before anything is changed.
 *
 * It is the default branch that says so, whichever ref is deployed: by its protection, and by the
 * rulesets that apply to it. A `!` asks for none. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define PAGE 100
#define REQUIRED_MAX 60
#define REQUIRED_BYTES_MAX 6000 /* of a plan's 32 KiB */

int sw__checks_start(struct sw__plan *p) {
    const json_t *repo = json_object_get(p->state, "repo");
    if (!repo) return sw__plan_next(p);
    sw__set(p->state, "required", json_array());
    if (sw__forced(p) || !sw_str(repo, "branch")[0]) return sw__plan_next(p);
    sw__plan_go(p, "protection");
    return 0;
}

static json_t *of_branch(const struct sw__plan *p, const char *fields, const char *kind,
                         const char *query) {
    const json_t *repo = json_object_get(p->state, "repo");
    SW_AUTO(sw_text) char *branch = sw__escape(sw_str(repo, "branch"), "/");
    return sw__request_github("GET", fields, "/repos/%s/%s/%s%s", sw_str(repo, "name"), kind,
                              branch, query);
}

/* An app that alone may report it: `app` above 0. */
static void require(struct sw__plan *p, const char *context, json_int_t app) {
    json_t *required = json_object_get(p->state, "required"), *other;
    json_t *pinned = json_object_get(p->state, "pinned");
    size_t i;
    if (!context[0]) return;
    if (app > 0) {
        if (!pinned) {
            sw__set(p->state, "pinned", json_object());
            pinned = json_object_get(p->state, "pinned");
        }
        sw__set(pinned, context, json_integer(app));
    }
    json_array_foreach(required, i, other) {
        if (!strcmp(json_string_value(other), context)) return;
    }
    json_array_append_new(required, json_string(context));
}

static void require_all(struct sw__plan *p, const json_t *list, const char *app_key) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        const char *name = json_is_string(one) ? json_string_value(one) : sw_str(one, "context");
        require(p, name, app_key ? sw_int(one, app_key) : 0);
    }
}

static bool too_many(struct sw__plan *p) {
    const json_t *required = json_object_get(p->state, "required");
    size_t i, bytes = 0;
    json_t *one;
    json_array_foreach((json_t *)required, i, one) bytes += json_string_length(one) + 8;
    if (json_array_size(required) <= REQUIRED_MAX && bytes <= REQUIRED_BYTES_MAX) return false;
    sw__plan_fail(p, "error.github",
                  json_pack("{s:s}", "message", "it requires more checks than I can follow"));
    return true;
}

/* ---- the branch's protection ---- */

void sw__protection_call(struct sw__plan *p) {
    sw__plan_call(p, of_branch(p,
                               "protection.required_status_checks.contexts "
                               "protection.required_status_checks.checks.context "
                               "protection.required_status_checks.checks.app_id",
                               "branches", ""));
}

static void ask_rules(struct sw__plan *p) {
    if (too_many(p)) return;
    sw__set(p->state, "page", json_integer(1));
    sw__plan_go(p, "rules");
}

int sw__protection_said(struct sw__plan *p, const struct sw__said *said) {
    const json_t *checks =
        json_object_get(json_object_get(said->json, "protection"), "required_status_checks");
    require_all(p, json_object_get(checks, "contexts"), NULL);
    require_all(p, json_object_get(checks, "checks"), "app_id");
    ask_rules(p);
    return 0;
}

/* Whoever only wants to read does without. */
static void trouble(struct sw__plan *p, const struct sw__said *said) {
    if (sw__plan_kind(p)->acts) {
        sw__plan_trouble(p, said);
    } else {
        json_object_del(p->state, "required");
        sw__plan_next(p);
    }
}

/* What does not exist, or must not be seen, cannot be asked for by name: GitHub itself is told to want
 * everything green when the deployment is made. */
void sw__protection_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_NO) {
        sw__set(p->state, "unread", json_true());
        ask_rules(p);
    } else {
        trouble(p, said);
    }
}

/* ---- the rulesets that apply to it ---- */

void sw__rules_call(struct sw__plan *p) {
    SW_AUTO(sw_text)
    char *query = sw_printf("?per_page=%d&page=%d", PAGE, (int)sw_int(p->state, "page"));
    sw__plan_call(p, of_branch(p,
                               "type parameters.required_status_checks.context "
                               "parameters.required_status_checks.integration_id",
                               "rules/branches", query));
}

static int required_known(struct sw__plan *p) {
    if (too_many(p)) return 0;
    if (!sw__plan_kind(p)->acts) return sw__plan_next(p);
    if (json_array_size(json_object_get(p->state, "required")) == 0) return sw__plan_next(p);
    sw__checks_ask(p);
    return 0;
}

int sw__rules_said(struct sw__plan *p, const struct sw__said *said) {
    size_t i;
    json_t *rule;
    json_array_foreach((json_t *)said->json, i, rule) {
        if (strcmp(sw_str(rule, "type"), "required_status_checks") != 0) continue;
        require_all(p,
                    json_object_get(json_object_get(rule, "parameters"), "required_status_checks"),
                    "integration_id");
    }
    if (json_array_size(said->json) < PAGE || sw__count(p, "page") > SW__PAGES_MAX)
        return required_known(p);
    sw__plan_go(p, "rules");
    return 0;
}

void sw__rules_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_NO) {
        sw__set(p->state, "unread", json_true());
        required_known(p);
    } else {
        trouble(p, said);
    }
}
