/* admin.c -- see admin.h. */
#include "common/admin.h"

#include "common/mem.h"
#include "common/metrics.h"

#include <unistd.h>

/* Of the shards of one Redis: this process has its share, or has asked for all. */
static bool has_share(const struct sw_ledger *ledger) {
    bool asked_all = true;
    unsigned held = 0;
    if (!ledger->living) return false;
    /* Those that others hold are asked for again and again, so that some are always being taken. */
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        const struct sw_shard *shard = &ledger->run->shard[i];
        if (shard->ledger != ledger) continue;
        bool ours = shard->state == SW_OURS || shard->state == SW_LEAVING;
        held += ours;
        asked_all = asked_all && (ours || shard->retry_at_ms);
    }
    return !ledger->run->actor || asked_all || held >= ledger->share;
}

/* Where one Redis of several is away the others' shards go on: this process is still of use. */
bool sw__ready(const struct sw_run *run) {
    unsigned well = 0;
    for (unsigned i = 0; i < run->ledgers; i++) {
        if (!sw__ledger_well(&run->ledger[i])) continue;
        if (!has_share(&run->ledger[i])) return false;
        well++;
    }
    return well > 0 && !run->draining;
}

static char *state(const struct sw_run *run, bool ready) {
    json_t *o = json_pack("{s:s, s:i, s:s, s:b, s:b, s:i, s:I}", "role", run->role, "pid",
                          (int)getpid(), "version", SW_VERSION, "ready", ready, "redis",
                          sw__ledgers_up(run) == run->ledgers, "shards", (int)sw__owned(run),
                          "handled", (json_int_t)run->handled);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static void on_request(void *arg, struct sw_waiting *waiting, const struct sw_request *request) {
    struct sw_run *run = arg;
    struct sw_reply reply = {.status = 200, .type = "application/json"};
    if (!strcmp(request->path, "/healthz")) {
        reply.body = state(run, sw__ready(run));
    } else if (!strcmp(request->path, "/readyz")) {
        reply.status = sw__ready(run) ? 200 : 503;
        reply.body = state(run, reply.status == 200);
    } else if (!strcmp(request->path, "/metrics")) {
        enum sw_metrics_format format = sw_metrics_format(request->accept);
        sw__measure(run);
        reply.type = sw_metrics_type(format);
        reply.body = sw_metrics_text(format);
    } else {
        reply.status = 404;
        reply.type = NULL;
        reply.body = sw_strdup("Try /healthz, /readyz or /metrics.\n");
    }
    sw_door_answer(waiting, &reply);
}

int sw__admin_create(struct sw_run *run, struct sw_door **ret) {
    struct sw_door_limits limits = {.body_bytes = 1024, .connections = 64, .idle_s = 30};
    return sw_door_create(run->loop, run->conf.admin, &limits, on_request, NULL, run, ret);
}
