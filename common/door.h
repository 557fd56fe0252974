/* door.h -- HTTP in: what a request is, what is decided about it, and how it is answered.
 *
 * shapes   request: only what deciders need; decision: reply at once, append and then reply, or wait for a page
 * units    *_ms milliseconds; sizes are bytes
 * errors   sw_door_create: -EADDRINUSE, -EINVAL (address), -errno of the socket
 * owner    the loop thread; a request and its strings live during the callback; a waiting request lives until it is
 *          answered, exactly once, or until its peer is gone (then answering does nothing)
 * source   libmicrohttpd "external epoll", suspend and resume; RFC 9112
 * limits   headers 16 KiB; body and times as given in struct sw_door_limits; bodies of all connections together 128 MiB, those
 *          larger than the usual limit 96 MiB of it; requests that are ambiguous (Content-Length
 *          with Transfer-Encoding, any Transfer-Encoding, doubled Host, Content-Length, X-Slack-* or another header that is
 *          told here) are refused with 400
 */
#ifndef SW_DOOR_H
#define SW_DOOR_H

#include "common/actor.h"

struct _zloop_t;
struct sw_door;
struct sw_waiting;

struct sw_request {
    const char *method, *path, *query; /* query: raw, "" where absent */
    const char *body;
    size_t body_size;
    const char *content_type, *cookie, *authorization, *accept;    /* "" where absent */
    const char *slack_signature, *slack_timestamp;                 /* "" where absent */
    const char *heroku_hmac;                                       /* "" where absent */
    const char *github_event, *github_delivery, *github_signature; /* "" where absent */
    const char *github_hook;                                       /* X-GitHub-Hook-ID, "" */
};

struct sw_reply {
    int status;
    const char *type; /* content type; NULL: text/plain */
    char *body;       /* taken, malloc'd; NULL: empty */
    char *location;   /* taken; NULL: none */
    char *cookie;     /* taken: one Set-Cookie value; NULL: none */
    char id[32];      /* of the command that it became, told as X-Slipway-Id; "": none */
};
void sw_reply_finish(struct sw_reply *reply);

typedef void sw_door_fn(void *arg, struct sw_waiting *waiting, const struct sw_request *request);

struct sw_door_path { /* one that takes more than the others */
    const char *path;
    size_t body_bytes;
};

struct sw_door_limits {
    size_t body_bytes;                /* 413 beyond */
    const struct sw_door_path *paths; /* ended by one without a path; NULL: none */
    unsigned connections;             /* in all */
    unsigned connections_per_ip;      /* 0: no limit of its own */
    unsigned idle_s;                  /* a connection that says nothing */
    unsigned request_s;               /* a whole request must arrive within; 0: 15 */
};

/* `address` is host:port; port 0 lets the system choose, sw_door_port tells. `fn` is called for each whole request and must
 * answer it, now or later. Refusals of the filter never reach it; `refused` (may be NULL) is called with a reason word. */
int sw_door_create(struct _zloop_t *loop, const char *address, const struct sw_door_limits *limits,
                   sw_door_fn *fn, void (*refused)(void *arg, const char *reason), void *arg,
                   struct sw_door **ret);
void sw_door_destroy(struct sw_door *door);
unsigned sw_door_port(const struct sw_door *door);
/* Answers and forgets `waiting`; takes what `reply` holds. */
void sw_door_answer(struct sw_waiting *waiting, struct sw_reply *reply);
/* `turn` is called when requests were handled. What was answered since is sent by sw_door_flush, at the latest in the loop's
 * next round. */
void sw_door_on_turn(struct sw_door *door, void (*turn)(void *arg), void *arg);
void sw_door_flush(struct sw_door *door);
/* Each answer closes its connection from now on, so that nobody keeps one for the next request. */
void sw_door_leave(struct sw_door *door);
/* No new connections either; those under way are answered (drain). */
void sw_door_quiesce(struct sw_door *door);
/* A request is being read or answered. */
bool sw_door_is_busy(const struct sw_door *door);

struct sw_append {
    const char *actor; /* whose mailbox */
    struct sw_msg *m;  /* taken; its installation chooses the shard */
    char dedupe
        [256]; /* "" none; else a key that is remembered dedupe_ms: a second append is a duplicate */
    int64_t dedupe_ms;
    bool bulk;    /* the bulk lane */
    bool counted; /* counts as owed by the installation, and is shed above the limit */
};

/* What ingress decides about one request. */
struct sw_decision {
    size_t appends;           /* 0: `reply` is the answer now */
    struct sw_append *append; /* made by sw_decision_add; as many as there are installations */
    struct sw_reply reply;    /* all appended, or nothing to; with `wait`: no page came in time */
    struct sw_reply duplicate, shed,
        away;            /* seen before; too much owed; the ledger did not confirm in time */
    bool wait;           /* after the append the answer comes as a page (page.v1) */
    bool partly;         /* set by the door: not all whom `source` concerns are known: `away` */
    char source[128];    /* not "": look its installations up and decide again */
    json_t *record;      /* of `source`, for notifier (takes): by the stream, or its installations
                            are looked up and told; nothing is left to be decided */
    const char *refused; /* a reason word for the metric, or NULL */
};
void sw_decision_finish(struct sw_decision *d);
/* One more append, all zero; valid until the next. */
struct sw_append *sw_decision_add(struct sw_decision *d);

/* A new command id: the time first, so that ids sort; `number` tells ids of one call apart. */
#define SW_COMMAND_CHARS 22
void sw_command_id(const struct sw_ctx *ctx, unsigned number, char ret[SW_COMMAND_CHARS + 1]);

/* An event record is the body of event.v1 (proto/PROTO.md). `dedupe` in it is set by ingress and does not go on: what it is known
 * by wherever it comes from; without it that is "ev:<source>:<event_id>". */
#define SW_EVENT_SOURCE_MAX 80
#define SW_EVENT_BYTES (32 * 1024)
/* What is wrong with a record from outside whose key is `key`: a word, or NULL. */
const char *sw_event_fault(const json_t *record, const char *key, int64_t now_ms);
/* The append that tells one installation; `number` as in sw_command_id. */
void sw_event_append(const struct sw_ctx *ctx, const char *actor, const json_t *record,
                     const char *inst, unsigned number, struct sw_append *ret);
/* One for each of `installations`, ids that are none left out; where there is none it was refused as "unrouted". */
void sw_decision_route(const struct sw_ctx *ctx, const char *actor, bool bulk, const json_t *record,
                       const json_t *installations, struct sw_decision *d);

/* `installations`: NULL at first; the list of ids for `source` at the second call. `wait_id` names this request for
 * web.v1, "" where the process cannot wait. Pure. */
typedef void sw_decide_fn(const struct sw_ctx *ctx, const struct sw_request *request,
                          const char *wait_id, const json_t *installations,
                          struct sw_decision *ret);

#endif
