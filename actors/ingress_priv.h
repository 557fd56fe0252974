/* ingress_priv.h -- the paths of ingress, a file each.
 *
 * shapes   each fills a decision that is all zero
 * units    none
 * errors   told in the decision
 * owner    the decision owns what is put into it
 * source   ingress.h
 * limits   none
 */
#ifndef SW_INGRESS_PRIV_H
#define SW_INGRESS_PRIV_H

#include "actors/signature.h"
#include "common/door.h"

#define SW__HTML "text/html; charset=utf-8"
#define SW__JSON "application/json; charset=utf-8"
#define SW__DEDUPE_MS (600 * 1000) /* a signature holds 300 s on either side of its timestamp */
#define SW__TEXT_LENGTH 4000       /* characters */
#define SW__TOKEN_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

struct sw__ask {
    const struct sw_ctx *ctx;
    const struct sw_request *request;
    const char *wait_id;
    const json_t *installations;
};

void sw__ingress_slash(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_click(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_slack_event(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_heroku_hook(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_github_hook(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_link(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_callback(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_home(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_install(const struct sw__ask *ask, struct sw_decision *d);
void sw__ingress_install_callback(const struct sw__ask *ask, struct sw_decision *d);

/* A reply; takes `body`. */
struct sw_reply sw__reply(int status, const char *type, char *body);
/* The answer of a request that is refused. */
void sw__refuse(struct sw_decision *d, int status, const char *reason);
/* Of a signature that does not hold: r as in signature.h. */
void sw__refuse_signature(struct sw_decision *d, int r);
/* Whether Slack signed it; if not, it is refused. */
bool sw__is_from_slack(const struct sw__ask *ask, char ret_signature[SW_SIGNATURE_HEX + 1],
                       struct sw_decision *d);
/* A page with a title and a sentence. */
struct sw_reply sw__page(int status, const char *title, const char *text);
/* ASCII without blanks. */
bool sw__is_printable(const char *text, size_t size);
/* slash.v1 of a new command; takes the values. */
struct sw_msg *sw__typed(const struct sw__ask *ask, const char *inst, json_t *who, json_t *text,
                         json_t *trigger, json_t *url);
/* What a browser sent, {query, form, cookies}; NULL: not understood. Caller owns. */
json_t *sw__web_read(const struct sw_request *request);
/* web.v1 to auth of an installation, whose page is waited for; takes `web`, which goes in a box. Nothing is appended where
 * nobody could bring the page back, or it is too large: then the browser is told. */
void sw__web_append(const struct sw__ask *ask, const char *inst, const char *path, json_t *web,
                    struct sw_decision *d);
/* The next append of `d`; takes `m`. */
struct sw_append *sw__append(struct sw_decision *d, const char *actor, struct sw_msg *m);

#endif
