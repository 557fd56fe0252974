/* notifier_show.c -- which channel hears of what, and a sample of it; see notifier_priv.h. */
#include "actors/notifier_priv.h"

#include <string.h>

#define SHOWN_MAX 40

/* What `pipeline` was typed; "": all. */
static bool is_of(const json_t *pipe, const json_t *body) {
    const json_t *typed = json_object_get(body, "pipeline");
    const char *name = json_is_string(typed) ? json_string_value(typed) : sw_str(typed, "id");
    return !name[0] || !strcmp(name, sw__pipeline_name(pipe)) ||
           !strcmp(name, sw_str(json_object_get(pipe, "pipeline"), "id"));
}

/* Of one pipeline: to this channel, or to all others, but for private ones: who is outside need not know of them. */
static void put(const json_t *pipe, const char *channel, bool here, json_t *into,
                json_int_t *more) {
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        if (!strcmp(sw_str(route, "channel"), channel) != here) continue;
        if (!here && json_is_true(json_object_get(route, "private"))) continue;
        if (json_array_size(into) >= SHOWN_MAX)
            (*more)++;
        else
            json_array_append_new(into, sw__routed_shown(pipe, route));
    }
}

int sw__routed_list(const struct sw__notify *n) {
    const json_t *body = n->in->body, *all, *pipe;
    const char *channel = sw_str(body, "channel");
    SW_AUTO(sw_json) json_t *here = json_array(), *others = json_array();
    size_t i;
    json_t *id;
    json_int_t more = 0;
    if (!channel[0]) channel = sw_str(json_object_get(body, "who"), "channel");
    int r = sw__kept_get(n, "all", "", &all);
    json_array_foreach((json_t *)all, i, id) {
        int one = sw__kept_get(n, "pipe", json_string_value(id), &pipe);
        if (one < 0) r = one; /* ask for all of them before waiting */
        if (one < 0 || !is_of(pipe, body)) continue;
        put(pipe, channel, true, here, &more);
        put(pipe, channel, false, others, &more);
    }
    if (r < 0) return r;
    json_t *data = json_pack("{s:s, s:O, s:O}", "channel", channel, "here", here, "others", others);
    const char *name = json_string_value(json_object_get(body, "pipeline"));
    if (name) json_object_set_new(data, "pipeline", json_string(name));
    if (more > 0) json_object_set_new(data, "more", json_integer(more));
    sw__tell_answer(n, "route.list", data);
    return 0;
}

/* By the way of a real event: responder's feed of that channel posts it, in its turn. */
static void sample(const struct sw__notify *n, const json_t *pipe, const json_t *route) {
    const json_t *who = json_object_get(n->in->body, "who");
    json_t *data = sw__routed_shown(pipe, route);
    json_object_set_new(data, "by", json_string(sw_str(who, "user")));
    struct sw_msg *m = sw_send_bulk(
        n->out, "responder", SW_KIND_NOTICE,
        json_pack("{s:{s:s, s:s, s:s, s:O*}, s:o, s:i, s:{s:s, s:O}, s:{s:s, s:o}, s:b, s:b}",
                  "who", "team", sw_str(route, "team"), "channel", sw_str(route, "channel"), "user",
                  "", "enterprise", json_object_get(json_object_get(pipe, "owner"), "enterprise"),
                  "op", json_sprintf("n/test/%s/%s", n->in->cmd, sw_str(route, "channel")), "n", 1,
                  "parent", "template", "route.test", "data", data, "digest", "template",
                  "route.test", "data", data, "final", 1, "test", 1));
    json_object_clear(m->boxes);
}

int sw__routed_test(const struct sw__notify *n) {
    const char *id = sw_str(n->in->body, "id");
    const json_t *pipeline = NULL, *pipe = NULL;
    int r = sw__kept_name(id) ? sw__kept_get(n, "route", id, &pipeline) : 0;
    if (r == 0 && pipeline) r = sw__kept_get(n, "pipe", json_string_value(pipeline), &pipe);
    if (r < 0) return r;
    const json_t *route = sw__routed_find(pipe, "id", id);
    if (!route || sw__routed_hidden(n, pipe, route)) {
        sw__tell_answer(n, "route.none", json_pack("{s:s}", "id", id));
        return 0;
    }
    if (!json_object_get(route, "paused")) sample(n, pipe, route);
    sw__tell_answer(n, "route.tested", sw__routed_shown(pipe, route));
    return 0;
}
