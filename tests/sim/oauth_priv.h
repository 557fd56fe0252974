/* oauth_priv.h -- what oauth.c and oauth_token.c share, and GitHub's pages with them; see oauth.h.
 *
 * shapes   code -> grant -> access tokens
 * units    *_ms on the monotonic clock
 * errors   none
 * owner    the three maps own their values
 * source   none
 * limits   none
 */
#ifndef SIM_OAUTH_PRIV_H
#define SIM_OAUTH_PRIV_H

#include "oauth.h"

struct code {
    struct sim_account *account;
    int64_t dies_ms;
    char *redirect_uri, *challenge, *scope; /* challenge NULL: no PKCE */
};
struct grant { /* one authorization */
    struct sim_account *account;
    char id[37], refresh[66], refresh_id[37]; /* refresh "": the person's own API key */
    char access[66], access_id[37];           /* the newest of its tokens */
    int64_t access_dies_ms;
    char created_at[32], updated_at[32];
    char *scope, *redirect_uri; /* redirect_uri NULL: no application's */
    bool dead;
};
struct token { /* one access token */
    struct grant *grant;
    int64_t dies_ms;
};
struct sim_oauth {
    struct sim_map *codes, *grants, *tokens; /* grants by refresh token */
    uint64_t issued, refreshed, refused, deleted;
    uint64_t api_keys_deleted; /* must stay 0: what nobody may do to a person */
};

struct sim_consent { /* the page on which a person allows an application */
    const char *platform, *action, *scope, *question;
    const char *field;         /* name of the buttons */
    const char *const *names;  /* values of the buttons */
    const char *const *labels; /* what they say; NULL: "Allow as <name>" */
    size_t count;
};

/* A new access token; a new authorization, with its refresh token where it is an application's. */
struct token *sim__token_create(struct sim *sim, struct grant *grant, int64_t dies_ms);
void sim__api_keys_create(struct sim *sim);
struct grant *sim__grant_create(struct sim *sim, struct sim_account *account, const char *scope,
                                const char *redirect_uri);
bool sim__pkce_ok(const char *challenge, const char *verifier); /* no challenge: good */
bool sim__redirect_ok(const char *registered, const char *uri);
void sim__redirect(struct sim_req *req, const json_t *args, const char *key, const char *value);
json_t *sim__consent_args(const struct sim_req *req); /* of the query, new */
void sim__consent_page(struct sim_req *req, const struct sim_consent *page, const json_t *args);

#endif
