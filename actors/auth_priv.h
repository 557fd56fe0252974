/* auth_priv.h -- who may speak as whom: accounts, grants, sign-in, installing, one refresh flight for a token.
 *
 * shapes   <person> is "<installation>/<user>"; all of it is state of auth
 *          acct/<person>  {heroku: {..., email}, github: {..., login}}, each where it is linked, with
 *            {row, id, version, link, expires_ms, linked_ms, renewed, has_refresh}
 *            row: the pair {access_token, refresh_token?} at rest; version: the time of
 *            its issue, so that a new link never repeats one; expires_ms: 0 where it does not run out;
 *            renewed: ids of commands that got this version because another was refused;
 *            and was: {provider: {reason, at_ms, version}} of one that was lost, until it is linked again
 *          gone/<installation>  {at_ms}: Slipway was uninstalled; what was linked until then is as good as not linked
 *          pace/INSTALL  {from_ms, count}: how many came back from Slack within this minute
 *          ghid/<installation>/<id at GitHub>  {users: [user id]}: who linked it, the oldest first
 *          acct/<installation>/bot  {slack: {..., id: its user, team?, enterprise?, app, scope, by}}: the bot token, which
 *            is renewed and sealed as any other
 *          pend/<person>  [kept command]: they go on after the sign-in
 *          flight/<person> (Heroku), flight/<person>/github, flight/<installation>/bot/slack
 *            {flight, link, version, started_ms, waiting: [kept command or regrant]}
 *            its timer has the same name
 *          link/<sha256>  {who, created_ms, cookie? (sha256: the browser that pressed the button)} of an offered link; its
 *            random text is only in the link
 *          state/<sha256>  {who, provider, created_ms, cookie (sha256), verifier (box to auth, context: key;
 *            says user and provider again), link? (key of the link that leads to Slack)}
 *          token in a URL  "<installation>.<random43>.<mac43>", mac over what is before it; purpose
 *            "link" or "state"
 * units    *_ms milliseconds
 * errors   -EAGAIN of sw_fact; -EBADMSG a box that does not open (a row that does not unlinks); -EINVAL no person in it
 * owner    the call; what is taken from facts is borrowed for the call
 * source   RFC 6749, 7636 (PKCE), 9700; PROTO.md
 * limits   5 commands of a person wait for a sign-in and 20 for refreshes, 48 KiB of them each; links live
 *          10 minutes
 */
#ifndef SW_AUTH_PRIV_H
#define SW_AUTH_PRIV_H

#include "actors/actors.h"
#include "actors/pages.h"
#include "actors/providers.h"
#include "common/mem.h"
#include "common/seal.h"

#define SW__AUTH_PEND_MAX 5
/* In all flights of a person. Each is two outputs when a flight ends, and a call has 64; a sign-in may end a
 * flight and let the kept ones go on as well. */
#define SW__AUTH_WAITING_MAX 20
#define SW__AUTH_KEPT_BYTES (48 * 1024) /* a value that is stored has 64 KiB at most */
#define SW__AUTH_RENEWED_MAX 32
#define SW__AUTH_TOKEN_MAX 4096
#define SW__AUTH_OFFER_MS (10 * 60 * 1000LL)
#define SW__AUTH_WAS_MS (30 * 24 * 3600 * 1000LL) /* for so long a person is told why */
#define SW__AUTH_FLIGHT_MS (90 * 1000LL)
#define SW__AUTH_SPARE_MS (60 * 1000LL) /* a token with less than this left is not granted */

struct sw__auth { /* one call of the handler */
    const struct sw_ctx *ctx;
    const struct sw_msg *in;
    struct sw_out *out;
    char *card; /* the link offered by this call: all its cards hold the same one */
};

/* auth_account.c: what is kept of a person. */
char *sw__auth_key(const struct sw__auth *a, const char *noun, const char *user);
/* What is stored, whether it may be used or not; NULL: nothing. */
int sw__auth_stored(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t **ret);
/* The same; and "" where it may be used, else why it is as good as not linked: "uninstalled", "expired", "unreadable" (of a
 * key that is not here). */
int sw__auth_look(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t **ret, const char **ret_ended);
/* What is stored and has not ended, though perhaps nobody can read it now; or NULL. */
int sw__auth_kept(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t **ret);
/* What is stored and may be used, or NULL. */
int sw__auth_account(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                     const json_t **ret);
/* Why there is no account, where it was not the person who signed out; "" else. */
int sw__auth_why(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                 const char **ret);
/* Names what an account is made of, so that it is read ahead. */
void sw__auth_want(const struct sw__auth *a, const char *user);
/* A token that is refused or runs out can be had anew. */
bool sw__auth_renewable(const json_t *account);
int sw__auth_tokens(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *account, json_t **ret);
/* Whether the stored account holds this token, as either of its two. */
int sw__auth_holds(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                   const char *token, bool *ret);
/* Puts the row in; nothing else of the account changes. */
int sw__auth_seal(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  json_t *account, const json_t *tokens);
/* Puts new tokens in: row, expiry (0: not said), the next version. */
int sw__auth_issue(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                   json_t *account, const json_t *tokens, json_int_t expires_in_s);
int sw__auth_save(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t *account);
/* It is linked no more; a reason is kept for the next card. sw__auth_unlink does all that belongs to it. */
int sw__auth_forget(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const char *reason);
/* Tells refresher what it must know; NULL: the account is gone. */
void sw__auth_announce(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                       const json_t *account);
/* One line of the audit, by who is in `in`; `accounts` is {provider: who it is there}, taken. */
void sw__auth_audit(const struct sw__auth *a, const char *user, const char *task, json_t *accounts,
                    const char *detail);
/* As whom: {email?, login?, both?}, and since when with `since`: {email_ms?, login_ms?}. */
int sw__auth_identities(const struct sw__auth *a, const char *user, bool since, json_t **ret);
/* What is set up and not linked: {heroku?, github?, two?, missing?}, each true. */
int sw__auth_missing(const struct sw__auth *a, const char *user, json_t **ret);

/* auth_grant.c: answers to a command; `request` is a command.v1 or regrant.v1, new or kept. */
bool sw__auth_is_regrant(const struct sw_msg *request);
/* Whose token a regrant is about; NULL: a provider that is none. */
const struct sw_provider *sw__auth_about(const struct sw_msg *request);
bool sw__auth_is_refusal(const struct sw_msg *request, const struct sw_provider *p);
bool sw__auth_usable(const struct sw__auth *a, const struct sw_provider *p,
                     const struct sw_msg *request, const json_t *account);
/* Grants it, or lets it wait for the first token that is missing or stale; without an account a command is kept for after the
 * sign-in, which is offered. */
int sw__auth_serve(struct sw__auth *a, const char *user, const struct sw_msg *request);
/* Serves what was kept and has all that it needs; *ret_count is how many went on. */
int sw__auth_resume(struct sw__auth *a, const char *user, int *ret_count);

/* auth_say.c: what a person is told. */
struct sw_msg *sw__auth_reply(const struct sw__auth *a, const struct sw_msg *request,
                              const char *template, json_t *data, bool final);
/* The private card; p: who said no where the reason is "refused". */
int sw__auth_card(struct sw__auth *a, const char *user, const struct sw_msg *request,
                  const char *reason, const struct sw_provider *p, bool kept);
/* The card; and executor gives its plan up. */
int sw__auth_refuse(struct sw__auth *a, const char *user, const struct sw_msg *request,
                    const char *reason, const struct sw_provider *p);
/* The provider could not be asked. */
void sw__auth_sorry(const struct sw__auth *a, const struct sw_msg *request,
                    const struct sw_provider *p);
void sw__auth_no_github(const struct sw__auth *a, const struct sw_msg *request);
int sw__auth_whoami(struct sw__auth *a, const char *user);
int sw__auth_login(struct sw__auth *a, const char *user);
int sw__auth_logout(struct sw__auth *a, const char *user);

/* auth_tend.c: notifier's own commands, which nobody typed. */
#define SW__AUTH_QUIET_MAX 10 /* of those that wait: they leave room for people's */
bool sw__auth_is_quiet(const struct sw_msg *request);
/* The provider could not be asked; there is no account. Of a regrant executor tells it. */
void sw__auth_quiet_away(const struct sw__auth *a, const struct sw_msg *request);
int sw__auth_quiet_refuse(const struct sw__auth *a, const char *user, const struct sw_msg *request);
/* Who this is at the provider, or was; before the account is forgotten. */
void sw__auth_person(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                     const json_t *account, bool gone);

/* auth_flight.c: one refresh at a time for a token. `request` may be NULL. */
int sw__auth_join(struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const json_t *account, const struct sw_msg *request);
/* Whether one is under way for this very token. */
int sw__auth_flying(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *account, bool *ret);
/* Ends the flight: what waits is served where it can be, else told; without an account `reason`. */
int sw__auth_land(struct sw__auth *a, const struct sw_provider *p, const char *user,
                  const char *reason);
int sw__auth_refreshed(struct sw__auth *a);
int sw__auth_timer(struct sw__auth *a);

/* auth_life.c: how an account ends, and what is seen to while it lives. */
/* Forgets the account; what waited for it is told `reason`: "logout", "refused", "lost" (the answer of a refresh),
 * "withdrawn" (at the provider), "unreadable", "uninstalled", "expired". */
int sw__auth_unlink(struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const char *reason);
/* After an account was saved and announced: what follows of it, and the end of the one whose place it took (or NULL). */
int sw__auth_linked(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *old, const json_t *account);
/* Unlinks an account whose tokens do not open. */
int sw__auth_readable(struct sw__auth *a, const struct sw_provider *p, const char *user);
int sw__auth_all_readable(struct sw__auth *a, const char *user); /* those of a person */
/* The people who linked this account at GitHub; NULL: nobody. */
int sw__auth_sharers(const struct sw__auth *a, const char *id, const json_t **ret);
int sw__auth_due(struct sw__auth *a);
int sw__auth_reseal(struct sw__auth *a);

/* auth_revoke.c: withdraws a pair at its provider, and goes on trying; what the person must do where that cannot be is
 * told to `who` of a sign-out. Never what the stored account holds. */
int sw__auth_revoke(const struct sw__auth *a, const struct sw_provider *p, const char *user,
                    const json_t *tokens);
/* What we cannot withdraw is counted, and told to `who` of the message, who can. */
int sw__auth_leave(const struct sw__auth *a, const struct sw_provider *p);
bool sw__auth_is_revocation(const struct sw_msg *in); /* its answers and timers */
int sw__auth_revoke_http(struct sw__auth *a);
int sw__auth_revoke_timer(struct sw__auth *a);

/* auth_event.c: what GitHub tells of accounts by itself; of Slack's see auth_bot.c. */
#define SW__AUTH_GITHUB_USER "github/user/" /* and the id: a source of events */
int sw__auth_github_event(struct sw__auth *a);

/* auth_install.c: the way to a new installation. */
/* A page or an answer on that way. */
bool sw__auth_is_install(const struct sw_msg *in);
int sw__auth_install_web(struct sw__auth *a);
int sw__auth_install_http(struct sw__auth *a);
/* install.v1, at its installation: kept where it is newer than what is there. */
int sw__auth_installed(struct sw__auth *a);

/* auth_bot.c: the bot token of an installation, the account of SW_BOT at SW_SLACK. */
int sw__auth_bot_refused(struct sw__auth *a);
int sw__auth_slack_event(struct sw__auth *a);
/* What was linked until then is as good as not linked: Slipway was uninstalled; 0: never. */
int sw__auth_gone_ms(const struct sw__auth *a, json_int_t *ret);
/* Tells responder which token it is now; NULL, called before it is forgotten: that there is none. */
int sw__auth_bot_announce(const struct sw__auth *a, const json_t *account);

/* auth_link.c: tokens of URLs. */
char *sw__auth_random(const struct sw__auth *a, const char *label); /* 43 characters */
char *sw__auth_id(const struct sw__auth *a, const char *label);     /* 32 hex digits */
char *sw__auth_hash(const char *text);                              /* 64 hex digits */
char *sw__auth_token(const struct sw__auth *a, const char *purpose, const char *random);
char *sw__auth_offer_key(const char *purpose, const char *random);
/* What a token stands for: its key, its random text and what is stored; *ret NULL where it is none
 * of ours, used, or too old. */
int sw__auth_offer(const struct sw__auth *a, const char *purpose, const char *token, char **ret_key,
                   char **ret_random, const json_t **ret);

/* auth_web.c, auth_oauth.c, auth_openid.c: the pages, and what the providers say in between. */
struct sw__way { /* a person in a browser, on the way to or from a provider */
    const struct sw_provider *p;
    const char *wait;
    const json_t *who;
    const char *cookie; /* its sha256 */
    const char *link;   /* to Slack: the key of the link that ends with its word; else NULL or "" */
};
/* What is sealed on the way says whose it is, and where from; what stands beside it could be written by others. */
bool sw__auth_is_of(const json_t *secret, const struct sw__way *way);
int sw__auth_web(struct sw__auth *a);
int sw__auth_http(struct sw__auth *a);
/* Where a sign-in leads after Slack: to what is missing, in the order of the table; to Heroku where nothing is, for
 * another account there. And the labels of all of it. */
int sw__auth_steps(const struct sw__auth *a, const json_t *who, const struct sw_provider **ret,
                   json_t **ret_names);
/* Sends the browser there, to come back with a state of its own; set_cookie may be NULL. */
int sw__auth_go(struct sw__auth *a, const struct sw__way *way, const char *set_cookie);
void sw__auth_exchange(const struct sw__auth *a, const struct sw__way *way, const char *box,
                       int tries);
void sw__auth_page(const struct sw__auth *a, const char *wait, int status, char *html,
                   char *cookie); /* takes both */
void sw__auth_page_error(const struct sw__auth *a, const char *wait, int status, const char *title,
                         const char *text);
/* The provider said no, or nothing that can be used; `answer` may be NULL. */
void sw__auth_page_failure(const struct sw__auth *a, const struct sw__way *way, const json_t *http,
                           const json_t *answer);
/* "GitHub was not linked"; Slack comes before all of them. */
char *sw__auth_not_linked(const struct sw_provider *p);
/* Sign-in with Slack: its page, the request for the id_token, and what that says. */
char *sw__auth_openid_url(const struct sw__auth *a, const struct sw__way *way, const char *state,
                          const char *back, const char *nonce);
json_t *sw__auth_openid_request(const struct sw__auth *a, const char *box, const char *back);
int sw__auth_openid(struct sw__auth *a, const struct sw__way *way, const json_t *http,
                    const json_t *answer, const json_t *secret);

#endif
