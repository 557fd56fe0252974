/* notifier.c -- what happens to a pipeline, told in the channels that want to hear of it; see notifier_priv.h. */
#include "actors/actors.h"
#include "actors/notifier_priv.h"

#include <errno.h>
#include <string.h>

/* Due, or sent to itself. */
static int on_job(const struct sw__notify *n) {
    static const struct {
        const char *name;
        int (*run)(const struct sw__notify *n);
    } rows[] = {{"tend", sw__clock_due},
                {"index", sw__sources_job},
                {"drop", sw__routed_drop},
                {"hurry", sw__clock_hurry}};
    const char *job = sw_str(n->in->body, "job");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(rows[i].name, job)) return rows[i].run(n);
    }
    return strcmp(job, "channel") ? -EBADMSG : sw__channel_job(n, n->in->body);
}

static const struct {
    const char *kind;
    int (*run)(const struct sw__notify *n);
} rows[] = {
    {SW_KIND_EVENT, sw__event_v1},   {SW_KIND_PROMOTED, sw__promoted_v1},
    {SW_KIND_ROUTE, sw__routed_v1},  {SW_KIND_CHANNEL_STATE, sw__channel_state},
    {SW_KIND_PERSON, sw__person_v1}, {SW_KIND_NOTIFIER_TIMER, on_job},
};

static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const struct sw__notify n = {ctx, in, out};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(rows[i].kind, in->kind)) return rows[i].run(&n);
    }
    return -ENOTSUP;
}

static void want(const struct sw_msg *in, struct sw_out *out) {
    const struct sw__notify n = {NULL, in, out};
    if (!strcmp(in->kind, SW_KIND_EVENT)) sw__event_want(&n);
}

static const char *const kinds[] = {
    SW_KIND_EVENT,  SW_KIND_PROMOTED,       SW_KIND_ROUTE, SW_KIND_CHANNEL_STATE,
    SW_KIND_PERSON, SW_KIND_NOTIFIER_TIMER, NULL};

const struct sw_actor sw_actor_notifier = {
    .name = "notifier", .kinds = kinds, .want = want, .handle = handle};
