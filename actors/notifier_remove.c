/* notifier_remove.c -- routes are taken away: one by its id, one of a channel, or all of a channel; see notifier_priv.h. */
#include "actors/notifier_priv.h"

#include <errno.h>
#include <string.h>

struct wanted {
    const char *id, *pipeline, *channel; /* "": any */
};

static const char *pipeline_of(const json_t *body) {
    const json_t *pipeline = json_object_get(body, "pipeline");
    if (json_is_string(pipeline)) return json_string_value(pipeline);
    const char *id = sw_str(pipeline, "id");
    return id[0] ? id : sw_str(pipeline, "name");
}

static bool matches(const struct wanted *w, const json_t *pipe, const json_t *route) {
    const char *id = sw_str(json_object_get(pipe, "pipeline"), "id");
    if (w->id[0]) return !strcmp(w->id, sw_str(route, "id"));
    if (strcmp(w->channel, sw_str(route, "channel")) != 0) return false;
    return !w->pipeline[0] || !strcmp(w->pipeline, id) ||
           !strcmp(w->pipeline, sw__pipeline_name(pipe));
}

/* Adds what is to be removed: [{pipe, id}], and how it is shown. */
static int collect(const struct sw__notify *n, const struct wanted *w, const json_t *pipelines,
                   json_t *found, json_t *shown) {
    size_t i, k;
    json_t *id, *route;
    int result = 0;
    json_array_foreach((json_t *)pipelines, i, id) {
        const json_t *pipe;
        int r = sw__kept_get(n, "pipe", json_string_value(id), &pipe);
        if (r < 0) result = r; /* ask for all of them before waiting */
        json_array_foreach(r < 0 ? NULL : json_object_get(pipe, "routes"), k, route) {
            if (!matches(w, pipe, route) || sw__routed_hidden(n, pipe, route) ||
                json_array_size(found) >= SW__ROUTES_MAX)
                continue;
            json_array_append_new(
                found, json_pack("{s:O, s:s}", "pipeline", id, "route", sw_str(route, "id")));
            json_array_append_new(shown, sw__routed_shown(pipe, route));
        }
    }
    return result;
}

static int by_id(const struct sw__notify *n, const char *id, json_t *found, json_t *shown) {
    const json_t *pipeline;
    if (!sw__kept_name(id)) return 0;
    int r = sw__kept_get(n, "route", id, &pipeline);
    if (r < 0 || !pipeline) return r;
    SW_AUTO(sw_json) json_t *one = json_pack("[O]", pipeline);
    return collect(n, &(struct wanted){.id = id, .pipeline = "", .channel = ""}, one, found, shown);
}

/* All of a channel, and `unroute` was typed without its `!`. */
static bool is_unsure(const json_t *body) {
    return !sw_str(body, "id")[0] && !pipeline_of(body)[0] &&
           !json_is_true(json_object_get(body, "sure"));
}

int sw__routed_remove(const struct sw__notify *n) {
    const json_t *body = n->in->body, *who = json_object_get(body, "who"), *pipelines;
    const char *channel = sw_str(body, "channel");
    struct wanted w = {"", pipeline_of(body), channel[0] ? channel : sw_str(who, "channel")};
    const char *id = sw_str(body, "id");
    SW_AUTO(sw_json) json_t *found = json_array(), *shown = json_array();
    size_t i;
    json_t *one;
    int r = id[0] ? by_id(n, id, found, shown) : 0;
    if (r == 0 && !id[0]) {
        if (!sw_is_slack_id(w.channel, strlen(w.channel))) return -EBADMSG;
        r = sw__kept_get(n, "chan", w.channel, &pipelines);
        if (r == 0) r = collect(n, &w, pipelines, found, shown);
        /* `unroute r7k2`: an id looks like the name of a pipeline. */
        if (r == 0 && json_array_size(found) == 0) r = by_id(n, w.pipeline, found, shown);
    }
    if (r < 0) return r;
    if (json_array_size(found) == 0) {
        json_t *data = json_pack("{s:s}", "id", id);
        if (!id[0]) json_object_set_new(data, "channel", json_string(w.channel));
        if (!id[0] && !w.pipeline[0]) json_object_set_new(data, "bare", json_true());
        if (!id[0] && w.pipeline[0]) json_object_set_new(data, "pipeline", json_string(w.pipeline));
        sw__tell_answer(n, "route.none", data);
        return 0;
    }
    if (is_unsure(body)) {
        sw__tell_answer(n, "route.sure",
                        json_pack("{s:s, s:O, s:[{s:s, s:s, s:s}]}", "channel", w.channel, "routes",
                                  shown, "buttons", "label", "End all of it", "line", "unroute!",
                                  "style", "danger"));
        return 0;
    }
    json_array_foreach(found, i, one) {
        json_object_update_new(one,
                               json_pack("{s:s, s:O, s:s, s:s}", "job", "drop", "who", who, "line",
                                         sw_str(body, "line"), "op", sw_str(body, "op")));
        sw__tell_self(n, json_incref(one));
    }
    json_int_t count = (json_int_t)json_array_size(shown);
    sw__tell_answer(n, "route.removed",
                    count == 1 ? json_pack("{s:O}", "one", json_array_get(shown, 0))
                               : json_pack("{s:I, s:O}", "count", count, "routes", shown));
    return 0;
}

/* The last one: nothing is left that anybody wants to hear of. */
static void end(const struct sw__notify *n, const json_t *pipe, const char *id) {
    SW_AUTO(sw_json) json_t *sources = sw__sources_of(pipe);
    sw__kept_drop(n, "pipe", id);
    sw__list_put(n, "all", "", id, false);
    sw__list_put(n, "owner", sw_str(json_object_get(pipe, "owner"), "user"), id, false);
    sw__clock_stop(n, id);
    sw__sources_ask(n, id, sources);
}

int sw__routed_drop(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body), *name = sw_str(n->in->body, "route");
    const json_t *was, *unused;
    int r = sw__kept_get(n, "pipe", id, &was);
    if (r < 0) return r;
    const json_t *owner = json_object_get(was, "owner"), *route = sw__routed_find(was, "id", name);
    if (!route) return 0;
    const char *by = sw_str(json_object_get(n->in->body, "who"), "user");
    const char *const wanted[][2] = {
        {"all", ""}, {"owner", sw_str(owner, "user")}, {"chan", sw_str(route, "channel")}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        int w = sw__kept_get(n, wanted[i][0], wanted[i][1], &unused);
        if (w < 0) r = w;
    }
    if (r < 0) return r;
    SW_AUTO(sw_json) json_t *pipe = json_deep_copy(was);
    json_t *routes = json_object_get(pipe, "routes");
    for (size_t i = json_array_size(routes); i > 0; i--) {
        if (!strcmp(sw_str(json_array_get(routes, i - 1), "id"), name))
            json_array_remove(routes, i - 1);
    }
    sw__kept_drop(n, "route", name);
    sw__list_put(n, "chan", sw_str(route, "channel"), id, false);
    if (json_array_size(routes) > 0)
        sw__kept_put(n, "pipe", id, json_incref(pipe), 0);
    else
        end(n, pipe, id);
    sw__routed_audit(n, was, route, "unroute");
    if (strcmp(by, sw_str(owner, "user")) != 0) {
        json_t *data = sw__routed_shown(was, route);
        json_object_set_new(data, "by", json_string(by));
        sw__tell_owner(n, owner, "route.removed.owner", data);
    }
    return 0;
}
