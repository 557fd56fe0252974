/* oauth_priv.h -- what oauth.c and oauth_token.c share; see oauth.h.
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

void sim__code_free(void *code);

#endif
