/* github_oauth.c -- the consent page of github.com and the codes it gives; see github.h. */
#include "github_priv.h"

#include "oauth_priv.h"
#include "tokens.h"

#include <stdlib.h>
#include <string.h>

#define CODE_LIFE_MS (10 * 60 * 1000)
#define PAGE "/github.com/login/oauth/authorize"

/* 0: goes on; else answered. Only the registered callback is ever redirected to. */
static bool refused(const struct sim *sim, struct sim_req *req, json_t *args) {
    const char *client = sim_json_text(args, "client_id"), *known = sim->conf.github_client_id;
    const char *registered = sim->conf.github_redirect_uri;
    const char *method = sim_json_text(args, "code_challenge_method");
    if (client == NULL || (known != NULL && strcmp(client, known) != 0)) {
        sim_reply_text(req, 404, "text/html; charset=utf-8", "<!doctype html><title>404</title>\n");
        return true;
    }
    if (sim_json_text(args, "redirect_uri") == NULL && registered != NULL) {
        json_object_set_new(args, "redirect_uri", json_string(registered));
    }
    if (!sim__redirect_ok(registered, sim_json_text(args, "redirect_uri"))) {
        if (registered == NULL) {
            sim_reply_error(req, 400, "invalid_request", "redirect_uri is not a local one");
            return true;
        }
        json_object_set_new(args, "redirect_uri", json_string(registered));
        sim__redirect(req, args, "error", "redirect_uri_mismatch");
        return true;
    }
    if (sim_json_text(args, "code_challenge") != NULL &&
        (method == NULL || strcmp(method, "S256") != 0)) {
        sim_reply_error(req, 400, "invalid_request", "code_challenge_method must be S256");
        return true;
    }
    return false;
}

void sim_github_page(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim__consent_args(req);
    if (refused(sim, req, args)) return;
    const char *names[SIM_ARRAY_LEN(sim->github->person)];
    for (size_t i = 0; i < SIM_ARRAY_LEN(names); i++) {
        names[i] = sim->github->person[i].login;
    }
    struct sim_consent ask = {.platform = "GitHub",
                              .action = PAGE,
                              .scope = sim_json_text(args, "scope"),
                              .question = "Whose account is it?",
                              .field = "account",
                              .names = names,
                              .count = SIM_ARRAY_LEN(names)};
    sim__consent_page(req, &ask, args);
}

void sim__github_code_free(void *value) {
    struct sim_github_code *code = value;
    if (code == NULL) return;
    free(code->redirect_uri);
    free(code->challenge);
    free(code->scope);
    free(code);
}

void sim_github_allow(struct sim *sim, struct sim_req *req) {
    json_auto_t *args = sim_form_parse(req->body, req->body_len);
    if (args == NULL) {
        sim_reply_error(req, 400, "invalid_request", "the form cannot be read");
        return;
    }
    if (refused(sim, req, args)) return;
    if (sim_json_text(args, "deny") != NULL) {
        sim__redirect(req, args, "error", "access_denied");
        return;
    }
    struct sim_person *person = sim_person_find(sim, sim_json_text(args, "account"));
    if (person == NULL) {
        sim_reply_error(req, 400, "invalid_request", "account is not one of the three");
        return;
    }
    struct sim_github_code *code = sim_alloc(sizeof(*code));
    const char *scope = sim_json_text(args, "scope");
    char text[21];
    sim_random_hex(text, 20);
    code->person = person;
    code->dies_ms = sim_mono_ms() + CODE_LIFE_MS;
    code->redirect_uri = sim_strdup(sim_json_text(args, "redirect_uri"));
    code->challenge = sim_strdup(sim_json_text(args, "code_challenge"));
    code->scope = sim_strdup(scope != NULL ? scope : "");
    (void)sim_map_put(sim->github->codes, text, code);
    sim_token_note(sim, "github.code", text);
    sim__redirect(req, args, "code", text);
}

void sim_github_lost(struct sim *sim, struct sim_req *req) {
    (void)sim;
    sim_reply_text(req, 404, "text/html; charset=utf-8",
                   "<!doctype html><title>404</title><p>The simulated GitHub has no such page.\n");
}
