/* tokens.h -- all that the simulated platforms ever handed out and that must never be found in clear.
 *
 * shapes   GET /sim/tokens: {"tokens": [{"kind": "heroku.access", "text": "HRKU-..."}, ...]}, oldest first. Kinds:
 *          heroku.access|refresh|code|api_key, github.access|refresh|code, slack.bot|bot_refresh|user|code|id_token|
 *          response_url (the end that nobody can guess). Of a refresh token also "used": how often it was presented, good or not
 * units    none
 * errors   none
 * owner    the one thread of the sim; a text is copied
 * source   none
 * limits   none: they outlive a reset, as tokens do
 */
#ifndef SIM_TOKENS_H
#define SIM_TOKENS_H

#include "state.h"

/* Each handler that makes a secret calls it once for that text. */
void sim_token_note(struct sim *sim, const char *kind, const char *text);
/* Somebody asks for another token by this one. */
void sim_token_use(struct sim *sim, const char *text);
void sim_tokens_create(struct sim *sim);
void sim_tokens_show(struct sim *sim, struct sim_req *req);

#endif
