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
    char *redirect_uri, *challenge; /* challenge NULL: no PKCE */
};
struct grant { /* one authorization */
    struct sim_account *account;
    char id[37], refresh[66];
    bool dead;
};
struct token { /* one access token */
    struct grant *grant;
    int64_t dies_ms;
};
struct sim_oauth {
    struct sim_map *codes, *grants, *tokens; /* grants by refresh token */
    uint64_t issued, refreshed, refused;
};

struct sim_consent { /* the page on which a person allows an application */
    const char *platform, *action, *scope;
    const char *const *names; /* of the accounts */
    size_t count;
};

void sim__code_free(void *code);
bool sim__pkce_ok(const char *challenge, const char *verifier); /* no challenge: good */
bool sim__redirect_ok(const char *registered, const char *uri);
void sim__redirect(struct sim_req *req, const json_t *args, const char *key, const char *value);
json_t *sim__consent_args(const struct sim_req *req); /* of the query, new */
void sim__consent_page(struct sim_req *req, const struct sim_consent *page, const json_t *args);

#endif
