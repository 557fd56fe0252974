/* notifier_follow.c -- what executor does itself is told by it, and not a second time in the same channel.
 *
 * app/<inst>/<app id>  {op, who, pipeline, at_ms, email, state, version?, told: [version]}: the operation that changed it
 *                      last, and the versions that executor told of
 * sets/<inst>/<app id>  the same of what makes no release: maintenance, whose webhook is of the app
 * op/<inst>/<command>  {who, pipeline, events: [event id]}: whose the command was
 * seen/<inst>/<app id>/<version>  {status}: a state of a release is told once, and a late one not at all
 *
 * A release by the same person soon after is told in that operation's thread; where no route says where to tell any other,
 * it has a conversation of its own in the channel of the operation. */
#include "actors/blocks.h"
#include "actors/notifier_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define APPS_MAX 30 /* two outputs each, and 64 are allowed */
#define APP_MS (30 * 24 * 60 * 60 * 1000LL)
#define RECENT_MS (30 * 60 * 1000LL)
#define TOLD_MAX 8

/* Of this operation and of those before it, the newest last. */
static json_t *told_of(const json_t *was, const json_t *version) {
    json_t *told =
        json_object_get(was, "told") ? json_copy(json_object_get(was, "told")) : json_array();
    if (json_integer_value(version) <= 0) return told;
    json_array_append(told, (json_t *)version);
    if (json_array_size(told) > TOLD_MAX) json_array_remove(told, 0);
    return told;
}

static int promoted_app(const struct sw__notify *n, const json_t *app) {
    const json_t *body = n->in->body, *was, *version = json_object_get(app, "version");
    const char *id = sw_str(app, "id");
    bool sets = json_is_true(json_object_get(body, "sets"));
    int r = sw__kept_get(n, sets ? "sets" : "app", id, &was);
    if (r < 0) return r;
    SW_AUTO(sw_text) char *source = sw_printf("heroku/%s", id);
    sw__kept_put(n, sets ? "sets" : "app", id,
                 json_pack("{s:s, s:O, s:O, s:I, s:s, s:s, s:o, s:O*}", "op", sw_str(body, "op"),
                           "who", json_object_get(body, "who"), "pipeline",
                           json_object_get(body, "pipeline"), "at_ms", (json_int_t)n->ctx->now_ms,
                           "email", sw_str(body, "email"), "state", sw_str(body, "state"), "told",
                           told_of(was, version), "version", version),
                 sets ? SW__WHY_MS : APP_MS);
    if (!sets) sw_source(n->out, source);
    return 0;
}

int sw__promoted_v1(const struct sw__notify *n) {
    const json_t *body = n->in->body, *who = json_object_get(body, "who"), *op;
    const char *id = sw_str(body, "op");
    size_t i;
    json_t *app;
    if (!sw__kept_name(id) || !sw_str(who, "channel")[0] ||
        !json_is_object(json_object_get(body, "pipeline")))
        return -EBADMSG;
    int result = sw__kept_get(n, "op", id, &op);
    json_array_foreach(json_object_get(body, "apps"), i, app) {
        if (i >= APPS_MAX || !sw__kept_name(sw_str(app, "id"))) continue;
        int r = promoted_app(n, app);
        if (r < 0) result = r; /* ask for all of them before waiting */
    }
    if (result == 0 && !op)
        sw__kept_put(n, "op", id,
                     json_pack("{s:O, s:O, s:[]}", "who", who, "pipeline",
                               json_object_get(body, "pipeline"), "events"),
                     SW__WHY_MS);
    return result;
}

/* How far a release is; 0: a state that is not told. */
static int rank_of(const char *status) {
    if (!strcmp(status, "pending")) return 1;
    return !strcmp(status, "succeeded") || !strcmp(status, "failed") ? 2 : 0;
}

static bool is_recent(const json_t *event, const json_t *app) {
    int64_t age_ms = sw_int(event, "at_ms") - sw_int(app, "at_ms");
    return age_ms < RECENT_MS && age_ms > -RECENT_MS;
}

/* By the person who did it, and while that is still what people look at. */
static bool is_same_person(const json_t *event, const json_t *app) {
    const char *email = sw_str(app, "email");
    return email[0] && !strcasecmp(email, sw_str(json_object_get(event, "actor"), "email"));
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

static bool is_at_work(const json_t *app) {
    return !strcmp(sw_str(app, "state"), "started") && sw_int(app, "version") <= 0;
}

/* Executor has told it, or will: while it is at work, and afterwards of the versions that it saw. Heroku does not always
 * say who made a release. */
static bool is_told(const json_t *event, const json_t *app) {
    const json_t *release = json_object_get(event, "release");
    bool nobody = !sw_str(json_object_get(event, "actor"), "email")[0];
    size_t i;
    json_t *version;
    json_array_foreach(json_object_get(app, "told"), i, version) {
        if (json_integer_value(version) == sw_int(release, "version")) return true;
    }
    return is_at_work(app) && is_recent(event, app) && is_made_here(release) &&
           (nobody || is_same_person(event, app));
}

static void tell(const struct sw__notify *n, const json_t *app, const char *op, const char *to,
                 const char *template, int rank) {
    const json_t *event = n->in->body, *release = json_object_get(event, "release");
    json_t *data = json_pack(
        "{s:s, s:O*, s:O*, s:s, s:s, s:O*, s:O*}", "app",
        sw_str(json_object_get(event, "app"), "name"), "pipeline", json_object_get(app, "pipeline"),
        "version", json_object_get(release, "version"), "status", sw_str(release, "status"),
        "email", sw_str(json_object_get(event, "actor"), "email"), "description",
        json_object_get(release, "description"), "at_ms", json_object_get(event, "at_ms"));
    json_t *body = json_pack("{s:O, s:s, s:s, s:s, s:o}", "who", json_object_get(app, "who"), "op",
                             op, "to", to, "template", template, "data", data);
    if (rank > 0) json_object_set_new(body, "rank", json_integer(rank));
    if (rank == 2) json_object_set_new(body, "final", json_true());
    sw_send_bulk(n->out, "responder", SW_KIND_REPLY, body);
}

/* "<app id>/<version>": NULL where it is no release. */
static char *seen_name(const json_t *event) {
    const char *app = sw_str(json_object_get(event, "app"), "id");
    json_int_t version = sw_int(json_object_get(event, "release"), "version");
    if (strcmp(sw_str(event, "type"), "api:release") || version <= 0 || !sw__kept_name(app))
        return NULL;
    return sw_printf("%s/%lld", app, (long long)version);
}

static struct sw__own own_of(const char *op, const json_t *kept, bool once) {
    return (struct sw__own){op, sw_str(json_object_get(kept, "who"), "channel"), once};
}

/* A release of an app that was operated on. */
static int release(const struct sw__notify *n, const json_t *app, bool routed,
                   struct sw__own *ret) {
    const json_t *event = n->in->body, *seen;
    const char *status = sw_str(json_object_get(event, "release"), "status");
    bool told = is_told(event, app);
    bool own = told || (is_same_person(event, app) && is_recent(event, app));
    int rank = rank_of(status);
    SW_AUTO(sw_text) char *name = seen_name(event);
    if (!name) return 0;
    if (own) *ret = own_of(sw_str(app, "op"), app, false);
    if (rank == 0 || (!own && routed)) return 0;
    int r = sw__kept_get(n, "seen", name, &seen);
    if (r < 0 || (seen && rank <= rank_of(sw_str(seen, "status")))) return r;
    sw__kept_put(n, "seen", name, json_pack("{s:s}", "status", status), SW__WHY_MS);
    if (told) return 0;
    if (own) {
        tell(n, app, sw_str(app, "op"), "thread", "release.notice.thread", 0);
        return 0;
    }
    SW_AUTO(sw_text) char *op = sw_printf("release/%s", name);
    tell(n, app, op, "parent", "release.notice", rank);
    /* The first state is the message itself. */
    if (seen) tell(n, app, op, "thread", "release.notice.thread", 0);
    return 0;
}

/* The command that a deployment or a build carries. */
static const char *op_of(const json_t *event) {
    const char *of_deployment = sw_str(json_object_get(event, "deployment"), "op");
    const char *op =
        of_deployment[0] ? of_deployment : sw_str(json_object_get(event, "build"), "op");
    return sw__kept_name(op) ? op : "";
}

/* A command's id is no secret: it stands in each deployment of ours, for all who see the repository. Whoever may make one could
 * hide it behind an operation, so it must have been made by the account of the person whose operation it is. */
static int is_theirs(const struct sw__notify *n, const json_t *op, bool *ret) {
    const json_t *event = n->in->body, *actor = json_object_get(event, "actor");
    json_int_t id = sw_int(sw_data_at(event, "deployment.creator"), "id");
    const char *user = sw_str(json_object_get(op, "who"), "user"), *unused;
    SW_AUTO(sw_json) json_t *people = json_array(), *here = NULL;
    json_t *one;
    if (id > 0)
        json_array_append_new(people, json_pack("{s:s, s:o}", "provider", "github", "id",
                                                json_sprintf("%lld", (long long)id)));
    for (size_t i = 0; id <= 0 && i < 2; i++) {
        const char *name = sw_str(actor, i ? "email" : "id");
        if (name[0])
            json_array_append_new(people,
                                  json_pack("{s:s, s:s}", "provider", "heroku", "id", name));
    }
    int r = sw__people_here(n, people, &here);
    *ret = json_array_size(people) == 0;
    json_object_foreach(here, unused, one) {
        *ret = *ret || !strcmp(json_string_value(one), user);
    }
    return r;
}

static bool is_dyno(const json_t *event) {
    const char *type = sw_str(event, "type");
    return (!strcmp(type, "dyno") || !strcmp(type, "api:dyno")) &&
           strcmp(sw_str(json_object_get(event, "dyno"), "state"), "crashed") != 0;
}

static bool is_setting(const json_t *event) {
    return !strcmp(sw_str(event, "type"), "api:app") &&
           json_object_get(json_object_get(event, "previous"), "maintenance");
}

int sw__follow(const struct sw__notify *n, bool routed, struct sw__own *ret) {
    const json_t *event = n->in->body, *op = NULL, *app = NULL;
    const char *id = sw_str(json_object_get(event, "app"), "id"), *name = op_of(event);
    const char *kind = is_setting(event) ? "sets" : "app";
    int r = name[0] ? sw__kept_get(n, "op", name, &op) : 0;
    int second = sw__kept_name(id) ? sw__kept_get(n, kind, id, &app) : 0;
    bool theirs = false;
    *ret = (struct sw__own){.op = NULL};
    if (r == 0 && op) r = is_theirs(n, op, &theirs);
    if (r < 0 || second < 0) return r < 0 ? r : second;
    if (!theirs) op = NULL;
    if (op) *ret = own_of(name, op, false);
    if (op || !app) return 0;
    if (!strcmp(sw_str(event, "type"), "api:release")) return release(n, app, routed, ret);
    /* Dynos that begin anew while executor waits for them; what it changed of the app. */
    bool own = is_setting(event) ? is_same_person(event, app) : is_dyno(event) && is_at_work(app);
    if (own && is_recent(event, app)) *ret = own_of(sw_str(app, "op"), app, is_setting(event));
    return 0;
}

void sw__follow_want(const struct sw__notify *n) {
    const json_t *unused, *event = n->in->body;
    const char *app = sw_str(json_object_get(event, "app"), "id"), *op = op_of(event);
    SW_AUTO(sw_text) char *seen = seen_name(event);
    /* Only read ahead: the handler asks again. */
    if (sw__kept_name(app)) (void)sw__kept_get(n, is_setting(event) ? "sets" : "app", app, &unused);
    if (seen) (void)sw__kept_get(n, "seen", seen, &unused);
    if (op[0]) (void)sw__kept_get(n, "op", op, &unused);
}
