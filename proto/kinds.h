/* kinds.h -- every kind of message, once; PROTO.md says what each body holds.
 *
 * shapes   "<noun>.v<version>"; kinds ending in .timer.v1 and .http.v1 never leave their actor
 * units    none
 * errors   none
 * owner    none
 * source   PROTO.md
 * limits   31 characters
 */
#ifndef SW_KINDS_H
#define SW_KINDS_H

#include <stdbool.h>

#define SW_KIND_SLASH "slash.v1"  /* ingress -> parser: a command as typed */
#define SW_KIND_WEB "web.v1"      /* ingress -> auth: a page of signing in or installing */
#define SW_INST_INSTALL "INSTALL" /* no installation: who installs, until it is known where */
#define SW_KIND_EVENT "event.v1" /* ingress, executor -> notifier; ingress -> auth: what happened */
#define SW_KIND_COMMAND "command.v1" /* parser, notifier -> auth: a command that needs an account */
#define SW_KIND_REPLY "reply.v1"     /* any -> responder: something a person shall see */
#define SW_KIND_GRANTED "granted.v1" /* auth -> executor: a command and the right to run it */
#define SW_KIND_REGRANT "regrant.v1" /* executor -> auth: the grant was refused or runs out */
#define SW_KIND_UNGRANTED "ungranted.v1" /* auth -> executor: no grant can be had */
#define SW_KIND_ACCOUNT "account.v1"     /* auth -> refresher: an account was linked or forgotten */
#define SW_KIND_DUE "due.v1"             /* refresher -> auth: this token is due */
#define SW_KIND_REFRESH "refresh.v1"     /* auth -> refresher: refresh this token now */
#define SW_KIND_REFRESHED "refreshed.v1" /* refresher -> auth: what the provider said */
#define SW_KIND_REVOKED "revoked.v1"     /* auth -> executor: grants that are dead */
#define SW_KIND_INSTALL "install.v1"     /* auth -> auth, of another shard: a bot token */
#define SW_KIND_BOT "bot.v1"             /* auth -> responder: the bot token to be used */
#define SW_KIND_BOT_REFUSED "bot_refused.v1" /* responder -> auth: Slack does not take it */
#define SW_KIND_RESEAL "reseal.v1" /* slipway keys -> auth: seal what is kept of a person anew */
#define SW_KIND_PROMOTED "promoted.v1" /* executor -> notifier: what an operation makes */
#define SW_KIND_CANCEL "cancel.v1"     /* executor -> executor: end this plan if it can be ended */
#define SW_KIND_GO "go.v1"             /* executor -> executor: do what was offered */
#define SW_KIND_NOTICE                                                                             \
    "notice.v1" /* notifier -> responder: all that a channel shows of a subject */
#define SW_KIND_CHANNEL "channel.v1" /* executor, notifier -> responder: may the bot post there? */
#define SW_KIND_CHANNEL_STATE                                                                      \
    "channel_state.v1"             /* responder -> executor, notifier: whether it may */
#define SW_KIND_ROUTE "route.v1"   /* executor, auth -> notifier: what a channel shall hear of */
#define SW_KIND_PERSON "person.v1" /* auth -> notifier: who somebody at Heroku or GitHub is here */
#define SW_KIND_PAGE "page.v1"     /* auth -> ingress: answer of a waiting request */

#define SW_KIND_EXECUTOR_HTTP "executor.http.v1"
#define SW_KIND_EXECUTOR_TIMER "executor.timer.v1"
#define SW_KIND_AUTH_HTTP "auth.http.v1"
#define SW_KIND_AUTH_TIMER "auth.timer.v1"
#define SW_KIND_NOTIFIER_TIMER "notifier.timer.v1"
#define SW_KIND_RESPONDER_HTTP "responder.http.v1"
#define SW_KIND_RESPONDER_TIMER "responder.timer.v1"
#define SW_KIND_REFRESHER_HTTP "refresher.http.v1"
#define SW_KIND_REFRESHER_TIMER "refresher.timer.v1"

/* Whether the role `from` sends this kind to the role `to`, by wire or as an entry. What the command line appends is not sent by a
 * role. */
bool sw_kind_may(const char *kind, const char *from, const char *to);
/* Whether the role `from` puts entries of any kind into the mailbox of the role `to`, another one. */
bool sw_kind_sends(const char *from, const char *to);

#endif
