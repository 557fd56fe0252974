/* tokens.c -- remembering what was handed out; see tokens.h. */
#include "tokens.h"

#include <string.h>

void sim_token_note(struct sim *sim, const char *kind, const char *text) {
    json_array_append_new(sim->issued, json_pack("{s:s, s:s}", "kind", kind, "text", text));
}

void sim_token_use(struct sim *sim, const char *text) {
    json_t *token;
    size_t i;
    json_array_foreach(sim->issued, i, token) {
        if (text == NULL || strcmp(sim_json_text(token, "text"), text) != 0) continue;
        json_object_set_new(token, "used", json_integer(sim_json_int(token, "used", 0) + 1));
    }
}

void sim_tokens_create(struct sim *sim) {
    sim->issued = json_array();
    for (size_t i = 0; i < sim->conf.bot_tokens; i++) {
        sim_token_note(sim, "slack.bot", sim->conf.bot_token[i]);
    }
}

void sim_tokens_show(struct sim *sim, struct sim_req *req) {
    sim_reply_json(req, 200, json_pack("{s:O}", "tokens", sim->issued));
}
