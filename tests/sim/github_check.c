/* github_check.c -- commit statuses and check runs, and what deployments make of them.
 *
 * A status is one per context and is replaced; a run is one per name and suite, and a new run of
 * a finished one is a rerun that stands beside it. See github.h. */
#include "github_priv.h"

#include <stdlib.h>
#include <string.h>

#define SLOW_CI_MS 8000

static json_t *status_new(struct sim *sim, const char *context, const char *state,
                          const char *text) {
    char at[32];
    int64_t id = sim__github_id(sim);
    sim_time_iso(sim_now_ms(), at);
    SIM_FREE char *node = sim__node_id("SC", id);
    SIM_FREE char *target = sim_fmt("https://ci.example/%s/%lld", context, (long long)id);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", (json_int_t)id, "node_id",
                     node, "context", context, "state", state, "description",
                     text != NULL ? text : state, "target_url", target, "created_at", at,
                     "updated_at", at);
}

static json_t *run_new(struct sim *sim, const char *name, const char *sha, int64_t suite) {
    char at[32];
    int64_t id = sim__github_id(sim);
    sim_time_iso(sim_now_ms(), at);
    SIM_FREE char *node = sim__node_id("CR", id);
    SIM_FREE char *url = sim_fmt("https://ci.example/runs/%lld", (long long)id);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:n, s:s, s:n, s:s, s:s, s:{s:i, s:s, s:s}, "
                     "s:{s:I}, s:{s:n, s:n}, s:[]}",
                     "id", (json_int_t)id, "node_id", node, "name", name, "head_sha", sha, "status",
                     "queued", "conclusion", "started_at", at, "completed_at", "html_url", url,
                     "details_url", url, "app", "id", 15368, "slug", "sim-actions", "name",
                     "Simulated Actions", "check_suite", "id", (json_int_t)suite, "output", "title",
                     "summary", "pull_requests");
}

/* queued, in_progress and pending go on; every other word is how a run ended. */
static void run_settle(json_t *run, const char *state) {
    char at[32];
    sim_time_iso(sim_now_ms(), at);
    bool queued = strcmp(state, "queued") == 0;
    bool running = strcmp(state, "pending") == 0 || strcmp(state, "in_progress") == 0;
    json_object_set_new(run, "status",
                        json_string(queued    ? "queued"
                                    : running ? "in_progress"
                                              : "completed"));
    bool done = !queued && !running;
    json_object_set_new(run, "conclusion", done ? json_string(state) : json_null());
    json_object_set_new(run, "completed_at", done ? json_string(at) : json_null());
}

static bool is_completed(const json_t *run) {
    return strcmp(sim_json_text(run, "status"), "completed") == 0;
}

static void turn_green(struct sim *sim, void *arg, bool dropped) {
    struct sim_repo *repo = arg;
    const char *sha = sim_json_text(repo->refs, "heads/slow-ci");
    json_auto_t *check =
        json_pack("{s:s, s:s, s:s}", "context", "ci/test", "kind", "status", "state", "success");
    if (!dropped && sha != NULL) (void)sim__check_set(sim, repo, sha, check);
}

/* The checks of a commit; they start green, but for those of one branch, which take their time
 * from when somebody first looks. */
static json_t *checks_of(struct sim *sim, struct sim_repo *repo, const char *sha) {
    json_t *checks = json_object_get(repo->checks, sha);
    if (checks != NULL) return checks;
    const char *slow_sha = sim_json_text(repo->refs, "heads/slow-ci");
    bool slow = slow_sha != NULL && strcmp(slow_sha, sha) == 0;
    if (slow) sim_timer_add(sim, SLOW_CI_MS, true, turn_green, repo);
    json_t *run = run_new(sim, "lint", sha, repo->id);
    run_settle(run, "success");
    checks = json_pack("{s:[o], s:[o]}", "statuses",
                       status_new(sim, "ci/test", slow ? "pending" : "success",
                                  slow ? "Tests run" : "All tests passed"),
                       "runs", run);
    json_object_set_new(repo->checks, sha, checks);
    return checks;
}

static json_t *status_set(struct sim *sim, json_t *statuses, const json_t *check) {
    const char *context = sim_json_text(check, "context");
    size_t i;
    json_t *status;
    json_array_foreach(statuses, i, status) {
        if (strcmp(sim_json_text(status, "context"), context) != 0) continue;
        json_array_remove(statuses, i);
        break;
    }
    status = status_new(sim, context, sim_json_text(check, "state"), sim_json_text(check, "text"));
    json_array_insert_new(statuses, 0, status);
    return status;
}

static json_t *run_set(struct sim *sim, struct sim_repo *repo, json_t *runs, const char *sha,
                       const json_t *check) {
    const char *name = sim_json_text(check, "context"), *state = sim_json_text(check, "state");
    int64_t suite = repo->id + sim_json_int(check, "suite", 1) - 1;
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) {
        bool same = strcmp(sim_json_text(run, "name"), name) == 0 &&
                    sim_json_int(json_object_get(run, "check_suite"), "id", 0) == suite;
        if (!same) continue;
        if (is_completed(run)) break;
        run_settle(run, state);
        return run;
    }
    run = run_new(sim, name, sha, suite);
    run_settle(run, state);
    json_array_insert_new(runs, 0, run);
    return run;
}

json_t *sim__check_set(struct sim *sim, struct sim_repo *repo, const char *sha,
                       const json_t *check) {
    json_t *checks = checks_of(sim, repo, sha);
    json_t *runs = json_object_get(checks, "runs");
    const char *kind = sim_json_text(check, "kind");
    bool is_run = kind != NULL && strcmp(kind, "check") == 0;
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) {
        if (kind != NULL) break;
        if (strcmp(sim_json_text(run, "name"), sim_json_text(check, "context")) == 0) is_run = true;
    }
    if (is_run) return run_set(sim, repo, runs, sha, check);
    return status_set(sim, json_object_get(checks, "statuses"), check);
}

/* The newest run of each name and suite; `name` and `status` may be NULL for any. */
static json_t *runs_latest(const json_t *runs, const char *name, const char *status, bool all) {
    json_t *found = json_array();
    json_auto_t *seen = json_object();
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) {
        const char *run_name = sim_json_text(run, "name");
        SIM_FREE char *key = sim_fmt(
            "%lld %s", (long long)sim_json_int(json_object_get(run, "check_suite"), "id", 0),
            run_name);
        bool old = json_object_get(seen, key) != NULL;
        json_object_set_new(seen, key, json_true());
        if (old && !all) continue;
        if (name != NULL && strcmp(name, run_name) != 0) continue;
        if (status != NULL && strcmp(status, sim_json_text(run, "status")) != 0) continue;
        json_array_append(found, run);
    }
    return found;
}

static bool commit_open(struct sim *sim, struct sim_req *req, struct sim_repo **ret_repo,
                        char ret_sha[41]) {
    struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return false;
    if (!sim__repo_sha(sim, repo, req->arg[2], ret_sha)) {
        SIM_FREE char *message = sim_fmt("No commit found for SHA: %s", req->arg[2]);
        sim_github_error(req, 422, message);
        return false;
    }
    *ret_repo = repo;
    return true;
}

void sim_github_status(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    char sha[41];
    if (!commit_open(sim, req, &repo, sha)) return;
    const json_t *statuses = json_object_get(checks_of(sim, repo, sha), "statuses");
    size_t bad = 0, pending = 0, i, count = json_array_size(statuses);
    json_t *status;
    json_array_foreach(statuses, i, status) {
        const char *state = sim_json_text(status, "state");
        if (strcmp(state, "failure") == 0 || strcmp(state, "error") == 0) bad++;
        if (strcmp(state, "pending") == 0) pending++;
    }
    /* A commit without any status is pending, for ever perhaps: GitHub's own choice. */
    const char *state = bad != 0 ? "failure" : pending != 0 || count == 0 ? "pending" : "success";
    SIM_FREE char *url = sim__github_url(req);
    sim_reply_json(req, 200,
                   json_pack("{s:s, s:o, s:s, s:i, s:{s:i, s:s}, s:s}", "state", state, "statuses",
                             sim__github_slice(req, statuses), "sha", sha, "total_count",
                             (int)count, "repository", "id", repo->id, "full_name", repo->full_name,
                             "url", url));
}

void sim_github_runs(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    char sha[41];
    if (!commit_open(sim, req, &repo, sha)) return;
    const char *filter = sim_req_query(req, "filter");
    json_auto_t *runs = runs_latest(json_object_get(checks_of(sim, repo, sha), "runs"),
                                    sim_req_query(req, "check_name"), sim_req_query(req, "status"),
                                    filter != NULL && strcmp(filter, "all") == 0);
    sim_reply_json(req, 200,
                   json_pack("{s:i, s:o}", "total_count", (int)json_array_size(runs), "check_runs",
                             sim__github_slice(req, runs)));
}

static bool is_wanted(const json_t *wanted, const char *context) {
    if (!json_is_array(wanted)) return true;
    size_t i;
    json_t *name;
    json_array_foreach(wanted, i, name) {
        if (strcmp(json_string_value(name), context) == 0) return true;
    }
    return false;
}

static bool context_add(json_t *list, const json_t *wanted, const char *context,
                        const char *state) {
    if (!is_wanted(wanted, context)) return true;
    json_array_append_new(list, json_pack("{s:s, s:s}", "context", context, "state", state));
    return strcmp(state, "success") == 0 || strcmp(state, "neutral") == 0;
}

json_t *sim__check_contexts(struct sim *sim, struct sim_repo *repo, const char *sha,
                            const json_t *wanted, bool *ret_good) {
    const json_t *checks = checks_of(sim, repo, sha);
    json_auto_t *runs = runs_latest(json_object_get(checks, "runs"), NULL, NULL, false);
    json_auto_t *names = json_object();
    json_t *list = json_array(), *item;
    bool good = true;
    size_t i;
    json_array_foreach(json_object_get(checks, "statuses"), i, item) {
        const char *context = sim_json_text(item, "context");
        json_object_set_new(names, context, json_true());
        good = context_add(list, wanted, context, sim_json_text(item, "state")) && good;
    }
    json_array_foreach(runs, i, item) {
        const char *name = sim_json_text(item, "name"), *end = sim_json_text(item, "conclusion");
        json_object_set_new(names, name, json_true());
        good = context_add(list, wanted, name, end != NULL ? end : "pending") && good;
    }
    /* What is asked for and was never reported has not passed. */
    json_array_foreach(wanted, i, item) {
        const char *name = json_string_value(item);
        if (json_object_get(names, name) == NULL) {
            good = context_add(list, NULL, name, "missing") && good;
        }
    }
    *ret_good = good;
    return list;
}
