/* oauth.c -- the consent page and the codes it gives; the tokens are in oauth_token.c; see oauth.h. */
#include "oauth.h"

#include "oauth_priv.h"
#include "tokens.h"

#include <stdlib.h>
#include <string.h>

#define CODE_LIFE_MS (10 * 60 * 1000)

bool sim__redirect_ok(const char *registered, const char *uri) {
    if (uri == NULL) return false;
    if (registered != NULL) return strcmp(uri, registered) == 0;
    bool is_local = strncmp(uri, "https://localhost:", 18) == 0 ||
                    (strncmp(uri, "http://", 7) == 0 && sim_is_local(uri + 7));
    return is_local && strpbrk(uri, "@#") == NULL;
}

/* NULL when the request is in order; an open redirect is never made for a wrong one. */
static const char *request_check(const struct sim *sim, const json_t *args) {
    const char *client = sim_json_text(args, "client_id"),
               *type = sim_json_text(args, "response_type");
    const char *method = sim_json_text(args, "code_challenge_method");
    if (client == NULL) return "client_id is missing";
    if (sim->conf.client_id != NULL && strcmp(client, sim->conf.client_id) != 0) {
        return "client_id is not known";
    }
    if (!sim__redirect_ok(sim->conf.redirect_uri, sim_json_text(args, "redirect_uri"))) {
        return "redirect_uri is not the registered one";
    }
    if (type == NULL || strcmp(type, "code") != 0) return "response_type must be code";
    if (sim_json_text(args, "code_challenge") != NULL &&
        (method == NULL || strcmp(method, "S256") != 0)) {
        return "code_challenge_method must be S256";
    }
    return NULL;
}

static const char *const carried[] = {
    "client_id", "redirect_uri",   "response_type",        "scope",
    "state",     "code_challenge", "code_challenge_method"};

json_t *sim__consent_args(const struct sim_req *req) {
    json_t *args = json_object();
    for (size_t i = 0; i < SIM_ARRAY_LEN(carried); i++) {
        const char *value = sim_req_query(req, carried[i]);
        if (value != NULL) json_object_set_new(args, carried[i], json_string(value));
    }
    return args;
}

void sim__consent_page(struct sim_req *req, const struct sim_consent *ask, const json_t *args) {
    struct sim_buf page = {0};
    sim_buf_printf(&page,
                   "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                   "<title>Simulated %s sign-in</title><style>body{font:16px sans-serif;"
                   "max-width:30em;margin:4em auto}button{display:block;margin:.5em 0;"
                   "padding:.6em 1em}</style><h1>Simulated %s</h1><p>An application asks for "
                   "access (scope: ",
                   ask->platform, ask->platform);
    sim_html_escape(&page, ask->scope != NULL ? ask->scope : "none");
    sim_buf_printf(&page, "). %s</p><form method=\"post\" action=\"%s\">", ask->question,
                   ask->action);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)args, key, value) {
        sim_buf_printf(&page, "<input type=\"hidden\" name=\"%s\" value=\"", key);
        sim_html_escape(&page, json_string_value(value));
        sim_buf_printf(&page, "\">");
    }
    for (size_t i = 0; i < ask->count; i++) {
        SIM_FREE char *label = ask->labels != NULL ? sim_strdup(ask->labels[i])
                                                   : sim_fmt("Allow as %s", ask->names[i]);
        sim_buf_printf(&page, "<button name=\"%s\" value=\"%s\">%s</button>", ask->field,
                       ask->names[i], label);
    }
    sim_buf_printf(&page, "<button name=\"deny\" value=\"1\">Deny</button></form></html>\n");
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_data(req, 200, "text/html; charset=utf-8", page.data, page.len);
    sim_buf_free(&page);
}

void sim_oauth_page(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim__consent_args(req);
    /* Heroku falls back to the registered callback when none is named. */
    if (sim_json_text(args, "redirect_uri") == NULL && sim->conf.redirect_uri != NULL) {
        json_object_set_new(args, "redirect_uri", json_string(sim->conf.redirect_uri));
    }
    const char *wrong = request_check(sim, args);
    if (wrong != NULL) {
        sim_reply_error(req, 400, "invalid_request", wrong);
        return;
    }
    const char *names[SIM_ARRAY_LEN(sim->heroku->account)];
    for (size_t i = 0; i < SIM_ARRAY_LEN(names); i++) {
        names[i] = sim->heroku->account[i].email;
    }
    struct sim_consent ask = {.platform = "Heroku",
                              .action = "/oauth/authorize",
                              .scope = sim_json_text(args, "scope"),
                              .question = "Whose account is it?",
                              .field = "account",
                              .names = names,
                              .count = SIM_ARRAY_LEN(names)};
    sim__consent_page(req, &ask, args);
}

void sim__redirect(struct sim_req *req, const json_t *args, const char *key, const char *value) {
    struct sim_buf url = {0};
    const char *uri = sim_json_text(args, "redirect_uri"), *state = sim_json_text(args, "state");
    sim_buf_printf(&url, "%s%c%s=%s", uri, strchr(uri, '?') != NULL ? '&' : '?', key, value);
    if (state != NULL) sim_form_add(&url, "state", state, strlen(state));
    sim_reply_header(req, "Location", url.data);
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_text(req, 302, "text/plain; charset=utf-8", "");
    sim_buf_free(&url);
}

void sim_oauth_allow(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_form_parse(req->body, req->body_len);
    const char *wrong = args != NULL ? request_check(sim, args) : "the form cannot be read";
    if (wrong != NULL) {
        sim_reply_error(req, 400, "invalid_request", wrong);
        return;
    }
    if (sim_json_text(args, "deny") != NULL) {
        sim__redirect(req, args, "error", "access_denied");
        return;
    }
    struct sim_account *account = sim_account_find(sim, sim_json_text(args, "account"));
    if (account == NULL) {
        sim_reply_error(req, 400, "invalid_request", "account is not one of the three");
        return;
    }
    struct code *code = sim_alloc(sizeof(*code));
    char text[37];
    sim_uuid_random(text);
    code->account = account;
    code->dies_ms = sim_mono_ms() + CODE_LIFE_MS;
    code->redirect_uri = sim_strdup(sim_json_text(args, "redirect_uri"));
    code->challenge = sim_strdup(sim_json_text(args, "code_challenge"));
    code->scope = sim_strdup(sim_json_text(args, "scope"));
    (void)sim_map_put(sim->oauth->codes, text, code);
    sim_token_note(sim, "heroku.code", text);
    sim__redirect(req, args, "code", text);
}
