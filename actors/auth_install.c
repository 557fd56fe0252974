/* auth_install.c -- the way of installing: Slack's code becomes a bot token, which goes to its installation; see
 * auth_priv.h.
 *
 * Auth of "INSTALL" exchanges the code, as only the answer says where it was installed; auth of that
 * installation keeps the token and answers the browser, which waits all the while. */
#include "actors/auth_priv.h"
#include "actors/form.h"

#include <errno.h>
#include <string.h>

#define STEP "install"
#define NAME_LENGTH 200
#define SCOPE_LENGTH 1000
/* Anybody can come back with codes that they made up; what asks Slack about them also renews tokens there. */
#define PACE_MS (60 * 1000LL)
#define PACE_MAX 60

bool sw__auth_is_install(const struct sw_msg *in) {
    return !strcmp(sw_str(in->body, "path"), SW_PATH_INSTALL_CALLBACK) ||
           !strcmp(sw_str(in->body, "step"), STEP);
}

static void page_again(const struct sw__auth *a, int status, const char *title, const char *text) {
    sw__auth_page(a, sw_str(a->in->body, "wait"), status, sw_page_again(title, text), NULL);
}

static void ask(const struct sw__auth *a, const char *box, bool admin, int tries) {
    static const char *const fields[] = {
        "ok",         "error",      "access_token",          "refresh_token",   "app_id",
        "expires_in", "token_type", "is_enterprise_install", "scope",           "bot_user_id",
        "team.id",    "team.name",  "enterprise.id",         "enterprise.name", "authed_user.id",
    };
    SW_AUTO(sw_text) char *back = sw_public_url(a->ctx->conf, SW_PATH_INSTALL_CALLBACK);
    json_t *kept = json_array();
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        json_array_append_new(kept, json_string(fields[i]));
    json_t *form = json_pack("{s:{s:s, s:s}, s:s}", "code", "$box", box, "field", "code",
                             "redirect_uri", back);
    json_t *request = sw_provider_token_request(SW_SLACK, a->ctx->conf, form);
    json_object_set_new(request, "fields", kept);
    struct sw_msg *m =
        sw_http(a->out, request, SW_KIND_AUTH_HTTP,
                json_pack("{s:s, s:s, s:b, s:i}", "step", STEP, "wait", sw_str(a->in->body, "wait"),
                          "admin", admin, "tries", tries));
    json_object_clear(m->boxes);
    sw_msg_set_box(m, "oauth", box);
}

/* *ret is false where so many came within a minute that Slack is not asked about this one. */
static int keep_pace(const struct sw__auth *a, bool *ret) {
    SW_AUTO(sw_text) char *key = sw_printf("pace/%s", a->in->inst);
    const json_t *pace;
    int r = sw_fact(a->out, key, &pace);
    if (r < 0) return r;
    json_int_t from_ms = sw_int(pace, "from_ms"), count = sw_int(pace, "count");
    if (from_ms <= a->ctx->now_ms - PACE_MS || from_ms > a->ctx->now_ms) {
        from_ms = a->ctx->now_ms;
        count = 0;
    }
    *ret = count < PACE_MAX;
    if (*ret)
        sw_store(a->out, key, json_pack("{s:I, s:I}", "from_ms", from_ms, "count", count + 1),
                 PACE_MS);
    return 0;
}

int sw__auth_install_web(struct sw__auth *a) {
    SW_AUTO(sw_json) json_t *web = NULL, *secret = NULL;
    SW_AUTO(sw_text) char *box = NULL;
    const bool admin = !strcmp(sw_str(a->in->body, "method"), "POST");
    bool in_time;
    if (strcmp(a->in->inst, SW_INST_INSTALL) != 0) return -EINVAL;
    int r = sw_open(a->ctx, a->in, "web", &web);
    if (r < 0) return r;
    secret =
        json_pack("{s:s}", "code", sw_str(json_object_get(web, admin ? "form" : "query"), "code"));
    if (!sw_str(secret, "code")[0]) return -EBADMSG;
    r = keep_pace(a, &in_time);
    if (r < 0) return r;
    if (!in_time) {
        page_again(a, 429, "Too many at once",
                   "So many are installing Slipway that Slack was not asked about this visit. "
                   "Nothing was changed: please start again in a minute.");
        return 0;
    }
    r = sw_seal(a->ctx->keys, "auth", a->in->cmd, secret, &box);
    if (r < 0) return r;
    ask(a, box, admin, 1);
    return 0;
}

/* ---- what Slack says ---- */

static bool is_id(const char *text) {
    return sw_is_slack_id(text, strlen(text));
}

/* {id, name?} of a team or an organization; NULL where there is none. */
static json_t *place_of(const json_t *answer, const char *key) {
    const json_t *place = json_object_get(answer, key);
    const char *name = sw_str(place, "name");
    if (!is_id(sw_str(place, "id"))) return NULL;
    json_t *kept = json_pack("{s:s}", "id", sw_str(place, "id"));
    SW_AUTO(sw_text) char *cut = sw_text_cut(name, NAME_LENGTH);
    if (name[0]) json_object_set_new(kept, "name", json_string(cut));
    return kept;
}

/* It is a bot's token and no other; SDKs of Slack's own leave the type out. */
static bool is_bot(const json_t *answer) {
    const char *type = sw_str(answer, "token_type"), *access = sw_str(answer, "access_token");
    return json_is_true(json_object_get(answer, "ok")) && (!type[0] || !strcmp(type, "bot")) &&
           access[0] && strlen(access) <= SW__AUTH_TOKEN_MAX &&
           strlen(sw_str(answer, "refresh_token")) <= SW__AUTH_TOKEN_MAX;
}

/* The body of install.v1 without its secrets; *ret_inst is whose it is. NULL: Slack did not say where. */
static json_t *install_of(const struct sw__auth *a, const json_t *answer, char **ret_inst) {
    const bool org = json_is_true(json_object_get(answer, "is_enterprise_install"));
    SW_AUTO(sw_json) json_t *team = place_of(answer, "team");
    SW_AUTO(sw_json) json_t *enterprise = place_of(answer, "enterprise");
    const json_t *whose = org ? enterprise : team;
    SW_AUTO(sw_text) char *scope = sw_text_cut(sw_str(answer, "scope"), SCOPE_LENGTH);
    const char *by = sw_str(json_object_get(answer, "authed_user"), "id");
    const json_int_t expires_in = sw_int(answer, "expires_in");
    if (!whose) return NULL;
    *ret_inst = sw_strdup(sw_str(whose, "id"));
    json_t *body = json_pack(
        "{s:s, s:O*, s:O*, s:s, s:s, s:s, s:s, s:I}", "wait", sw_str(a->in->body, "wait"), "team",
        org ? NULL : team, "enterprise", enterprise, "app", sw_str(answer, "app_id"), "bot_user",
        sw_str(answer, "bot_user_id"), "scope", scope, "by", is_id(by) ? by : "", "installed_ms",
        (json_int_t)a->in->born_ms); /* before the code was used: what ends later ends this one */
    if (expires_in > 0) json_object_set_new(body, "expires_in", json_integer(expires_in));
    return body;
}

static void page_of_failure(const struct sw__auth *a, const json_t *http, const json_t *answer) {
    const char *error = sw_str(answer, "error");
    const char *wrong = sw_provider_blames_us(SW_SLACK, http, answer);
    if (wrong) {
        SW_AUTO(sw_text)
        char *text = sw_printf("Its settings and the Slack app do not fit together: %s. Tell the "
                               "person who runs it; nothing was changed.",
                               wrong);
        page_again(a, 502, "This Slipway is not set up for Slack", text);
    } else if (sw_str(http, "error")[0] || sw_int(http, "status") >= 500 ||
               sw_int(http, "status") == 429) {
        page_again(a, 502, "Slack cannot be reached right now",
                   "Whether Slipway was installed is not known: please try again in a minute.");
    } else if (sw_int(a->in->body, "tries") > 1 && !strcmp(error, "invalid_code")) {
        page_again(a, 502, "Slack's answer got lost on the way",
                   "Whether Slipway was installed is not known: please start again.");
    } else if (!strcmp(error, "cannot_install_an_org_installed_app")) {
        page_again(a, 409, "It is there already",
                   "Slipway is installed for the whole organization. An administrator adds this "
                   "workspace to it in Slack's settings. Nothing was changed.");
    } else {
        page_again(a, 502, "Slack did not install Slipway",
                   "It did not accept this visit, which is good once and for ten minutes. Nothing "
                   "was changed: please start again.");
    }
}

int sw__auth_install_http(struct sw__auth *a) {
    SW_AUTO(sw_json) json_t *answer = NULL, *body = NULL;
    SW_AUTO(sw_text) char *inst = NULL;
    const json_t *http = json_object_get(a->in->body, "http");
    const char *error = sw_str(http, "error"), *oauth = sw_msg_box(a->in, "oauth");
    const bool admin = json_is_true(json_object_get(a->in->body, "admin"));
    const int tries = (int)sw_int(a->in->body, "tries");
    if (oauth && sw_provider_once_more(http, tries)) {
        ask(a, oauth, admin, tries + 1);
        return 0;
    }
    int r = sw_open(a->ctx, a->in, "answer", &answer);
    if (r < 0 && r != -ENOENT) return r;
    if (error[0] || sw_int(http, "status") / 100 != 2 || !is_bot(answer) ||
        !(body = install_of(a, answer, &inst))) {
        page_of_failure(a, http, answer);
        return 0;
    }
    if (admin && json_object_get(body, "team")) {
        page_again(a, 403, "This was for a single workspace",
                   "Only an organization is installed from Slack's own pages. For a workspace "
                   "start here. Slipway kept nothing of it.");
        return 0;
    }
    struct sw_msg *m = sw_msg_create(SW_KIND_INSTALL, a->in->cmd, inst, a->in->born_ms);
    json_object_update(m->body, body);
    json_t *pair = json_pack("{s:s}", "access_token", sw_str(answer, "access_token"));
    if (sw_str(answer, "refresh_token")[0])
        json_object_set(pair, "refresh_token", json_object_get(answer, "refresh_token"));
    sw_box(a->ctx, m, "auth", "bot", pair);
    sw_pass(a->out, "auth", m);
    return 0;
}

/* ---- at its installation ---- */

static int keep(struct sw__auth *a, const json_t *old, const json_t *tokens) {
    static const char *const keys[] = {"team", "enterprise", "app", "scope", "by"};
    const json_t *body = a->in->body;
    SW_AUTO(sw_text) char *link = sw__auth_id(a, "account");
    SW_AUTO(sw_json)
    json_t *account =
        json_pack("{s:s, s:s, s:I, s:I}", "id", sw_str(body, "bot_user"), "link", link, "linked_ms",
                  sw_int(body, "installed_ms"), "version", sw_int(old, "version"));
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        json_t *value = json_object_get(body, keys[i]);
        if (value) json_object_set(account, keys[i], value);
    }
    int r = sw__auth_issue(a, SW_SLACK, SW_BOT, account, tokens, sw_int(body, "expires_in"));
    if (r < 0) return r;
    r = sw__auth_save(a, SW_SLACK, SW_BOT, account);
    if (r < 0) return r;
    r = sw__auth_land(a, SW_SLACK, SW_BOT, ""); /* a flight of the token before this one */
    if (r < 0) return r;
    sw__auth_announce(a, SW_SLACK, SW_BOT, account);
    sw__auth_audit(a, sw_str(body, "by"), "install",
                   json_pack("{s:s}", "slack", sw_str(body, "bot_user")), sw_str(body, "scope"));
    sw_tally(a->out, SW_M_LINKS, 1, "slack", "linked");
    return sw__auth_bot_announce(a, account);
}

int sw__auth_installed(struct sw__auth *a) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    const json_t *body = a->in->body, *old;
    const json_int_t installed_ms = sw_int(body, "installed_ms");
    json_int_t gone_ms;
    int r = sw_open(a->ctx, a->in, "bot", &tokens);
    if (r < 0) return r;
    if (!sw_str(tokens, "access_token")[0]) return -EBADMSG;
    r = sw__auth_stored(a, SW_SLACK, SW_BOT, &old);
    if (r < 0) return r;
    r = sw__auth_gone_ms(a, &gone_ms);
    if (r < 0) return r;
    if (gone_ms && installed_ms <= gone_ms) {
        page_again(a, 410, "Slipway was removed again",
                   "Slack says that it was taken away after you allowed it.");
        return 0;
    }
    if (!old || sw_int(old, "linked_ms") < installed_ms) {
        r = keep(a, old, tokens);
        if (r < 0) return r;
    }
    sw__auth_page(a, sw_str(body, "wait"), 200,
                  sw_page_installed(json_object_get(body, "team"),
                                    json_object_get(body, "enterprise"), sw_str(body, "scope")),
                  NULL);
    return 0;
}
