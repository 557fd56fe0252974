/* notifier_pause.c -- a route that cannot be served is paused and said to be, never dropped; see notifier_priv.h.
 *
 * A channel's change is a job {channel, reason?, name?, renamed?, from}: `reason` pauses its routes, none ends the pause of
 * an archived one. It goes through the channel's pipelines in steps, each of which tells each owner once. */
#include "actors/form.h"
#include "actors/notifier_priv.h"

#include <errno.h>
#include <string.h>

void sw__tell_lost(const struct sw__notify *n, const json_t *pipe, const json_t *route,
                   const char *reason) {
    json_t *data = sw__routed_shown(pipe, route);
    const char *repo = sw_str(json_object_get(pipe, "repo"), "name");
    SW_AUTO(sw_text)
    char *line = sw_printf("route resume %s %s", sw_str(route, "id"), sw__pipeline_name(pipe));
    json_object_set_new(data, "paused", json_string(reason));
    if (repo[0]) json_object_set_new(data, "repo", json_string(repo));
    if (strcmp(reason, "gone") != 0)
        json_object_set_new(data, "buttons",
                            json_pack("[{s:s, s:s}]", "label", "Take over", "line", line));
    sw__tell_channel(n, pipe, route, "route.lost.channel", data);
}

int sw__routed_lost(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body), *reason = sw_str(n->in->body, "reason");
    const json_t *was;
    size_t i;
    json_t *route;
    int r = id[0] ? sw__kept_get(n, "pipe", id, &was) : -EBADMSG;
    if (r < 0 || !was || !sw__found_by_owner(n, was)) return r;
    SW_AUTO(sw_json) json_t *pipe = json_deep_copy(was), *first = NULL;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        /* An archived channel reads nothing, and must not go on by itself when it is opened again. */
        bool archived = !strcmp(sw_str(route, "paused"), "archived");
        if (json_object_get(route, "paused") && !archived) continue;
        json_object_set_new(route, "paused", json_string(reason));
        if (!sw__paused_by_owner(route)) return -EBADMSG;
        if (!archived) sw__tell_lost(n, pipe, route, reason);
        if (!first) first = json_incref(route);
    }
    if (!first) return 0; /* it is known, and was told */
    sw__kept_put(n, "pipe", id, json_incref(pipe), 0);
    json_t *data = sw__routed_shown(pipe, first);
    sw__tell_owner(n, json_object_get(pipe, "owner"), "route.lost", data);
    return 0;
}

/* What the job does to a route of its channel; the template that says so, NULL: nothing that is said. */
static const char *change(const json_t *job, json_t *route, bool *ret_changed) {
    const char *reason = sw_str(job, "reason"), *name = sw_str(job, "name");
    const char *paused = sw_str(route, "paused"), *before = sw_str(route, "channel_name");
    bool named = name[0] && strcmp(name, before) != 0, again = named && before[0];
    const json_t *private = json_object_get(job, "private");
    /* Who is outside hears of it no more (sw__routed_hidden). */
    bool moved =
        private && json_is_true(private) != json_is_true(json_object_get(route, "private"));
    *ret_changed = named || moved;
    if (named) json_object_set_new(route, "channel_name", json_string(name));
    if (moved) json_object_set(route, "private", (json_t *)private);
    if (reason[0] && !paused[0]) {
        json_object_set_new(route, "paused", json_string(reason));
        *ret_changed = true;
        return "route.paused";
    }
    if (!reason[0] && !strcmp(paused, "archived") && !json_object_get(job, "renamed")) {
        json_object_del(route, "paused");
        *ret_changed = true;
        return "route.back";
    }
    return again ? "route.renamed" : NULL;
}

/* {template: {user: {owner, routes: [shown]}}} */
static void note(json_t *told, const char *template, const json_t *pipe, const json_t *route) {
    json_t *owner = json_object_get(pipe, "owner");
    json_t *by = json_object_get(told, template);
    if (!by) json_object_set_new(told, template, by = json_object());
    json_t *one = json_object_get(by, sw_str(owner, "user"));
    if (!one)
        json_object_set_new(by, sw_str(owner, "user"),
                            one = json_pack("{s:O, s:[]}", "owner", owner, "routes"));
    json_array_append_new(json_object_get(one, "routes"), sw__routed_shown(pipe, route));
}

static void tell(const struct sw__notify *n, const json_t *job, json_t *told) {
    const char *template, *user;
    json_t *by, *one;
    json_object_foreach(told, template, by) {
        json_object_foreach(by, user, one) {
            json_t *data =
                json_pack("{s:O, s:s, s:s, s:O}", "channel", json_object_get(job, "channel"),
                          "reason", sw_str(job, "reason"), "name", sw_str(job, "name"), "routes",
                          json_object_get(one, "routes"));
            sw__tell_owner(n, json_object_get(one, "owner"), template, data);
        }
    }
}

int sw__channel_job(const struct sw__notify *n, const json_t *job) {
    const char *channel = sw_str(job, "channel");
    size_t from = (size_t)sw_int(job, "from"), i, to = from + SW__STEP;
    const json_t *pipelines, *was;
    SW_AUTO(sw_json) json_t *told = json_object();
    if (!sw_is_slack_id(channel, strlen(channel))) return -EBADMSG;
    int r = sw__kept_get(n, "chan", channel, &pipelines);
    for (i = from; r == 0 && i < json_array_size(pipelines) && i < to; i++) {
        const char *id = json_string_value(json_array_get(pipelines, i));
        r = sw__kept_get(n, "pipe", id, &was);
        if (r < 0 || !was) continue;
        json_t *pipe = json_deep_copy(was);
        json_t *route = sw__routed_find(pipe, "channel", channel);
        bool changed = false;
        const char *template = route ? change(job, route, &changed) : NULL;
        if (template) note(told, template, pipe, route);
        if (changed)
            sw__kept_put(n, "pipe", id, pipe, 0);
        else
            json_decref(pipe);
    }
    if (r < 0) return r;
    tell(n, job, told);
    if (json_array_size(pipelines) > to) {
        json_t *next = json_copy((json_t *)job);
        json_object_update_new(next,
                               json_pack("{s:s, s:I}", "job", "channel", "from", (json_int_t)to));
        sw__tell_self(n, next);
    }
    return 0;
}

int sw__channel_state(const struct sw__notify *n) {
    const json_t *body = n->in->body;
    static const char *const reasons[] = {"missing", "archived", "private",
                                          "scope",   "no_bot",   NULL};
    bool ok = json_is_true(json_object_get(body, "ok"));
    const char *reason = sw_str(body, "reason");
    if (!ok && !sw_is_among(reason, reasons)) return 0; /* "away": nothing is known */
    SW_AUTO(sw_json)
    json_t *job = json_pack("{s:s, s:s, s:s}", "channel", sw_str(body, "channel"), "name",
                            sw_str(body, "name"), "reason", ok ? "" : reason);
    json_t *private = json_object_get(body, "private");
    if (json_is_boolean(private)) json_object_set(job, "private", private);
    return sw__channel_job(n, job);
}

int sw__channel_event(const struct sw__notify *n) {
    static const struct {
        const char *what, *reason;
    } rows[] = {{"rename", ""},
                {"archive", "archived"},
                {"unarchive", ""},
                {"deleted", "missing"},
                {"left", "left"}};
    const json_t *channel = json_object_get(n->in->body, "channel");
    const char *what = strchr(sw_str(n->in->body, "type"), '_');
    for (size_t i = 0; what && i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(what + 1, rows[i].what) != 0) continue;
        SW_AUTO(sw_json)
        json_t *job = json_pack("{s:s, s:s, s:s}", "channel", sw_str(channel, "id"), "name",
                                sw_str(channel, "name"), "reason", rows[i].reason);
        if (i == 0) json_object_set_new(job, "renamed", json_true());
        return sw__channel_job(n, job);
    }
    return -EBADMSG;
}
