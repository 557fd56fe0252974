/* notifier_route.c -- routes are made, taken over and kept in line with their pipeline; see notifier_priv.h. */
#include "actors/form.h"
#include "actors/notifier_priv.h"
#include "common/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID_TRIES 6

static void copy(json_t *to, const json_t *from, const char *const *keys) {
    for (; *keys; keys++) {
        json_t *value = json_object_get(from, *keys);
        if (value && !json_is_null(value))
            json_object_set(to, *keys, value);
        else
            json_object_del(to, *keys);
    }
}

/* A short id that no other route has. Of the command and not of the seed: the call is repeated until all facts are
 * loaded, and must then ask for the same ones. */
static int new_id(const struct sw__notify *n, char *ret, size_t room) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t hash[32];
    sw_sha256(n->in->cmd, strlen(n->in->cmd), hash);
    for (size_t i = 0; i < ID_TRIES; i++) {
        const json_t *taken;
        size_t size = 3 + i / 2, at = 0;
        ret[at++] = 'r';
        for (size_t k = 0; k < size && at + 1 < room; k++)
            ret[at++] = digits[hash[(5 * i + k) % sizeof(hash)] & 31];
        ret[at] = '\0';
        int r = sw__kept_get(n, "route", ret, &taken);
        if (r < 0 || !taken) return r;
    }
    return -EEXIST;
}

/* Whose rights it is reported by: the first one's, until they are lost. */
static bool takes_over(const json_t *pipe) {
    size_t i;
    json_t *route;
    if (!json_object_get(pipe, "owner")) return true;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        if (sw__paused_by_owner(route)) return true;
    }
    return false;
}

static bool is_owner(const struct sw__notify *n, const json_t *pipe) {
    return !strcmp(sw_str(json_object_get(pipe, "owner"), "user"),
                   sw_str(json_object_get(n->in->body, "owner"), "user"));
}

/* What the rights of its owner had stopped goes on; how many. */
static size_t go_on(json_t *pipe) {
    size_t i, count = 0;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        if (!sw__paused_by_owner(route)) continue;
        json_object_del(route, "paused");
        count++;
    }
    return count;
}

static void set_owner(const struct sw__notify *n, json_t *pipe, const char *id) {
    static const char *const keys[] = {"user", "team", "channel", "enterprise", "email", NULL};
    const json_t *by = json_object_get(n->in->body, "owner");
    const char *before = sw_str(json_object_get(pipe, "owner"), "user");
    if (before[0] && strcmp(before, sw_str(by, "user")) != 0)
        sw__list_put(n, "owner", before, id, false);
    json_t *owner = json_object();
    copy(owner, by, keys);
    json_object_set_new(pipe, "owner", owner);
    sw__list_put(n, "owner", sw_str(by, "user"), id, true);
}

/* Where nobody could be asked, what was known stays. */
static void set_hooks(json_t *pipe, const json_t *hooks) {
    static const char *const ups[] = {"heroku", "github"};
    const json_t *before = json_object_get(pipe, "hooks");
    json_t *next = json_object();
    for (size_t i = 0; i < 2; i++) {
        const char *is = sw_str(hooks, ups[i]), *old = sw_str(before, ups[i]);
        if (!strcmp(is, "away") && old[0]) is = old;
        if (is[0]) json_object_set_new(next, ups[i], json_string(is));
    }
    json_object_set_new(pipe, "hooks", next);
}

/* Who is not the owner may see fewer of the apps: that takes none away. */
static void set_apps(json_t *pipe, json_t *apps, bool owner) {
    json_t *all = json_copy(apps), *known, *one;
    size_t i, k;
    json_array_foreach(owner ? NULL : json_object_get(pipe, "apps"), i, known) {
        bool there = json_array_size(all) >= SW__APPS_KEPT;
        json_array_foreach(apps, k, one) {
            there = there || !strcmp(sw_str(one, "id"), sw_str(known, "id"));
        }
        if (!there) json_array_append(all, known);
    }
    json_object_set_new(pipe, "apps", all);
}

/* What is so now, as who asked sees it: `owner`, the one by whose rights it is reported. Another one may see less, and
 * GitHub may not have been asked: that takes nothing away. What the index has to be brought in line with goes to `sources`. */
static void set_pipeline(const struct sw__notify *n, const json_t *was, json_t *pipe, bool owner,
                         json_t *sources) {
    const json_t *body = n->in->body, *hooks = json_object_get(body, "hooks");
    json_t *repo = json_object_get(body, "repo"), *source;
    size_t i;
    json_object_set(pipe, "pipeline", json_object_get(body, "pipeline"));
    if (json_object_get(body, "apps")) set_apps(pipe, json_object_get(body, "apps"), owner);
    if (repo)
        json_object_set(pipe, "repo", repo);
    else if (owner && strcmp(sw_str(hooks, "github"), "away") != 0)
        json_object_del(pipe, "repo");
    if (hooks && owner) set_hooks(pipe, hooks);
    SW_AUTO(sw_json) json_t *before = sw__sources_of(was), *after = sw__sources_of(pipe);
    json_array_extend(sources, after);
    json_array_foreach(before, i, source) {
        if (!sw_list_has(after, json_string_value(source))) json_array_append(sources, source);
    }
}

/* Who does not see the repository does not let a channel see it, either; nor who sees none where others see one. */
static void set_sight(const struct sw__notify *n, const json_t *pipe, json_t *route) {
    const json_t *body = n->in->body;
    bool none = !strcmp(sw_str(json_object_get(body, "hooks"), "github"), "none") &&
                !json_object_get(pipe, "repo");
    json_object_set_new(route, "by", json_string(sw_str(json_object_get(body, "owner"), "user")));
    if (json_object_get(body, "repo") || none)
        json_object_del(route, "blind");
    else
        json_object_set_new(route, "blind", json_true());
}

/* All that add and resume may change is loaded first. */
static int load(const struct sw__notify *n, const char *id, const char *channel,
                const json_t **ret_pipe) {
    const json_t *unused, *pipe = NULL;
    int r = sw__kept_get(n, "pipe", id, &pipe);
    const char *const wanted[][2] = {
        {"all", ""},
        {"chan", channel},
        {"owner", sw_str(json_object_get(n->in->body, "owner"), "user")},
        {"owner", sw_str(json_object_get(pipe, "owner"), "user")}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        if (i > 0 && !wanted[i][1][0]) continue;
        int w = sw__kept_get(n, wanted[i][0], wanted[i][1], &unused);
        if (w < 0) r = w;
    }
    *ret_pipe = pipe;
    return r;
}

static void answer(const struct sw__notify *n, const char *template, const json_t *pipe,
                   const json_t *route, bool changed, size_t resumed) {
    json_t *data = sw__routed_shown(pipe, route);
    json_t *hooks = json_object_get(n->in->body, "hooks"), *repo = json_object_get(pipe, "repo");
    if (hooks) json_object_set(data, "hooks", hooks);
    if (repo) json_object_set_new(data, "repo", json_string(sw_str(repo, "name")));
    if (changed) json_object_set_new(data, "changed", json_true());
    json_t *left_out = json_object_get(n->in->body, "left_out");
    if (left_out) json_object_set(data, "left_out", left_out);
    if (resumed > 0) json_object_set_new(data, "resumed", json_integer((json_int_t)resumed));
    json_object_set_new(data, "buttons",
                        json_pack("[{s:s, s:o}]", "label", "Test it", "line",
                                  json_sprintf("route test %s", sw_str(route, "id"))));
    sw__tell_answer(n, template, data);
}

static void too_many(const struct sw__notify *n, const char *what, int max) {
    sw__tell_answer(n, "route.too_many", json_pack("{s:s, s:i}", "what", what, "max", max));
}

/* The pipeline's route to this channel, new where there was none: NULL, there is no room. */
static json_t *route_to(const struct sw__notify *n, json_t *pipe, const char *id) {
    static const char *const keys[] = {"channel", "channel_name", "private", "only",
                                       "stages",  "states",       "branch",  NULL};
    const json_t *said = json_object_get(n->in->body, "route");
    const json_t *owner = json_object_get(n->in->body, "owner");
    json_t *routes = json_object_get(pipe, "routes");
    json_t *route = sw__routed_find(pipe, "channel", sw_str(said, "channel"));
    if (!route) {
        if (json_array_size(routes) >= SW__ROUTES_MAX) return NULL;
        route = json_pack("{s:s, s:s, s:I}", "id", id, "team", sw_str(owner, "team"), "since_ms",
                          (json_int_t)n->ctx->now_ms);
        json_array_append_new(routes, route);
    }
    copy(route, said, keys);
    set_sight(n, pipe, route);
    json_object_del(route, "paused"); /* executor has just looked at the channel */
    return route;
}

/* Who was told that it stopped hears that it goes on. */
static void tell_resumed(const struct sw__notify *n, const json_t *was, const json_t *pipe,
                         const char *by) {
    const char *before = sw_str(json_object_get(was, "owner"), "user");
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        const json_t *old = json_array_get(json_object_get(was, "routes"), i);
        if (!json_object_get(old, "paused") || json_object_get(route, "paused")) continue;
        json_t *data = sw__routed_shown(pipe, route);
        json_object_set_new(data, "by", json_string(by));
        sw__tell_channel(n, pipe, route, "route.resumed.channel", data);
    }
    if (before[0] && strcmp(before, sw_str(json_object_get(pipe, "owner"), "user")) != 0)
        sw__tell_owner(n, json_object_get(was, "owner"), "route.taken",
                       json_pack("{s:s, s:s}", "pipeline", sw__pipeline_name(pipe), "by", by));
}

static int add(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body);
    const json_t *said = json_object_get(n->in->body, "route"), *was, *all;
    const char *channel = sw_str(said, "channel");
    char fresh[16];
    if (!id[0] || !sw_is_slack_id(channel, strlen(channel)) ||
        !sw_str(json_object_get(n->in->body, "owner"), "user")[0])
        return -EBADMSG;
    int r = load(n, id, channel, &was);
    if (r == 0) r = new_id(n, fresh, sizeof(fresh));
    if (r == 0) r = sw__kept_get(n, "all", "", &all);
    if (r < 0) return r;
    if (!was && json_array_size(all) >= SW__PIPELINES_MAX) {
        too_many(n, "pipelines", SW__PIPELINES_MAX);
        return 0;
    }
    bool changed = sw__routed_find(was, "channel", channel) != NULL;
    SW_AUTO(sw_json)
    json_t *pipe =
        was ? json_deep_copy(was)
            : json_pack("{s:[], s:I}", "routes", "missed_ms", (json_int_t)n->ctx->now_ms);
    SW_AUTO(sw_json) json_t *sources = json_array();
    const json_t *route = route_to(n, pipe, fresh);
    if (!route) {
        too_many(n, "routes", SW__ROUTES_MAX);
        return 0;
    }
    bool over = takes_over(was) || is_owner(n, was); /* what is typed again is paused no more */
    size_t resumed = over ? go_on(pipe) : 0;
    if (over) set_owner(n, pipe, id);
    set_pipeline(n, was, pipe, over, sources);
    json_object_set_new(pipe, "checked_ms", json_integer(n->ctx->now_ms));
    sw__kept_put(n, "pipe", id, json_incref(pipe), 0);
    sw__kept_put(n, "route", sw_str(route, "id"), json_string(id), 0);
    sw__list_put(n, "chan", channel, id, true);
    sw__list_put(n, "all", "", id, true);
    sw__clock_arm(n, id);
    sw__routed_audit(n, pipe, route, "route");
    if (over && was) tell_resumed(n, was, pipe, sw_str(json_object_get(pipe, "owner"), "user"));
    answer(n, "route.added", pipe, route, changed, resumed);
    sw__sources_ask(n, id, sources);
    return 0;
}

static void none_such(const struct sw__notify *n) {
    sw__tell_answer(n, "route.none", json_pack("{s:s}", "id", sw_str(n->in->body, "id")));
}

static int resume(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body);
    const char *by = sw_str(json_object_get(n->in->body, "owner"), "user");
    const json_t *was;
    if (!id[0] || !by[0]) return -EBADMSG;
    int r = load(n, id, "", &was);
    if (r < 0) return r;
    SW_AUTO(sw_json) json_t *pipe = json_deep_copy(was), *sources = json_array();
    json_t *route = sw__routed_find(pipe, "id", sw_str(n->in->body, "id"));
    if (!route) {
        none_such(n);
        return 0;
    }
    bool paused = json_object_get(route, "paused") != NULL;
    json_object_del(route, "paused");
    go_on(pipe);
    set_owner(n, pipe, id);
    if (paused) sw__clock_ask(n, pipe, sw_str(route, "channel"));
    set_sight(n, pipe, route);
    set_pipeline(n, was, pipe, true, sources);
    json_object_set_new(pipe, "checked_ms", json_integer(n->ctx->now_ms));
    sw__kept_put(n, "pipe", id, json_incref(pipe), 0);
    sw__clock_arm(n, id);
    sw__routed_audit(n, pipe, route, "route resume");
    tell_resumed(n, was, pipe, by);
    answer(n, "route.resumed", pipe, route, !paused, 0);
    sw__sources_ask(n, id, sources);
    return 0;
}

/* Webhooks that came until now and will not come any more. */
static bool is_worse(const json_t *was, const json_t *pipe) {
    static const char *const ups[] = {"heroku", "github"};
    const json_t *before = json_object_get(was, "hooks"), *now = json_object_get(pipe, "hooks");
    for (size_t i = 0; i < 2; i++) {
        const char *is = sw_str(now, ups[i]), *old = sw_str(before, ups[i]);
        if (is[0] && strcmp(is, old) && strcmp(is, "ok") && strcmp(is, "app") &&
            (!strcmp(old, "ok") || !strcmp(old, "app")))
            return true;
    }
    return false;
}

/* What its owner made when GitHub could not be asked. */
static void let_see(json_t *pipe) {
    const char *owner = sw_str(json_object_get(pipe, "owner"), "user");
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        if (!strcmp(sw_str(route, "by"), owner)) json_object_del(route, "blind");
    }
}

/* GitHub's part of it ends, until somebody takes it over who sees the repository. */
static void lost_repo(const struct sw__notify *n, const json_t *was) {
    size_t i;
    json_t *route;
    json_t *data =
        json_pack("{s:s, s:s, s:O}", "pipeline", sw__pipeline_name(was), "paused", "github", "repo",
                  json_object_get(json_object_get(was, "repo"), "name"));
    json_array_foreach(json_object_get(was, "routes"), i, route) {
        if (!json_object_get(route, "paused") && !json_object_get(route, "blind"))
            sw__tell_lost(n, was, route, "github");
    }
    sw__tell_owner(n, json_object_get(was, "owner"), "route.lost", data);
}

static int sync_with(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body);
    const json_t *was;
    if (!id[0]) return -EBADMSG;
    int r = sw__kept_get(n, "pipe", id, &was);
    if (r < 0 || !was || !sw__found_by_owner(n, was)) return r;
    SW_AUTO(sw_json) json_t *pipe = json_deep_copy(was), *sources = json_array();
    const json_t *owner = json_object_get(pipe, "owner");
    size_t resumed = go_on(pipe); /* its owner has just been seen to have the rights */
    set_pipeline(n, was, pipe, true, sources);
    if (json_object_get(n->in->body, "repo")) let_see(pipe);
    json_object_set_new(pipe, "checked_ms", json_integer(n->ctx->now_ms));
    sw__kept_put(n, "pipe", id, json_incref(pipe), 0);
    if (resumed > 0) {
        tell_resumed(n, was, pipe, sw_str(owner, "user"));
        sw__tell_owner(n, owner, "route.goes_on",
                       json_pack("{s:s}", "pipeline", sw__pipeline_name(pipe)));
    }
    if (json_object_get(was, "repo") && !strcmp(sw_str(n->in->body, "github"), "lost")) {
        lost_repo(n, was);
    } else if (is_worse(was, pipe)) {
        json_t *data = json_pack("{s:s, s:O}", "pipeline", sw__pipeline_name(pipe), "hooks",
                                 json_object_get(pipe, "hooks"));
        const char *repo = sw_str(json_object_get(pipe, "repo"), "name");
        if (repo[0]) json_object_set_new(data, "repo", json_string(repo));
        json_object_set(data, "id",
                        json_object_get(json_array_get(json_object_get(pipe, "routes"), 0), "id"));
        sw__tell_owner(n, owner, "route.hooks", data);
    }
    sw__sources_ask(n, id, sources);
    return 0;
}

int sw__routed_v1(const struct sw__notify *n) {
    static const struct {
        const char *name;
        int (*run)(const struct sw__notify *n);
        bool asked; /* a person did, and is answered */
    } rows[] = {
        {"add", add, true},
        {"remove", sw__routed_remove, true},
        {"list", sw__routed_list, true},
        {"test", sw__routed_test, true},
        {"why", sw__why_answer, true},
        {"resume", resume, true},
        {"sync", sync_with, false},
        {"lost", sw__routed_lost, false},
        {"away", sw__clock_away, false},
    };
    const char *what = sw_str(n->in->body, "do");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(rows[i].name, what) != 0) continue;
        const json_t *who = json_object_get(n->in->body, "who");
        if (rows[i].asked && (!sw_str(who, "user")[0] || !sw_str(who, "channel")[0]))
            return -EBADMSG;
        return rows[i].run(n);
    }
    return -EBADMSG;
}
