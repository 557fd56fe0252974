/* notifier_events.h -- events of pipeline p1 of notifier_world.h, as ingress tells them.
 *
 * shapes   the body of event.v1; `id` is the event's; times are the world's
 * units    *_ms
 * errors   cmocka fails the test
 * owner    the caller owns what is returned; `event` takes it
 * source   PROTO.md event.v1
 * limits   none
 */
#ifndef NOTIFIER_EVENTS_H
#define NOTIFIER_EVENTS_H

#include "notifier_world.h"

#define SHA "1f0c2d3a4b5c6d7e8f901a2b3c4d5e6f70819203"

static inline const char *at(int64_t ms) {
    static char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)ms);
    return text;
}

/* An event of acme/storefront; `more` as JSON with '. */
static inline json_t *github(const struct world *w, const char *type, const char *id,
                             const char *more) {
    SW_AUTO(sw_text)
    char *text =
        sw_printf("{'v': 1, 'source': 'github/7', 'type': '%s', 'event_id': '%s', 'at_ms': %s, "
                  "'repo': {'id': 7, 'name': 'acme/storefront', 'default_branch': 'main'}, "
                  "'sender': {'id': 12, 'login': 'ada'}, %s}",
                  type, id, at(w->now_ms), more);
    return world_json(text);
}

static inline json_t *push(const struct world *w, const char *id, const char *branch) {
    SW_AUTO(sw_text)
    char *more = sw_printf("'ref': 'refs/heads/%s', 'before': '%s', 'after': '" SHA
                           "', 'count': 1, 'head': {'id': '" SHA
                           "', 'message': 'Fix it', 'author': {'name': 'Ada', 'login': 'ada'}}",
                           branch, "0000000000000000000000000000000000000001");
    return github(w, "push", id, more);
}

static inline json_t *check(const struct world *w, const char *id, const char *status,
                            const char *conclusion) {
    SW_AUTO(sw_text)
    char *more =
        sw_printf("'action': 'x', 'run': {'id': 5, 'name': 'test', 'status': '%s'%s%s%s}, "
                  "'sha': '" SHA "', 'branch': 'main', 'app': {'slug': 'ci', 'name': 'CI'}",
                  status, conclusion ? ", 'conclusion': '" : "", conclusion ? conclusion : "",
                  conclusion ? "'" : "");
    return github(w, "check_run", id, more);
}

static inline json_t *heroku(const struct world *w, const char *type, const char *app,
                             const char *id, const char *more) {
    SW_AUTO(sw_text)
    char *text = sw_printf("{'v': 1, 'source': 'heroku/%s', 'type': '%s', 'event_id': '%s', "
                           "'at_ms': %s, 'action': 'update', 'app': {'id': '%s', 'name': 'x'}, "
                           "'actor': {'email': 'bob@example.com'}, %s}",
                           app, type, id, at(w->now_ms), app, more);
    return world_json(text);
}

static inline json_t *release(const struct world *w, const char *app, const char *id, int version,
                              const char *status) {
    SW_AUTO(sw_text)
    char *more = sw_printf("'release': {'id': 'rel-%d', 'version': %d, 'status': '%s', 'current': "
                           "true, 'description': 'Set X config vars'}",
                           version, version, status);
    return heroku(w, "api:release", app, id, more);
}

static inline int event(struct world *w, json_t *body) {
    w->now_ms += 1000;
    return world_step(w, SW_KIND_EVENT, body);
}

/* The verdict on the route that is `number` in the list of the event's. */
static inline const char *verdict(const struct world *w, const char *id, size_t number) {
    const json_t *why = world_fact(w, "why", id);
    return sw_str(json_array_get(json_object_get(why, "verdicts"), number), "what");
}

#endif
