/* admin_actors.c -- the actors of a local Slipway: who runs, what they owe, and killing one.
 *
 * The actors file is written by `slipway up`; only pids listed there can be killed. Added to each
 * actor: up, owner (shards it owns now), owed (messages) and rate (messages a second since the last
 * look); what a process does not say stays out. */
#include "out.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define METRICS_WAIT_MS 1000

struct gather {
    struct sim_req *req;
    json_t *actors;
    size_t open;
};
struct asked {
    struct gather *gather;
    json_t *actor;
};

static json_t *actors_load(const struct sim *sim) {
    json_t *file =
        sim->conf.actors_file != NULL ? json_load_file(sim->conf.actors_file, 0, NULL) : NULL;
    if (!json_is_array(json_object_get(file, "actors"))) {
        json_decref(file);
        return json_pack("{s:n, s:[]}", "ingress", "actors");
    }
    return file;
}

/* The sum of all samples of one name; false when there is none. */
static bool metric_sum(const char *text, const char *name, double *ret_sum) {
    double sum = 0;
    bool any = false;
    size_t len = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, len) == 0 && (line[len] == '{' || line[len] == ' ')) {
            const char *brace = line[len] == '{' ? strchr(line, '}') : NULL;
            sum += strtod(brace != NULL ? brace + 1 : line + len, NULL);
            any = true;
        }
        line = strchr(line, '\n');
        if (line != NULL) line++;
    }
    if (any) *ret_sum = sum;
    return any;
}

/* The rate is what was done since the last time somebody looked. */
static double rate_since(struct sim *sim, const char *key, double done) {
    double now = (double)sim_mono_ms();
    const json_t *seen = json_object_get(sim->actor_seen, key);
    double before = json_number_value(json_object_get(seen, "done"));
    double at = json_number_value(json_object_get(seen, "at"));
    double rate =
        seen != NULL && now > at && done >= before ? (done - before) * 1000 / (now - at) : 0;
    if (seen != NULL && now - at < 200) return json_number_value(json_object_get(seen, "rate"));
    json_object_set_new(sim->actor_seen, key,
                        json_pack("{s:f, s:f, s:f}", "done", done, "at", now, "rate", rate));
    return rate;
}

static void gather_end(struct gather *g) {
    sim_reply_json(g->req, 200, g->actors);
    sim_req_release(g->req);
    free(g);
}

static void answered(struct sim *sim, void *arg, const struct sim_out_answer *answer) {
    struct asked *asked = arg;
    struct gather *g = asked->gather;
    json_t *actor = asked->actor;
    json_object_set_new(actor, "up", json_boolean(answer->status == 200));
    if (answer->status == 200) {
        SIM_FREE char *key = sim_fmt("%lld", (long long)sim_json_int(actor, "pid", 0));
        double sum = 0;
        if (metric_sum(answer->body, "slipway_shards_owned", &sum)) {
            json_object_set_new(actor, "owner", json_real(sum));
        }
        if (metric_sum(answer->body, "slipway_owed", &sum)) {
            json_object_set_new(actor, "owed", json_real(sum));
        }
        if (metric_sum(answer->body, "slipway_handled_total", &sum)) {
            json_object_set_new(actor, "rate", json_real(rate_since(sim, key, sum)));
        }
    }
    free(asked);
    if (--g->open == 0) gather_end(g);
}

void sim_admin_actors(struct sim *sim, struct sim_req *req) {
    struct gather *g = sim_alloc(sizeof(*g));
    g->req = req;
    g->actors = actors_load(sim);
    g->open = 1; /* ours, so that it cannot end while we are still asking */
    sim_req_hold(req);
    size_t i;
    json_t *actor;
    json_array_foreach(json_object_get(g->actors, "actors"), i, actor) {
        const char *admin = sim_json_text(actor, "admin");
        if (admin == NULL || strncmp(admin, "http://127.0.0.1:", 17) != 0) continue;
        struct asked *asked = sim_alloc(sizeof(*asked));
        asked->gather = g;
        asked->actor = actor;
        SIM_FREE char *url = sim_fmt("%s/metrics", admin);
        struct sim_out_req out = {.method = "GET", .url = url, .timeout_ms = METRICS_WAIT_MS};
        g->open++;
        sim_out_start(sim, &out, answered, asked);
    }
    if (--g->open == 0) gather_end(g);
}

/* The pid of the last one killed, 0: none. */
static int64_t kill_listed(const struct sim *sim, const char *role, int64_t pid, bool all) {
    json_auto_t *file = actors_load(sim);
    int64_t killed = 0;
    size_t i;
    json_t *actor;
    json_array_foreach(json_object_get(file, "actors"), i, actor) {
        int64_t listed = sim_json_int(actor, "pid", 0);
        const char *listed_role = sim_json_text(actor, "role");
        bool same = role != NULL && listed_role != NULL && strcmp(role, listed_role) == 0;
        if (listed <= 1 || (killed != 0 && !all) || (listed != pid && !same)) continue;
        if (kill((pid_t)listed, SIGKILL) == 0) killed = listed;
    }
    return killed;
}

void sim_actors_kill(const struct sim *sim, const char *role) {
    kill_listed(sim, role, 0, true);
}

void sim_admin_kill(struct sim *sim, struct sim_req *req) {
    json_auto_t *body = sim_req_json(req);
    int64_t killed =
        kill_listed(sim, sim_json_text(body, "role"), sim_json_int(body, "pid", 0), false);
    if (killed == 0) {
        sim_reply_error(req, 404, "not_found", "No such running process in the actors file.");
        return;
    }
    sim_reply_json(req, 200, json_pack("{s:b, s:I}", "ok", 1, "pid", (json_int_t)killed));
}
