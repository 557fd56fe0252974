/* notifier.c -- turns what Heroku tells about releases into notices where people look.
 *
 * app/<app id> {op, who, pipeline, at_ms, email, state, version?}: where the app was promoted last;
 * executor says so, and it is the route of the app's releases until routes can be set. A release by
 * the same person soon after is told in that promotion's thread, any other in a conversation of its
 * own. The release that executor itself makes and follows is told by executor, and only by it.
 * seen/<app id>/<version> {status}: a state is told once, and a late one not at all. */
#include "actors/actors.h"
#include "common/mem.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define APPS_MAX 30 /* two outputs each, and 64 are allowed */
#define ROUTE_MS (30 * 24 * 60 * 60 * 1000LL)
#define SEEN_MS (4 * 24 * 60 * 60 * 1000LL) /* as long as a webhook's id is remembered */
#define RECENT_MS (30 * 60 * 1000LL)
#define ID_MAX 64

static bool is_id(const char *id) {
    size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return n > 0 && n <= ID_MAX && !id[n];
}

static int on_promoted(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *who = json_object_get(in->body, "who");
    const json_t *pipeline = json_object_get(in->body, "pipeline");
    size_t i;
    json_t *app;
    if (!sw_str(in->body, "op")[0] || !sw_str(who, "channel")[0] || !json_is_object(pipeline))
        return -EBADMSG;
    json_array_foreach(json_object_get(in->body, "apps"), i, app) {
        const char *id = sw_str(app, "id");
        if (i == APPS_MAX) break;
        if (!is_id(id)) continue;
        SW_AUTO(sw_text) char *key = sw_printf("app/%s", id);
        SW_AUTO(sw_text) char *source = sw_printf("heroku/%s", id);
        sw_store(out, key,
                 json_pack("{s:s, s:O, s:O, s:I, s:s, s:s, s:O*}", "op", sw_str(in->body, "op"),
                           "who", who, "pipeline", pipeline, "at_ms", (json_int_t)ctx->now_ms,
                           "email", sw_str(in->body, "email"), "state", sw_str(in->body, "state"),
                           "version", json_object_get(app, "version")),
                 ROUTE_MS);
        sw_source(out, source);
    }
    return 0;
}

/* How far a release is; 0: a state that is not told. */
static int rank_of(const char *status) {
    if (!strcmp(status, "pending")) return 1;
    return !strcmp(status, "succeeded") || !strcmp(status, "failed") ? 2 : 0;
}

/* By the person who promoted, and while that is still what people look at. */
static bool is_of_promotion(const struct sw_msg *in, const json_t *app) {
    const char *email = sw_str(app, "email");
    int64_t age_ms = sw_int(in->body, "at_ms") - sw_int(app, "at_ms");
    return email[0] && age_ms < RECENT_MS && age_ms > -RECENT_MS &&
           !strcasecmp(email, sw_str(json_object_get(in->body, "actor"), "email"));
}

/* What executor makes is described like this by Heroku; all else that happens meanwhile is news. */
static bool is_made_here(const json_t *release) {
    static const char *const begins[] = {"Promote ", "Deploy ", "Rollback "};
    const char *description = sw_str(release, "description");
    for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
        if (!strncmp(description, begins[i], strlen(begins[i]))) return true;
    }
    return false;
}

/* Executor has told it, or will: while it is at work, and afterwards of the version that it saw. */
static bool is_followed(const json_t *release, const json_t *app) {
    json_int_t version = sw_int(app, "version");
    if (version > 0) return sw_int(release, "version") == version;
    return !strcmp(sw_str(app, "state"), "started") && is_made_here(release);
}

static json_t *data_of(const struct sw_msg *in, const json_t *app) {
    const json_t *release = json_object_get(in->body, "release");
    return json_pack("{s:s, s:O*, s:O*, s:s, s:s, s:O*, s:O*}", "app",
                     sw_str(json_object_get(in->body, "app"), "name"), "pipeline",
                     json_object_get(app, "pipeline"), "version",
                     json_object_get(release, "version"), "status", sw_str(release, "status"),
                     "email", sw_str(json_object_get(in->body, "actor"), "email"), "description",
                     json_object_get(release, "description"), "at_ms",
                     json_object_get(in->body, "at_ms"));
}

static void tell(struct sw_out *out, const json_t *app, const char *op, const char *to,
                 const char *template, json_t *data, int rank) {
    json_t *body = json_pack("{s:O, s:s, s:s, s:s, s:o}", "who", json_object_get(app, "who"), "op",
                             op, "to", to, "template", template, "data", data);
    if (rank > 0) json_object_set_new(body, "rank", json_integer(rank));
    if (rank == 2) json_object_set_new(body, "final", json_true());
    sw_send_bulk(out, "responder", SW_KIND_REPLY, body);
}

static int on_release(const struct sw_msg *in, struct sw_out *out, const json_t *app,
                      const char *id) {
    const json_t *release = json_object_get(in->body, "release"), *seen;
    const char *status = sw_str(release, "status");
    json_int_t version = sw_int(release, "version");
    int rank = rank_of(status);
    if (version <= 0 || rank == 0) return 0;
    SW_AUTO(sw_text) char *key = sw_printf("seen/%s/%lld", id, (long long)version);
    int r = sw_fact(out, key, &seen);
    if (r < 0) return r;
    if (seen && rank <= rank_of(sw_str(seen, "status"))) return 0;
    sw_store(out, key, json_pack("{s:s}", "status", status), SEEN_MS);
    if (is_of_promotion(in, app)) {
        if (is_followed(release, app)) return 0;
        tell(out, app, sw_str(app, "op"), "thread", "release.notice.thread", data_of(in, app), 0);
        return 0;
    }
    SW_AUTO(sw_text) char *op = sw_printf("release/%s/%lld", id, (long long)version);
    tell(out, app, op, "parent", "release.notice", data_of(in, app), rank);
    /* The first state is the message itself. */
    if (seen) tell(out, app, op, "thread", "release.notice.thread", data_of(in, app), 0);
    return 0;
}

static int on_event(const struct sw_msg *in, struct sw_out *out) {
    const char *id = sw_str(json_object_get(in->body, "app"), "id");
    const json_t *app;
    if (strcmp(sw_str(in->body, "type"), "api:release") != 0) return 0;
    if (!is_id(id)) return -EBADMSG;
    SW_AUTO(sw_text) char *key = sw_printf("app/%s", id);
    int r = sw_fact(out, key, &app);
    if (r < 0) return r;
    return app ? on_release(in, out, app, id) : 0; /* promoted nowhere: nobody asked for it */
}

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    if (!strcmp(in->kind, SW_KIND_PROMOTED)) return on_promoted(ctx, in, out);
    return on_event(in, out);
}

static void want(const struct sw_msg *in, struct sw_out *out) {
    const char *id = sw_str(json_object_get(in->body, "app"), "id");
    json_int_t version = sw_int(json_object_get(in->body, "release"), "version");
    const json_t *unused;
    if (strcmp(in->kind, SW_KIND_EVENT) != 0 || !is_id(id)) return;
    SW_AUTO(sw_text) char *app = sw_printf("app/%s", id);
    SW_AUTO(sw_text) char *seen = sw_printf("seen/%s/%lld", id, (long long)version);
    /* Only read ahead: the handler asks again. */
    (void)sw_fact(out, app, &unused);
    (void)sw_fact(out, seen, &unused);
}

static const char *const kinds[] = {SW_KIND_PROMOTED, SW_KIND_EVENT, SW_KIND_PERSON, SW_KIND_ROUTE,
                                    NULL};

const struct sw_actor sw_actor_notifier = {
    .name = "notifier", .kinds = kinds, .want = want, .handle = handle};
