/* slack_consent.c -- the two pages on which a person says yes at Slack; see slack_oauth.h. */
#include "slack_oauth.h"

#include "oauth_priv.h"
#include "tokens.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CODE_LIFE_MS (10 * 60 * 1000)
#define OPENID_PAGE "/openid/connect/authorize"
#define INSTALL_PAGE "/oauth/v2/authorize"
#define COOKIE "sim_slack" /* who is signed in at Slack */
#define BUTTONS_MAX 8

static json_t *page_args(const struct sim_req *req) {
    static const char *const carried[] = {"client_id",  "redirect_uri", "response_type", "scope",
                                          "user_scope", "state",        "nonce",         "team"};
    json_t *args = json_object();
    for (size_t i = 0; i < SIM_ARRAY_LEN(carried); i++) {
        const char *value = sim_req_query(req, carried[i]);
        if (value != NULL) json_object_set_new(args, carried[i], json_string(value));
    }
    return args;
}

/* NULL when the request is in order; nobody is sent anywhere for a wrong one. */
static const char *request_check(const struct sim *sim, const json_t *args, bool openid) {
    const char *client = sim_json_text(args, "client_id"), *known = sim->conf.slack_client_id;
    const char *type = sim_json_text(args, "response_type"), *scope = sim_json_text(args, "scope");
    if (client == NULL || (known != NULL && strcmp(client, known) != 0)) return "invalid_client_id";
    if (!sim__redirect_ok(NULL, sim_json_text(args, "redirect_uri"))) return "bad_redirect_uri";
    if (!openid) return scope == NULL || scope[0] == '\0' ? "no_scopes" : NULL;
    if (type == NULL || strcmp(type, "code") != 0) return "unsupported_response_type";
    return sim_scope_has(scope, "openid") ? NULL : "invalid_scope";
}

static bool refused(const struct sim *sim, struct sim_req *req, const json_t *args, bool openid) {
    const char *wrong = args != NULL ? request_check(sim, args, openid) : "the form cannot be read";
    if (wrong == NULL) return false;
    sim_reply_error(req, 400, wrong, "Slack shows a page that says so, and leads nowhere.");
    return true;
}

/* *ret_team: the person's workspace. */
static const struct sim_user *person_find(const struct sim *sim, const char *name,
                                          const struct sim_team **ret_team) {
    for (size_t i = 0; name != NULL && i < SIM_ARRAY_LEN(sim->slack_auth->install); i++) {
        const struct sim_team *team = sim->slack_auth->install[i].team;
        const struct sim_user *user = team != NULL ? sim_user_find(team, name) : NULL;
        if (user == NULL) continue;
        *ret_team = team;
        return user;
    }
    return NULL;
}

static const struct sim_user *signed_in(const struct sim *sim, const struct sim_req *req,
                                        const struct sim_team **ret_team) {
    const char *at = sim_req_header(req, "Cookie");
    for (; at != NULL && *at != '\0'; at += strspn(at, "; ")) {
        size_t len = strcspn(at, ";");
        if (strncmp(at, COOKIE "=", strlen(COOKIE "=")) == 0) {
            SIM_FREE char *id = sim_strndup(at + strlen(COOKIE "="), len - strlen(COOKIE "="));
            return person_find(sim, id, ret_team);
        }
        at += len;
    }
    return NULL;
}

struct people {
    const char *names[BUTTONS_MAX];
    char *labels[BUTTONS_MAX];
    size_t count;
};

static void people_add(struct people *people, const struct sim_user *user,
                       const struct sim_team *team, bool remembered) {
    for (size_t i = 0; i < people->count; i++) {
        if (strcmp(people->names[i], user->name) == 0) return;
    }
    people->names[people->count] = user->name;
    people->labels[people->count++] = remembered
                                          ? sim_fmt("Continue as %s", user->name)
                                          : sim_fmt("Sign in as %s of %s", user->name, team->name);
}

static void people_add_team(struct people *people, const struct sim_team *team) {
    for (const struct sim_user *user = team->users; user->id != NULL; user++) {
        people_add(people, user, team, false);
    }
}

/* First who is signed in; then the workspace that was asked for; somebody else may always be chosen. */
void sim_openid_page(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = page_args(req);
    if (refused(sim, req, args, true)) return;
    struct people people = {0};
    const struct sim_team *team = NULL;
    const struct sim_user *user = signed_in(sim, req, &team);
    if (user != NULL) people_add(&people, user, team, true);
    team = sim_team_find(sim_json_text(args, "team"));
    if (team != NULL) people_add_team(&people, team);
    for (size_t i = 0; i < SIM_ARRAY_LEN(sim->slack_auth->install); i++) {
        team = sim->slack_auth->install[i].team;
        if (team != NULL) people_add_team(&people, team);
    }
    struct sim_consent ask = {.platform = "Slack",
                              .action = OPENID_PAGE,
                              .scope = sim_json_text(args, "scope"),
                              .question = "Who are you?",
                              .field = "account",
                              .names = people.names,
                              .labels = (const char *const *)people.labels,
                              .count = people.count};
    sim__consent_page(req, &ask, args);
    for (size_t i = 0; i < people.count; i++) {
        free(people.labels[i]);
    }
}

void sim_install_page(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = page_args(req);
    if (refused(sim, req, args, false)) return;
    const char *names[SIM_ARRAY_LEN(sim->slack_auth->install)];
    char *labels[SIM_ARRAY_LEN(sim->slack_auth->install)];
    for (size_t i = 0; i < SIM_ARRAY_LEN(names); i++) {
        const struct sim_install *install = &sim->slack_auth->install[i];
        names[i] = install->id;
        labels[i] = sim_fmt("Install in %s%s", install->name,
                            install->team == NULL ? ", for all of its workspaces" : "");
    }
    struct sim_consent ask = {.platform = "Slack",
                              .action = INSTALL_PAGE,
                              .scope = sim_json_text(args, "scope"),
                              .question = "Where shall it be?",
                              .field = "team",
                              .names = names,
                              .labels = (const char *const *)labels,
                              .count = SIM_ARRAY_LEN(names)};
    sim__consent_page(req, &ask, args);
    for (size_t i = 0; i < SIM_ARRAY_LEN(names); i++) {
        free(labels[i]);
    }
}

static void code_give(struct sim *sim, struct sim_req *req, const json_t *args,
                      struct sim_slack_code *code) {
    const char *scope = sim_json_text(args, "scope");
    char hex[65];
    sim_random_hex(hex, 64);
    SIM_FREE char *text = sim_fmt("%u.%u.%s", 1000000000 + randombytes_uniform(1000000000),
                                  1000000000 + randombytes_uniform(1000000000), hex);
    code->dies_ms = sim_mono_ms() + CODE_LIFE_MS;
    code->redirect_uri = sim_strdup(sim_json_text(args, "redirect_uri"));
    code->scope = sim_strdup(scope);
    code->nonce = sim_strdup(sim_json_text(args, "nonce"));
    (void)sim_map_put(sim->slack_auth->codes, text, code);
    sim_token_note(sim, "slack.code", text);
    SIM_FREE char *cookie = sim_fmt(COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax", code->user->id);
    sim_reply_header(req, "Set-Cookie", cookie);
    sim__redirect(req, args, "code", text);
}

/* The form, when it is a yes; else it was answered. */
static json_t *form_of(struct sim *sim, struct sim_req *req, bool openid) {
    json_t *args = sim_form_parse(req->body, req->body_len);
    if (!refused(sim, req, args, openid)) {
        if (sim_json_text(args, "deny") == NULL) return args;
        sim__redirect(req, args, "error", "access_denied");
    }
    json_decref(args);
    return NULL;
}

void sim_openid_allow(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = form_of(sim, req, true);
    if (args == NULL) return;
    const struct sim_team *team = NULL;
    const struct sim_user *user = person_find(sim, sim_json_text(args, "account"), &team);
    if (user == NULL) {
        sim_reply_error(req, 400, "invalid_request", "account is not one of the people");
        return;
    }
    struct sim_slack_code *code = sim_alloc(sizeof(*code));
    *code = (struct sim_slack_code){.openid = true, .team = team, .user = user};
    code_give(sim, req, args, code);
}

/* Who installs is who is signed in, where that person may; else the first of the workspace. */
void sim_install_allow(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = form_of(sim, req, false);
    if (args == NULL) return;
    struct sim_install *install = sim_install_find(sim, sim_json_text(args, "team"));
    if (install == NULL) {
        sim_reply_error(req, 400, "invalid_request", "team is not one of the three");
        return;
    }
    const struct sim_team *team = NULL;
    const struct sim_user *user = signed_in(sim, req, &team);
    if (user == NULL || (install->team != NULL && install->team != team)) {
        team = install->team != NULL ? install->team : sim->slack_auth->install[0].team;
        user = &team->users[0];
    }
    struct sim_slack_code *code = sim_alloc(sizeof(*code));
    *code = (struct sim_slack_code){.install = install, .team = team, .user = user};
    code_give(sim, req, args, code);
}
