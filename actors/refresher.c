/* refresher.c -- the only one that takes new tokens from the providers: when they are due, or when
 * auth asks.
 *
 * An account has a timer, also one that does not run out (auth then sees to what it keeps), and while
 * a call for it is under way (or went wrong) a note under the same name: {link, version, flight,
 * busy_ms, failures, unsure (a call may have spent the token)}. A second request for the same version
 * joins the call that is under way, so that a refresh token that works once is not used twice; for a
 * day {link, version, done} tells that it was exchanged, since a request in the bulk lane may come by
 * long after one in the urgent lane was done. */
#include "actors/actors.h"
#include "actors/form.h"
#include "actors/providers.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <string.h>

#define TOKEN_MAX 4096
#define MARGIN_MS (10 * 60 * 1000)
#define DELAY_MIN_MS 1000
#define BACKOFF_MS (60 * 1000)
#define BACKOFF_MAX_MS (30 * 60 * 1000)
#define BUSY_MAX_MS (30 * 60 * 1000) /* an answer that did not come by then is not waited for */
#define DONE_MS (24 * 3600 * 1000LL)

static char *token_name(const struct sw_msg *in) {
    return sw_printf("tok/%s/%s/%s", in->inst, sw_str(in->body, "user"),
                     sw_str(in->body, "provider"));
}

static int64_t between(const struct sw_ctx *ctx, int64_t least_ms, int64_t most_ms) {
    uint32_t random;
    sw_derive(ctx->seed, "jitter", &random, sizeof(random));
    int64_t delay_ms =
        least_ms + (int64_t)((double)(most_ms - least_ms) * random / (double)UINT32_MAX);
    return delay_ms < DELAY_MIN_MS ? DELAY_MIN_MS : delay_ms;
}

/* A round, 10 % more or less, so that tokens do not fall due all at once. */
static int64_t a_round(const struct sw_ctx *ctx) {
    const int64_t round_ms = ctx->conf->refresh_ms;
    return between(ctx, round_ms - round_ms / 10, round_ms + round_ms / 10);
}

/* expires_ms 0: it does not run out. The first time is anywhere in the second half of a round: whole companies link within
 * one minute. */
static int64_t until_due(const struct sw_ctx *ctx, int64_t expires_ms, bool first) {
    const int64_t round_ms = ctx->conf->refresh_ms, left = expires_ms - ctx->now_ms;
    if (!expires_ms) return first ? between(ctx, round_ms / 2, round_ms) : a_round(ctx);
    /* A token that lives shorter than twice the margin is taken anew at half of its life. */
    const int64_t latest = left > 2 * MARGIN_MS ? left - MARGIN_MS : left / 2;
    const int64_t window = round_ms < latest ? round_ms : latest;
    int64_t least = first ? window / 2 : window - window / 10;
    int64_t most = first ? window : window + window / 10;
    if (most > latest) { /* the whole spread is moved: its end alone would be one moment for many */
        least -= most - latest;
        most = latest;
    }
    return between(ctx, least, most);
}

static void arm(const struct sw_msg *in, struct sw_out *out, int64_t delay_ms) {
    SW_AUTO(sw_text) char *name = token_name(in);
    json_t *body = json_pack("{s:s, s:s, s:I}", "user", sw_str(in->body, "user"), "provider",
                             sw_str(in->body, "provider"), "version", sw_int(in->body, "version"));
    struct sw_msg *m = sw_after(out, name, delay_ms, SW_KIND_REFRESHER_TIMER, body);
    json_object_clear(m->boxes);
}

static int on_account(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *name = token_name(in);
    if (json_is_true(json_object_get(in->body, "gone"))) {
        sw_cancel(out, name);
        sw_forget(out, name);
        return 0;
    }
    arm(in, out,
        until_due(ctx, sw_int(in->body, "expires_ms"),
                  json_is_true(json_object_get(in->body, "first"))));
    return 0;
}

/* A round is a story of its own: it gets a command id of its own, else the id and the age of the
 * sign-in would stay with it for years. */
static int on_timer(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    char id[17];
    uint8_t random[8];
    sw_derive(ctx->seed, "cmd", random, sizeof(random));
    sw_hex(random, sizeof(random), id);
    SW_AUTO(sw_text) char *cmd = sw_printf("%013lld-%s", (long long)ctx->now_ms, id);
    struct sw_msg *due = sw_msg_create(SW_KIND_DUE, cmd, in->inst, ctx->now_ms);
    json_object_update(due->body, in->body);
    sw_resume(out, "auth", due);
    /* What auth learns arms it anew; this is for an answer that never comes. */
    arm(in, out, a_round(ctx));
    return 0;
}

static void call(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out, int tries) {
    json_t *form = json_pack("{s:s, s:{s:s, s:s}}", "grant_type", "refresh_token", "refresh_token",
                             "$box", sw_msg_box(in, "refresh_token"), "field", "refresh_token");
    json_t *request =
        sw_provider_token_request(sw_provider(sw_str(in->body, "provider")), ctx->conf, form);
    json_t *body = json_pack("{s:s, s:s, s:s, s:I, s:s, s:i}", "user", sw_str(in->body, "user"),
                             "provider", sw_str(in->body, "provider"), "link",
                             sw_str(in->body, "link"), "version", sw_int(in->body, "version"),
                             "flight", sw_str(in->body, "flight"), "tries", tries);
    struct sw_msg *m = sw_http(out, request, SW_KIND_REFRESHER_HTTP, body);
    sw_msg_set_box(m, "answer", NULL);
}

static bool concerns(const json_t *note, const struct sw_msg *in) {
    return note && !strcmp(sw_str(note, "link"), sw_str(in->body, "link")) &&
           sw_int(note, "version") == sw_int(in->body, "version");
}

/* busy_ms: when the call began, 0 where none is under way. */
static void note_down(struct sw_out *out, const char *name, const struct sw_msg *in,
                      const char *flight, int64_t busy_ms, json_int_t failures, bool spent) {
    sw_store(out, name,
             json_pack("{s:s, s:I, s:s, s:I, s:I, s:b}", "link", sw_str(in->body, "link"),
                       "version", sw_int(in->body, "version"), "flight", flight, "busy_ms",
                       (json_int_t)busy_ms, "failures", failures, "unsure", spent),
             0);
}

static bool is_unsure(const json_t *note) {
    return json_is_true(json_object_get(note, "unsure"));
}

/* Tells auth; the flight is the newest one that asked for this version. */
static struct sw_msg *say(const struct sw_msg *in, struct sw_out *out, const char *flight,
                          const char *outcome) {
    struct sw_msg *m = sw_send(
        out, "auth", SW_KIND_REFRESHED,
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "user", sw_str(in->body, "user"), "provider",
                  sw_str(in->body, "provider"), "link", sw_str(in->body, "link"), "version",
                  sw_int(in->body, "version"), "flight", flight, "outcome", outcome));
    json_object_clear(m->boxes);
    return m;
}

static struct sw_msg *tell(const struct sw_msg *in, struct sw_out *out, const char *flight,
                           const char *outcome) {
    sw_tally(out, SW_M_TOKEN_REFRESHES, 1, sw_str(in->body, "provider"), outcome);
    return say(in, out, flight, outcome);
}

/* It was exchanged for another token already, which may be at work itself. */
static bool is_past(const json_t *note, const struct sw_msg *in) {
    const json_int_t version = sw_int(in->body, "version"), noted = sw_int(note, "version");
    return note && !strcmp(sw_str(note, "link"), sw_str(in->body, "link")) &&
           (version < noted || (version == noted && json_is_true(json_object_get(note, "done"))));
}

static int on_refresh(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *name = token_name(in);
    SW_AUTO(sw_json) json_t *pair = NULL;
    const json_t *note;
    int r = sw_fact(out, name, &note);
    if (r < 0) return r;
    if (is_past(note, in)) { /* auth has the other one, or will never have it */
        say(in, out, sw_str(in->body, "flight"), "lost");
        return 0;
    }
    r = sw_open(ctx, in, "refresh_token", &pair);
    if (r < 0) return r;
    if (!sw_str(pair, "refresh_token")[0]) return -EBADMSG;
    bool same = note && !strcmp(sw_str(note, "link"), sw_str(in->body, "link"));
    int64_t busy_ms = concerns(note, in) ? sw_int(note, "busy_ms") : 0;
    bool busy = busy_ms > ctx->now_ms - BUSY_MAX_MS && busy_ms < ctx->now_ms + BUSY_MAX_MS;
    bool spent = concerns(note, in) && (is_unsure(note) || (busy_ms && !busy));
    note_down(out, name, in, sw_str(in->body, "flight"), busy ? busy_ms : ctx->now_ms,
              same ? sw_int(note, "failures") : 0, spent);
    if (busy) return 0;
    call(ctx, in, out, 1);
    return 0;
}

/* The pair, or NULL where the answer is not one. */
static json_t *pair_of(const json_t *answer) {
    const char *access = sw_str(answer, "access_token");
    const char *refresh = sw_str(answer, "refresh_token");
    if (!access[0] || strlen(access) > TOKEN_MAX || strlen(refresh) > TOKEN_MAX) return NULL;
    json_t *pair = json_pack("{s:s}", "access_token", access);
    if (refresh[0]) json_object_set_new(pair, "refresh_token", json_string(refresh));
    return pair;
}

/* Whether the provider may have done it all the same: then a refresh token that works once is spent. */
static bool unsure(const json_t *http, const json_t *answer) {
    static const char *const unknown[] = {"unsure", "timeout", "bad_json", "too_big", NULL};
    const char *error = sw_str(http, "error");
    const json_int_t status = sw_int(http, "status");
    if (error[0]) return sw_is_among(error, unknown);
    return status >= 500 || (status >= 200 && status < 300 && !sw_str(answer, "error")[0]);
}

/* The call went wrong for now: it is due again soon, and later each time. */
static void fail(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out,
                 const json_t *note, bool spent) {
    SW_AUTO(sw_text) char *name = token_name(in);
    const char *flight = sw_str(note, "flight");
    json_int_t failures = sw_int(note, "failures");
    int64_t delay = BACKOFF_MS << (failures < 5 ? failures : 5);
    if (delay > BACKOFF_MAX_MS) delay = BACKOFF_MAX_MS;
    if (delay > ctx->conf->refresh_ms) delay = ctx->conf->refresh_ms;
    tell(in, out, flight, "failed");
    note_down(out, name, in, flight, 0, failures + 1, spent);
    /* Anywhere before that: those that failed together must not come back together. */
    arm(in, out, between(ctx, 0, delay));
}

static int on_http(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *name = token_name(in);
    SW_AUTO(sw_json) json_t *answer = NULL, *pair = NULL;
    const json_t *http = json_object_get(in->body, "http");
    const char *error = sw_str(http, "error");
    const json_int_t status = sw_int(http, "status");
    const json_t *note;
    int r = sw_fact(out, name, &note);
    if (r < 0) return r;
    r = sw_open(ctx, in, "answer", &answer);
    if (r < 0 && r != -ENOENT) return r;
    if (!concerns(note, in) || is_past(note, in))
        note = NULL; /* unlinked, linked anew, or answered before: auth only hears of it */
    const char *flight = note ? sw_str(note, "flight") : sw_str(in->body, "flight");
    const bool spent = is_unsure(note) || sw_int(in->body, "tries") > 1;
    if (!error[0] && status >= 200 && status < 300) pair = pair_of(answer);
    if (pair) {
        struct sw_msg *m = tell(in, out, flight, "ok");
        if (sw_int(answer, "expires_in") > 0)
            json_object_set_new(m->body, "expires_in", json_integer(sw_int(answer, "expires_in")));
        sw_box(ctx, m, "auth", "pair", sw_take(&pair));
        if (note)
            sw_store(out, name,
                     json_pack("{s:s, s:I, s:b}", "link", sw_str(in->body, "link"), "version",
                               sw_int(in->body, "version"), "done", 1),
                     DONE_MS);
    } else if (note && sw_provider_once_more(http, sw_int(in->body, "tries")) &&
               !sw_int(note, "failures")) {
        /* Who waits is helped by that at once; a provider that has been away for longer is not. */
        call(ctx, in, out, (int)sw_int(in->body, "tries") + 1);
    } else if (sw_provider_refused(sw_provider(sw_str(in->body, "provider")), http, answer)) {
        tell(in, out, flight, spent ? "lost" : "refused");
        if (note) sw_forget(out, name);
    } else if (note) {
        fail(ctx, in, out, note, spent || unsure(http, answer));
    } else {
        tell(in, out, flight, "failed");
    }
    return 0;
}

static const struct {
    const char *kind;
    sw_handle_fn *handle;
} handlers[] = {
    {SW_KIND_ACCOUNT, on_account},
    {SW_KIND_REFRESH, on_refresh},
    {SW_KIND_REFRESHER_HTTP, on_http},
    {SW_KIND_REFRESHER_TIMER, on_timer},
};

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    if (!sw_str(in->body, "user")[0] || !sw_str(in->body, "provider")[0] ||
        !sw_provider(sw_str(in->body, "provider")))
        return -EINVAL;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (!strcmp(handlers[i].kind, in->kind)) return handlers[i].handle(ctx, in, out);
    }
    return -ENOTSUP;
}

static void want(const struct sw_msg *in, struct sw_out *out) {
    SW_AUTO(sw_text) char *name = token_name(in);
    const json_t *note;
    if (!strcmp(in->kind, SW_KIND_REFRESH) || !strcmp(in->kind, SW_KIND_REFRESHER_HTTP))
        (void)sw_fact(out, name, &note); /* only named here; handle asks again */
}

static const char *const kinds[] = {SW_KIND_ACCOUNT, SW_KIND_REFRESH, SW_KIND_REFRESHER_HTTP,
                                    SW_KIND_REFRESHER_TIMER, NULL};

const struct sw_actor sw_actor_refresher = {
    .name = "refresher", .kinds = kinds, .want = want, .handle = handle};
