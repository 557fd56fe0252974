/* oauth.h -- the simulated id.heroku.com: consent page, codes, access and refresh tokens; the list of authorizations.
 *
 * shapes   authorization {id, account, refresh token}; access tokens hang on it
 * units    expires_in in seconds; a code lives 10 minutes and is good for one try
 * errors   401 unauthorized for a wrong client secret or bearer; 400 invalid_grant for a bad code,
 *          verifier or refresh token; 400 invalid_request on the consent page
 *          An authorization is in its owner's list, with its newest access token and its refresh token. Each person
 *          also has one that no application got: the API key ("~"), without a refresh token. Deleting that one works,
 *          as it does at Heroku, and is counted in /sim/state as tokens.api_keys_deleted, which must stay 0
 * owner    the one thread of the sim
 * source   RFC 6749, 7636; Heroku Dev Center "OAuth"; Platform API schema, oauth-authorization
 * limits   none; a reset keeps the tokens, only revoke, expire and logout end them
 */
#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H

#include "heroku.h"

void sim_oauth_create(struct sim *sim); /* sim->oauth */
void sim_oauth_destroy(struct sim_oauth *oauth);
struct sim_account *sim_oauth_bearer(struct sim *sim, const char *token); /* NULL: 401 */
json_t *sim_oauth_totals(const struct sim *sim);

void sim_oauth_page(struct sim *sim, struct sim_req *req);
void sim_oauth_allow(struct sim *sim, struct sim_req *req);
void sim_oauth_token(struct sim *sim, struct sim_req *req);
void sim_oauth_list(struct sim *sim, struct sim_req *req);
void sim_oauth_delete(struct sim *sim, struct sim_req *req);
void sim_oauth_revoke(struct sim *sim, struct sim_req *req);
void sim_oauth_expire(struct sim *sim, struct sim_req *req);

#endif
