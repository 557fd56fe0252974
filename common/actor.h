/* actor.h -- an actor is one pure handler; the runtime owns everything that can fail or block.
 *
 * shapes   in: one decoded envelope; out: what the handler wants done, committed with the ack or not at all
 *          secret value (in an http request): {"$box": "<sealed text>", "field": "token"} or {"$conf": "slack_token"};
 *          with "before"/"after" texts around it; only the runtime puts the real value there. A box that was stored is
 *          bound to something else than the command: {"$box", "field", "context": what it was sealed with}
 * units    *_ms are milliseconds since 1970 UTC by Redis TIME; delays in ms
 * errors   a handler returns 0 = done: outputs and the ack of `in` are one ledger commit
 *          -EAGAIN = a fact is not loaded yet (sw_fact said so): called again when it is
 *          any other -errno = refused: outputs dropped, `in` becomes a dead letter and the person is told
 * owner    the runtime owns ctx, in and out; functions that get a json_t * take it; a handler frees only
 *          what it made itself and did not give away
 * source   OTP gen_server callbacks; zguide ch. 4 and 7
 * limits   envelope 64 KiB, 64 outputs a call, 5 ms a call (counted), 10 s (the process aborts)
 */
#ifndef SW_ACTOR_H
#define SW_ACTOR_H

#include "common/conf.h"
#include "common/metrics.h"
#include "proto/kinds.h"
#include "proto/msg.h"

#include <stdbool.h>
#include <stdint.h>

struct sw_keys;
struct sw_out;

struct sw_ctx {       /* all that a handler may know besides the message */
    int64_t now_ms;   /* fixed for the whole call */
    unsigned attempt; /* 1 = first delivery */
    uint8_t seed[32]; /* the only randomness, fresh for each call: sw_derive (common/seal.h) */
    const struct sw_conf *conf;
    const struct sw_keys *keys; /* what this role may open and seal */
};

/* A stored value by key; *ret is borrowed for this call, NULL where absent. -EAGAIN: return it, and be called again. */
int sw_fact(struct sw_out *out, const char *key, const json_t **ret);

/* Each returns the new message, owned by `out`, so that boxes can be added; it carries the command, installation,
 * birth and boxes of `in`. `body` is taken, NULL is {}. */
struct sw_msg *sw_send(struct sw_out *out, const char *actor, const char *kind, json_t *body);
struct sw_msg *sw_send_bulk(struct sw_out *out, const char *actor, const char *kind, json_t *body);
/* A named timer of this actor and shard: due in delay_ms; arming a name again moves it. */
struct sw_msg *sw_after(struct sw_out *out, const char *name, int64_t delay_ms, const char *kind,
                        json_t *body);
void sw_cancel(struct sw_out *out, const char *name);

/* An HTTP call, performed once the commit is safe. `request`:
 *   {"up": "slack"|"hooks"|"heroku"|"heroku_id"|"github"|"github_web"|"kolkrabbi", "method",
 *    "path" (after the base URL; names in it escaped) or "url" (a secret value; hooks only),
 *    "headers"?: {name: text or secret}, "bearer"?: secret, "basic"?: {"user": text, "password": secret},
 *    "json"?: body (secrets anywhere inside) or "form"?: {name: text or secret},
 *    "fields"?: ["id", "app.id", ...] kept of the answer's JSON ("a.b" looks into objects and into each element of lists),
 *    "repeat": "safe"|"check"|"once"  (safe: retried by the runtime; the others are performed at most once, retried only
 *              when it was too fast (429; GitHub's 403 with Retry-After or with nothing remaining) or when surely nothing was sent),
 *    "quiet"?: true (a 2xx is not told), "repeated"?: true (a second try after "unsure": counted),
 *    "paced"?: true (a 429 is answered at once, since the handler itself waits), "bulk"?: true (after all calls that are not),
 *    "seal"?: true  (the kept JSON comes back as box "answer" for this actor instead of in clear), "timeout_ms"?,
 *    "location"?: true (only with "seal": of a 3xx the box "answer" is {"location"}; redirects are never followed)}
 * The answer is a message of `kind` with `body` and, in it, "http":
 *   {"status": 200, "json": ..., "next_range"?, "next_cursor"? (GitHub's Link), "retry_after"? (seconds), "rate_remaining"?} or
 *   {"error": "unsure"|"timeout"|"connect"|"too_big"|"bad_json"|"no_location"|"refused", "status"?: 503}.
 * "unsure": a call that is not "safe" may or may not have happened. Of an error status the fields id, message, ok, error are kept,
 * and GitHub's errors: [{"field", "code", "contexts"?: [{"context", "state"}]}]. */
struct sw_msg *sw_http(struct sw_out *out, json_t *request, const char *kind, json_t *body);

/* State of this actor in this shard; ttl_ms 0: for ever. */
void sw_store(struct sw_out *out, const char *key, json_t *value, int64_t ttl_ms);
void sw_forget(struct sw_out *out, const char *key);

/* Answers the HTTP request named `wait`; page: {"status", "html" or "location", "cookie"?}. */
void sw_answer(struct sw_out *out, const char *wait, json_t *page);
/* A hint for ingress: webhooks of `source` ("heroku/<app id>") concern this installation. */
void sw_source(struct sw_out *out, const char *source);
/* They concern it no more. */
void sw_unsource(struct sw_out *out, const char *source);
/* One line of the installation's audit, append-only and written with the ack (takes): who did what, how it ended.
 *   {"at_ms"?, "cmd"?, "who": {"team", "user", "channel"}, "line" (one-time code left out), "task", "forced",
 *    "accounts": {"heroku"?: email, "github"?: login}, "pipeline"?, "stage"?, "apps"?: [name],
 *    "outcome": "asked"|"done"|"failed"|"partial"|"unknown"|"cancelled"|"refused", "detail"?}
 * The runtime adds "actor", and "at_ms" and "cmd" where they are left out. Never a secret: operators read it. */
void sw_audit(struct sw_out *out, json_t *entry);
/* A message of another command, for one that was kept (sw_msg_to_json); takes `m`. */
void sw_resume(struct sw_out *out, const char *actor, struct sw_msg *m);
json_t *sw_msg_to_json(const struct sw_msg *m);
struct sw_msg *sw_msg_from_json(const json_t *kept); /* NULL where it is not one */

/* A durable message to an actor of another installation, whose id is in `m` (takes it): owed like a call until that shard has
 * it, and there at most once within a day. Nothing comes back. */
void sw_pass(struct sw_out *out, const char *actor, struct sw_msg *m);
/* Counts (a counter goes up by `value`, a histogram gets it) once the commit is safe; labels as in the table of
 * common/metrics.h, NULL where there are fewer. */
void sw_tally(struct sw_out *out, enum sw_metric metric, int64_t value, const char *label,
              const char *label_2);

/* Seals `value` (taken) for an actor into message `m` as box `name`, bound to m's command. */
void sw_box(const struct sw_ctx *ctx, struct sw_msg *m, const char *to, const char *name,
            json_t *value);
/* Opens a box of `in` meant for this actor; -ENOENT absent, -EBADMSG does not open. The caller frees. */
int sw_open(const struct sw_ctx *ctx, const struct sw_msg *in, const char *name, json_t **ret);

typedef int sw_handle_fn(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out);
/* Names with sw_fact the keys that handle will ask for, so that they are read ahead; or NULL. */
typedef void sw_want_fn(const struct sw_msg *in, struct sw_out *out);

struct sw_actor {
    const char *name;         /* also its mailbox, metric and log name */
    const char *const *kinds; /* accepted kinds, NULL-terminated; others go dead */
    sw_want_fn *want;
    sw_handle_fn *handle;
};

/* Tests: one call without I/O. `facts` is {key: value}; a key that is missing counts as absent. Each is loaded
 * only when it is asked for; -EDEADLK: the handler was done without one that it had asked for.
 * *ret_outputs is a list of {"op": "send"|"after"|"cancel"|"http"|"store"|"forget"|"answer"|"source"|"unsource"|"audit"|"pass"|
 * "tally", "name", ...} as in common/step.c: "value" (http request, state, page, audit entry), "ms", "kind", "cmd", "inst",
 * "body", "boxes" (the message); of a tally "name" is the metric's, "ms" the value, "value" the labels; the caller frees. */
int sw_step(const struct sw_actor *actor, const struct sw_ctx *ctx, const struct sw_msg *in,
            const json_t *facts, json_t **ret_outputs);

#endif
