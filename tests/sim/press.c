/* press.c -- finding a button by its label and pressing it, for `slipway-sim once`; see walk.h. */
#include "walk.h"

#include <errno.h>
#include <string.h>

/* The action_id of the button with this label in one message, or NULL. */
static const char *action_of(const json_t *message, const char *label) {
    size_t i, k;
    json_t *block, *element;
    json_array_foreach(json_object_get(message, "blocks"), i, block) {
        json_array_foreach(json_object_get(block, "elements"), k, element) {
            const char *text = sim_json_text2(element, "text", "text");
            const char *type = sim_json_text(element, "type");
            if (text == NULL || type == NULL || strcmp(type, "button") != 0) continue;
            if (strcmp(text, label) == 0) return sim_json_text(element, "action_id");
        }
    }
    return NULL;
}

/* The newest one: messages and threads come oldest first. */
static const json_t *find(const json_t *messages, const char *label) {
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        const json_t *reply = find(json_object_get(message, "thread"), label);
        if (reply != NULL) return reply;
        if (action_of(message, label) != NULL) return message;
    }
    return NULL;
}

int sim_walk_press(struct sim_walk *walk, const char *team, const char *channel, const char *user,
                   const char *label, char **ret_ts) {
    SIM_FREE char *path = sim_fmt("/sim/view?team=%s&channel=%s&viewer=%s", team, channel, user);
    json_auto_t *view = NULL, *answer = NULL;
    int r = sim_walk_get(walk, path, &view);
    if (r < 0) return r;
    const json_t *message = find(json_object_get(view, "messages"), label);
    if (message == NULL) return -ENOENT;
    json_auto_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "team", team, "channel", channel, "user", user, "ts",
                  sim_json_text(message, "ts"), "action_id", action_of(message, label));
    r = sim_walk_post(walk, "/sim/click", body, &answer);
    if (r == 0 && sim_json_int(answer, "status", 0) != 200) r = -EPROTO;
    if (r == 0) *ret_ts = sim_strdup(sim_json_text(message, "ts"));
    return r;
}

int sim_walk_happen(struct sim_walk *walk, const char *name, const char *label) {
    json_auto_t *all = NULL, *answer = NULL;
    int r = sim_walk_get(walk, "/sim/buttons", &all);
    size_t i;
    json_t *button;
    json_array_foreach(json_object_get(all, "buttons"), i, button) {
        if (strcmp(sim_json_text(button, "label"), label) != 0) continue;
        json_t *ask = json_object_get(button, "ask");
        json_object_set_new(ask, "user", json_string(name));
        return sim_walk_post(walk, sim_json_text(button, "path"), ask, &answer);
    }
    return r < 0 ? r : -ENOENT;
}

int sim_walk_op(struct sim_walk *walk, const char *team, const char *channel, const char *user,
                char **ret, char **ret_ts) {
    SIM_FREE char *path = sim_fmt("/sim/view?team=%s&channel=%s&viewer=%s", team, channel, user);
    json_auto_t *view = NULL;
    int r = sim_walk_get(walk, path, &view);
    if (r < 0) return r;
    const json_t *messages = json_object_get(view, "messages");
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        const json_t *metadata = json_object_get(message, "metadata");
        const char *op = sim_json_text(json_object_get(metadata, "event_payload"), "op");
        if (op == NULL || strchr(op, '/') != NULL) continue;
        *ret = sim_strdup(op);
        *ret_ts = sim_strdup(sim_json_text(message, "ts"));
        return 0;
    }
    return -ENOENT;
}
