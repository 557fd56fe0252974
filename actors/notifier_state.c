/* notifier_state.c -- values by kind and name, the index of sources, and how people are told; see notifier_priv.h. */
#include "actors/notifier_priv.h"

#include <string.h>

#define NAME_MAX_BYTES 120

char *sw__kept_key(const struct sw__notify *n, const char *kind, const char *name) {
    return name[0] ? sw_printf("%s/%s/%s", kind, n->in->inst, name)
                   : sw_printf("%s/%s", kind, n->in->inst);
}

int sw__kept_get(const struct sw__notify *n, const char *kind, const char *name,
                 const json_t **ret) {
    SW_AUTO(sw_text) char *key = sw__kept_key(n, kind, name);
    return sw_fact(n->out, key, ret);
}

void sw__kept_put(const struct sw__notify *n, const char *kind, const char *name, json_t *value,
                  int64_t ttl_ms) {
    SW_AUTO(sw_text) char *key = sw__kept_key(n, kind, name);
    sw_store(n->out, key, value, ttl_ms);
}

void sw__kept_drop(const struct sw__notify *n, const char *kind, const char *name) {
    SW_AUTO(sw_text) char *key = sw__kept_key(n, kind, name);
    sw_forget(n->out, key);
}

bool sw__kept_name(const char *text) {
    size_t size = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "-_.:/@+");
    return size > 0 && size <= NAME_MAX_BYTES && !text[size];
}

void sw__list_put(const struct sw__notify *n, const char *kind, const char *name, const char *id,
                  bool in) {
    const json_t *list;
    size_t i;
    json_t *item;
    if (sw__kept_get(n, kind, name, &list) < 0 || sw_list_has(list, id) == in) return;
    json_t *next = json_array();
    json_array_foreach((json_t *)list, i, item) {
        if (strcmp(json_string_value(item), id) != 0) json_array_append(next, item);
    }
    if (in) json_array_append_new(next, json_string(id));
    if (json_array_size(next) > 0) {
        sw__kept_put(n, kind, name, next, 0);
    } else {
        json_decref(next);
        sw__kept_drop(n, kind, name);
    }
}

json_t *sw__sources_of(const json_t *pipe) {
    json_t *sources = json_array(), *app;
    const char *id = sw_str(json_object_get(pipe, "pipeline"), "id");
    const char *repo = sw_str(json_object_get(pipe, "repo"), "id");
    json_int_t number = sw_int(json_object_get(pipe, "repo"), "id");
    size_t i;
    if (id[0]) json_array_append_new(sources, json_sprintf("pipeline/%s", id));
    if (repo[0]) json_array_append_new(sources, json_sprintf("github/%s", repo));
    if (number > 0) json_array_append_new(sources, json_sprintf("github/%lld", (long long)number));
    json_array_foreach(json_object_get(pipe, "apps"), i, app) {
        if (i < SW__APPS_KEPT)
            json_array_append_new(sources, json_sprintf("heroku/%s", sw_str(app, "id")));
    }
    return sources;
}

/* Executor asked for the webhooks of an app that it changed: that stays. */
static int is_operated(const struct sw__notify *n, const char *source, bool *ret) {
    const json_t *app = NULL;
    int r = strncmp(source, "heroku/", 7) ? 0 : sw__kept_get(n, "app", source + 7, &app);
    *ret = app != NULL;
    return r;
}

static int index_one(const struct sw__notify *n, const char *pipeline, const json_t *pipe,
                     const char *source) {
    SW_AUTO(sw_json) json_t *own = sw__sources_of(pipe);
    bool in = sw_list_has(own, source), operated = false;
    const json_t *list;
    int r = sw__kept_get(n, "src", source, &list);
    if (r < 0 || sw_list_has(list, pipeline) == in) return r;
    if (in && json_array_size(list) >= SW__SHARED_MAX) return 0;
    bool last = !in && json_array_size(list) == 1;
    if (last) r = is_operated(n, source, &operated);
    if (r < 0) return r;
    sw__list_put(n, "src", source, pipeline, in);
    if (in) sw_source(n->out, source);
    if (last && !operated) sw_unsource(n->out, source);
    return 0;
}

void sw__sources_ask(const struct sw__notify *n, const char *pipeline, const json_t *sources) {
    if (json_array_size(sources) > 0)
        sw__tell_self(n, json_pack("{s:s, s:s, s:O}", "job", "index", "pipeline", pipeline,
                                   "sources", sources));
}

int sw__sources_job(const struct sw__notify *n) {
    const char *pipeline = sw__pipeline_id(n->in->body);
    SW_AUTO(sw_json) json_t *rest = json_array();
    const json_t *pipe;
    size_t i;
    json_t *source;
    int r = sw__kept_get(n, "pipe", pipeline, &pipe);
    json_array_foreach(json_object_get(n->in->body, "sources"), i, source) {
        const char *text = json_string_value(source);
        if (!text || !sw__kept_name(text)) continue;
        int one = i < SW__STEP ? index_one(n, pipeline, pipe, text) : 0;
        if (i >= SW__STEP) json_array_append(rest, source);
        if (one < 0) r = one; /* ask for all of them before waiting */
    }
    if (r == 0) sw__sources_ask(n, pipeline, rest);
    return r;
}

const char *sw__pipeline_id(const json_t *body) {
    const json_t *pipeline = json_object_get(body, "pipeline");
    const char *id =
        json_is_string(pipeline) ? json_string_value(pipeline) : sw_str(pipeline, "id");
    return sw__kept_name(id) ? id : "";
}

const char *sw__pipeline_name(const json_t *pipe) {
    return sw_str(json_object_get(pipe, "pipeline"), "name");
}

void sw__tell_self(const struct sw__notify *n, json_t *job) {
    struct sw_msg *m = sw_send(n->out, "notifier", SW_KIND_NOTIFIER_TIMER, job);
    json_object_clear(m->boxes);
}

static const char *op_of(const struct sw__notify *n) {
    const char *op = sw_str(n->in->body, "op");
    return op[0] ? op : n->in->cmd;
}

static struct sw_msg *tell(const struct sw__notify *n, json_t *who, const char *to,
                           const char *template, json_t *data) {
    return sw_send(n->out, "responder", SW_KIND_REPLY,
                   json_pack("{s:o, s:s, s:s, s:s, s:o}", "who", who, "op", op_of(n), "to", to,
                             "template", template, "data", data));
}

void sw__tell_answer(const struct sw__notify *n, const char *template, json_t *data) {
    const char *line = sw_str(n->in->body, "line");
    json_t *who = json_object_get(n->in->body, "who");
    if (line[0]) json_object_set_new(data, "line", json_string(line));
    struct sw_msg *m = tell(n, json_incref(who), "private", template, data);
    json_object_set_new(m->body, "final", json_true());
}

/* Whose bot is not there any more cannot be told: that is no failure of ours. */
void sw__tell_owner(const struct sw__notify *n, const json_t *owner, const char *template,
                    json_t *data) {
    json_t *who = json_copy((json_t *)owner);
    json_object_del(who, "email");
    struct sw_msg *m = tell(n, who, "direct", template, data);
    json_object_set_new(m->body, "told", json_true());
    json_object_clear(m->boxes);
}

void sw__tell_channel(const struct sw__notify *n, const json_t *pipe, const json_t *route,
                      const char *template, json_t *data) {
    const json_t *owner = json_object_get(pipe, "owner");
    json_t *who = json_pack("{s:s, s:s, s:s, s:O*}", "team", sw_str(route, "team"), "channel",
                            sw_str(route, "channel"), "user", "", "enterprise",
                            json_object_get(owner, "enterprise"));
    struct sw_msg *m = tell(n, who, "say", template, data);
    json_object_set_new(m->body, "told", json_true());
    json_object_clear(m->boxes);
}

json_t *sw__routed_shown(const json_t *pipe, const json_t *route) {
    static const char *const keys[] = {"id",     "channel", "only",   "stages",
                                       "states", "branch",  "paused", "since_ms"};
    json_t *shown = json_pack("{s:s, s:s}", "pipeline", sw__pipeline_name(pipe), "owner",
                              sw_str(json_object_get(pipe, "owner"), "user"));
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        json_t *value = json_object_get(route, keys[i]);
        if (value) json_object_set(shown, keys[i], value);
    }
    return shown;
}

json_t *sw__routed_find(const json_t *pipe, const char *key, const char *value) {
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        if (!strcmp(sw_str(route, key), value)) return route;
    }
    return NULL;
}

bool sw__routed_hidden(const struct sw__notify *n, const json_t *pipe, const json_t *route) {
    const json_t *who = json_object_get(n->in->body, "who");
    const char *user = sw_str(who, "user");
    return json_is_true(json_object_get(route, "private")) &&
           strcmp(sw_str(who, "channel"), sw_str(route, "channel")) != 0 &&
           strcmp(user, sw_str(route, "by")) != 0 &&
           strcmp(user, sw_str(json_object_get(pipe, "owner"), "user")) != 0;
}

bool sw__paused_by_owner(const json_t *route) {
    static const char *const reasons[] = {"unlinked", "denied", "gone", "github"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        if (!strcmp(sw_str(route, "paused"), reasons[i])) return true;
    }
    return false;
}

bool sw__found_by_owner(const struct sw__notify *n, const json_t *pipe) {
    return !strcmp(sw_str(json_object_get(n->in->body, "who"), "user"),
                   sw_str(json_object_get(pipe, "owner"), "user"));
}

void sw__routed_audit(const struct sw__notify *n, const json_t *pipe, const json_t *route,
                      const char *task) {
    const json_t *owner =
        json_object_get(n->in->body, "owner"); /* who asked, where a right was needed */
    const char *line = sw_str(n->in->body, "line"), *name = sw_str(route, "channel_name");
    SW_AUTO(sw_text)
    char *typed = sw_printf("%s %s", task, sw__pipeline_name(pipe));
    sw_audit(n->out, json_pack("{s:O, s:s, s:s, s:b, s:{s:s*}, s:s, s:s, s:o}", "who",
                               json_object_get(n->in->body, "who"), "line", line[0] ? line : typed,
                               "task", task, "forced", 0, "accounts", "heroku",
                               sw_str(owner, "email")[0] ? sw_str(owner, "email") : NULL,
                               "pipeline", sw__pipeline_name(pipe), "outcome", "done", "detail",
                               json_sprintf("%s: #%s (%s)", sw_str(route, "id"),
                                            name[0] ? name : "?", sw_str(route, "channel"))));
}
