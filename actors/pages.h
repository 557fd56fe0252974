/* pages.h -- the few pages that a browser sees on the way of signing in.
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

#include <jansson.h>

#define SW_PATH_LINK "/link"                     /* and then "/<token>" */
#define SW_PATH_CALLBACK "/auth/heroku/callback" /* registered at Heroku as the redirect URI */
#define SW_PATH_CALLBACK_GITHUB "/auth/github/callback" /* the same at GitHub */
#define SW_PATH_CALLBACK_SLACK "/auth/slack/callback"   /* and at Slack, for signing in */

/* Who links what, and the one button; `who` as in PROTO.md, `names` are those of the services in their order (["Heroku",
 * "GitHub"]). The form goes where the page came from. */
char *sw_page_link(const json_t *who, const json_t *names, const char *csrf);
/* It is done: all identities ([[service, account]]) and the way back to the channel. */
char *sw_page_done(const json_t *who, const json_t *accounts);
/* What went wrong and what to do now, in plain words. */
char *sw_page_error(const char *title, const char *text);

/* For an element's text or a quoted attribute. */
char *sw_html_escape(const char *text);
/* All but unreserved characters become %XX. */
char *sw_url_escape(const char *text);

#endif
