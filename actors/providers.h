/* providers.h -- the services whose tokens we hold, and how they differ.
 *
 * shapes   rows of a table; requests as sw_http takes them (common/actor.h)
 * units    life_s seconds
 * errors   none: an unknown name is NULL
 * owner    rows are static; the caller owns what is returned; forms are taken
 * source   RFC 6749, 7636 (PKCE), 9207 (iss); Heroku "OAuth"; GitHub "Authorizing OAuth apps" and "Refreshing user access
 *          tokens"; Slack "Token rotation", oauth.v2.access
 * limits   none
 */
#ifndef SW_PROVIDERS_H
#define SW_PROVIDERS_H

#include "common/conf.h"

#include <jansson.h>
#include <stdbool.h>

struct sw_provider {
    const char *name;     /* in messages and state */
    const char *label;    /* for people */
    const char *callback; /* path of ours, registered there as the redirect URI */
    const char *web, *token_path;
    const char *secret;                         /* of the settings */
    const char *api, *identity_path, *identity; /* whose a token is: the field that people know */
    int life_s; /* of a token where the provider does not say; 0: it does not run out */
};

/* In the order of signing in; the end has no name. */
extern const struct sw_provider sw_providers[];
#define SW_HEROKU (&sw_providers[0])
#define SW_GITHUB (&sw_providers[1])
/* Where a person proves who they are, and where the bot's token is from; nobody has an account there that is linked, so
 * it is none of the rows above. */
extern const struct sw_provider sw_slack;
#define SW_SLACK (&sw_slack)

/* Whose account the bot token of an installation is: it is renewed and kept as those of people are. No id of Slack's has
 * small letters. */
#define SW_BOT "bot"

/* "slack" too. "" is Heroku: messages and state of a time when there was no other. */
const struct sw_provider *sw_provider(const char *name);
/* Heroku always is: without it nothing goes. */
bool sw_provider_set_up(const struct sw_provider *p, const struct sw_conf *conf);
const char *sw_provider_client(const struct sw_provider *p, const struct sw_conf *conf);
/* RFC 9207: whether an answer is this provider's, by what its `iss` says. */
bool sw_provider_is_issuer(const struct sw_provider *p, const struct sw_conf *conf,
                           const char *issuer);
char *sw_provider_authorize_url(const struct sw_provider *p, const struct sw_conf *conf,
                                const char *state, const char *back, const char *challenge);
/* POST for tokens, its answer sealed: {access_token, refresh_token?, expires_in?, error?}. */
json_t *sw_provider_token_request(const struct sw_provider *p, const struct sw_conf *conf,
                                  json_t *form);
/* Whether that request is made once more after this answer: one repeat, where the outcome of the first try is unknown. */
bool sw_provider_once_more(const json_t *http, json_int_t tries);
/* What whoever runs this has to put right, where the answer to that request says so: one of a few words; or NULL. */
const char *sw_provider_blames_us(const struct sw_provider *p, const json_t *http,
                                  const json_t *answer);
/* Whether its answer to that is a definite no to a refresh token; `http` and `answer` as in common/actor.h. */
bool sw_provider_refused(const struct sw_provider *p, const json_t *http, const json_t *answer);

#endif
