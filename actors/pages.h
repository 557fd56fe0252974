/* pages.h -- the few pages that a browser sees on the ways of signing in and installing.
 *
 * shapes   whole HTML documents in UTF-8 without scripts; whatever is not ours is escaped
 * units    none
 * errors   none: a missing text is shown as nothing
 * owner    the caller frees
 * source   OWASP "Cross Site Scripting Prevention" (HTML body and attribute context); RFC 3986
 *          section 2.1
 * limits   none
 */
#ifndef SW_PAGES_H
#define SW_PAGES_H

#include "common/conf.h"

#include <jansson.h>
#include <stdbool.h>

#define SW_PATH_LINK "/link"                     /* and then "/<token>" */
#define SW_PATH_CALLBACK "/auth/heroku/callback" /* registered at Heroku as the redirect URI */
#define SW_PATH_INSTALL "/slack/install"
#define SW_PATH_INSTALL_CALLBACK "/slack/install/callback" /* registered at Slack */
#define SW_PATH_CALLBACK_GITHUB "/auth/github/callback"    /* the same at GitHub */
#define SW_PATH_CALLBACK_SLACK "/auth/slack/callback"      /* and at Slack, for signing in */

/* What will be linked, and the one button, which leads to Slack; `names` are those of the services in their order
 * (["Heroku", "GitHub"]). The form goes where the page came from. Whom the link was made for is not said: Slack has to. */
char *sw_page_link(const json_t *names, const char *csrf);
/* It is done: all identities (`who` as in PROTO.md, with names; [[service, account]]) and the way back to the channel, in
 * Slack's program or, at `slack_web`, in this browser. */
char *sw_page_done(const json_t *who, const json_t *accounts, const char *slack_web);
/* What went wrong and what to do now, in plain words. */
char *sw_page_error(const char *title, const char *text);

/* What Slipway is; `install`: with the button. */
char *sw_page_home(bool install);
/* What went wrong with installing, and the button to start again. */
char *sw_page_again(const char *title, const char *text);
/* Asks an administrator, who did not start here, whether to go on with what Slack sent. */
char *sw_page_install_form(const char *code, const char *csrf);
/* Where it is installed (each {id, name?}; `team` NULL: in the whole organization), what it may do there, and what to type
 * first. */
char *sw_page_installed(const json_t *team, const json_t *enterprise, const char *scope);
/* A document of ours around a body; both are HTML. */
char *sw_page_whole(const char *title, const char *body);

/* The public URL of a path of this installation. */
char *sw_public_url(const struct sw_conf *conf, const char *path);
/* A Set-Cookie that no script and no form of another site gets; over https its name says, too, that it is from this very
 * host: no neighbour below the same domain can plant one that it knows. */
char *sw_cookie_make(const struct sw_conf *conf, const char *name, const char *value, int life_s);
/* What such a cookie holds, of those that a browser sent; "" where it is not there. */
const char *sw_cookie_find(const struct sw_conf *conf, const json_t *cookies, const char *name);
/* For an element's text or a quoted attribute. */
char *sw_html_escape(const char *text);
/* All but unreserved characters become %XX. */
char *sw_url_escape(const char *text);

#endif
