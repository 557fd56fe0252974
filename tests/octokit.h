/* octokit.h -- each of GitHub's examples of webhooks, signed and decided as ingress does.
 *
 * shapes   fn(arg, example): its event, its payload, and what became of it; `record` is the body of event.v1, NULL where there is
 *          none; `outcome` "record", or the word that it was refused with ("ignored", "ping", ...)
 * units    none
 * errors   octokit_each: false where the examples are not installed
 * owner    all of it is borrowed, for the call
 * source   npm @octokit/webhooks-examples; tests/octokit/package-lock.json
 * limits   none
 */
#ifndef SW_TESTS_OCTOKIT_H
#define SW_TESTS_OCTOKIT_H

#include "tests/ingress_world.h"

struct octokit_example {
    const char *set; /* "api.github.com" or a version of GitHub Enterprise Server */
    const char *event;
    size_t index; /* of the event in its set */
    const json_t *payload, *record;
    const char *outcome;
    int status; /* that GitHub is answered */
};

typedef void octokit_fn(void *arg, const struct octokit_example *example);

static inline void octokit_decide(struct world *w, struct octokit_example *e, octokit_fn *fn,
                                  void *arg) {
    char delivery[48];
    SW_AUTO(sw_text) char *body = json_dumps(e->payload, JSON_COMPACT);
    snprintf(delivery, sizeof(delivery), "72d3162e-cc78-11e3-81ab-%012zx", e->index);
    world_request(w, "POST", "/webhooks/github", body, strlen(body));
    w->request.content_type = "application/json";
    w->request.github_event = e->event;
    w->request.github_delivery = delivery;
    w->request.github_hook = "5117";
    seal_github(w, "hub secret");
    ask(w);
    e->record = w->d.record;
    e->status = w->d.reply.status;
    e->outcome = w->d.refused ? w->d.refused : w->d.source[0] ? "record" : "";
    if (!w->d.record && w->d.source[0]) e->outcome = "auth";
    fn(arg, e);
}

static inline bool octokit_each(struct world *w, octokit_fn *fn, void *arg) {
    static const char *const sets[] = {"api.github.com", "ghes-31", "ghes-32",
                                       "ghes-33",        "ghes-34", "ghes-35"};
    const char *tests = getenv("SW_TESTS");
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        SW_AUTO(sw_text)
        char *path = sw_printf("%s/octokit/node_modules/@octokit/webhooks-examples/%s/index.json",
                               tests ? tests : "tests", sets[i]);
        SW_AUTO(sw_json) json_t *events = json_load_file(path, 0, NULL);
        json_t *event, *payload;
        size_t k, n;
        if (!events) return false;
        json_array_foreach(events, k, event) {
            json_array_foreach(json_object_get(event, "examples"), n, payload) {
                struct octokit_example e = {
                    .set = sets[i], .event = sw_str(event, "name"), .index = n, .payload = payload};
                octokit_decide(w, &e, fn, arg);
            }
        }
    }
    return true;
}

#endif
