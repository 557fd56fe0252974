/* github_hook.c -- webhooks of a repository, which only its administrators see, and their deliveries; see github.h. */
#include "github_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *const known[] = {"*",
                                    "check_run",
                                    "check_suite",
                                    "create",
                                    "delete",
                                    "deployment",
                                    "deployment_status",
                                    "issue_comment",
                                    "issues",
                                    "meta",
                                    "ping",
                                    "pull_request",
                                    "pull_request_review",
                                    "push",
                                    "release",
                                    "repository",
                                    "status",
                                    "workflow_job",
                                    "workflow_run"};

/* Whoever may not administer it is told that there is nothing. */
static struct sim_repo *repo_of(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo = sim__repo_of(sim, req, SIM_RIGHT_READ);
    if (repo == NULL) return NULL;
    if (repo->right[sim_github_bearer(req) - sim->github->person] == SIM_RIGHT_ADMIN) return repo;
    sim_github_error(req, 404, "Not Found");
    return NULL;
}

static json_t *hook_of(struct sim *sim, struct sim_req *req, struct sim_repo **ret_repo) {
    struct sim_repo *repo = *ret_repo = repo_of(sim, req);
    size_t i;
    json_t *hook;
    json_array_foreach(repo != NULL ? repo->hooks : NULL, i, hook) {
        long long id = sim_json_int(json_object_get(hook, "shown"), "id", 0);
        if (id == strtoll(req->arg[2], NULL, 10)) return hook;
    }
    if (repo != NULL) sim_github_error(req, 404, "Not Found");
    return NULL;
}

static void refuse(struct sim_req *req, const char *field, const char *message) {
    sim__github_invalid(req, "Hook", field, "custom", message);
}

static bool events_ok(struct sim_req *req, const json_t *ask, const char *key) {
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(ask, key), i, event) {
        bool ok = false;
        for (size_t k = 0; json_is_string(event) && k < SIM_ARRAY_LEN(known); k++) {
            ok = ok || strcmp(known[k], json_string_value(event)) == 0;
        }
        if (ok) continue;
        refuse(req, "events", "is not an event of repositories");
        return false;
    }
    return true;
}

static void events_add(json_t *list, const json_t *more) {
    size_t i, k;
    json_t *event, *there;
    json_array_foreach(more, i, event) {
        bool has = false;
        json_array_foreach(list, k, there) {
            has = has || json_equal(there, event);
        }
        if (!has) json_array_append(list, event);
    }
}

static void events_remove(json_t *list, const json_t *less) {
    size_t i;
    json_t *event;
    json_array_foreach(less, i, event) {
        for (size_t k = json_array_size(list); k-- > 0;) {
            if (json_equal(json_array_get(list, k), event)) json_array_remove(list, k);
        }
    }
}

/* The secret is kept apart: what is shown of it are asterisks. A config is replaced as a whole. */
static void fields_set(json_t *hook, const json_t *ask) {
    json_t *shown = json_object_get(hook, "shown");
    const json_t *config = json_object_get(ask, "config"), *active = json_object_get(ask, "active");
    const char *secret = sim_json_text(config, "secret"), *type;
    char now[32];
    if (config != NULL) {
        type = sim_json_text(config, "content_type");
        json_t *set = json_pack("{s:s, s:s, s:s}", "content_type", type != NULL ? type : "form",
                                "insecure_ssl", "0", "url", sim_json_text(config, "url"));
        if (secret != NULL) json_object_set_new(set, "secret", json_string("********"));
        json_object_set_new(shown, "config", set);
        json_object_set_new(hook, "secret", secret != NULL ? json_string(secret) : json_null());
    }
    if (json_is_boolean(active)) json_object_set_new(shown, "active", json_copy((json_t *)active));
    const json_t *events = json_object_get(ask, "events");
    if (json_array_size(events) != 0) {
        json_object_set_new(shown, "events", json_deep_copy(events));
    }
    events_add(json_object_get(shown, "events"), json_object_get(ask, "add_events"));
    events_remove(json_object_get(shown, "events"), json_object_get(ask, "remove_events"));
    sim_time_iso(sim_now_ms(), now);
    json_object_set_new(shown, "updated_at", json_string(now));
}

static bool url_taken(const struct sim_repo *repo, const char *url, const json_t *but) {
    size_t i;
    json_t *hook;
    json_array_foreach(repo->hooks, i, hook) {
        const json_t *config = json_object_get(json_object_get(hook, "shown"), "config");
        if (hook != but && strcmp(sim_json_text(config, "url"), url) == 0) return true;
    }
    return false;
}

/* False: refused and answered. */
static bool ask_ok(struct sim_req *req, const struct sim_repo *repo, const json_t *ask,
                   const json_t *hook) {
    const json_t *config = json_object_get(ask, "config");
    const char *url = sim_json_text(config, "url"), *name = sim_json_text(ask, "name");
    if (!json_is_object(ask)) {
        sim_github_error(req, 400, "Problems parsing JSON");
    } else if (hook == NULL && name != NULL && strcmp(name, "web") != 0) {
        refuse(req, "name", "must be web");
    } else if ((hook == NULL || config != NULL) && (url == NULL || strncmp(url, "http", 4) != 0)) {
        refuse(req, "config", "url must be an HTTP address");
    } else if (url != NULL && url_taken(repo, url, hook)) {
        refuse(req, "config", "Hook already exists on this repository");
    } else {
        return events_ok(req, ask, "events") && events_ok(req, ask, "add_events");
    }
    return false;
}

void sim_repo_hook_post(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo = repo_of(sim, req);
    json_auto_t *ask = sim_req_json(req);
    if (repo == NULL || !ask_ok(req, repo, ask, NULL)) return;
    char now[32];
    int64_t id = sim__github_id(sim);
    sim_time_iso(sim_now_ms(), now);
    SIM_FREE char *url =
        sim_fmt("%s/github/repos/%s/hooks/%lld", sim->base, repo->full_name, (long long)id);
    SIM_FREE char *ping = sim_fmt("%s/pings", url);
    SIM_FREE char *deliveries = sim_fmt("%s/deliveries", url);
    json_t *hook = json_pack("{s:{s:s, s:I, s:s, s:b, s:[s], s:s, s:s, s:s, s:s, s:{s:n, s:s, "
                             "s:n}}, s:[]}",
                             "shown", "type", "Repository", "id", (json_int_t)id, "name", "web",
                             "active", 1, "events", "push", "created_at", now, "url", url,
                             "ping_url", ping, "deliveries_url", deliveries, "last_response",
                             "code", "status", "unused", "message", "deliveries");
    fields_set(hook, ask);
    json_array_append_new(repo->hooks, hook);
    sim_reply_json(req, 201, json_deep_copy(json_object_get(hook, "shown")));
    sim__github_ping(sim, repo, hook);
}

void sim_repo_hook_list(struct sim *sim, struct sim_req *req) {
    const struct sim_repo *repo = repo_of(sim, req);
    if (repo == NULL) return;
    json_auto_t *shown = json_array();
    size_t i;
    json_t *hook;
    json_array_foreach(repo->hooks, i, hook) {
        json_array_append(shown, json_object_get(hook, "shown"));
    }
    sim_reply_json(req, 200, sim__github_slice(req, shown));
}

void sim_repo_hook_get(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    const json_t *hook = hook_of(sim, req, &repo);
    if (hook != NULL) sim_reply_json(req, 200, json_deep_copy(json_object_get(hook, "shown")));
}

void sim_repo_hook_patch(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    json_t *hook = hook_of(sim, req, &repo);
    json_auto_t *ask = sim_req_json(req);
    if (hook == NULL || !ask_ok(req, repo, ask, hook)) return;
    fields_set(hook, ask);
    sim_reply_json(req, 200, json_deep_copy(json_object_get(hook, "shown")));
}

void sim_repo_hook_delete(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    const json_t *hook = hook_of(sim, req, &repo);
    if (hook == NULL) return;
    for (size_t i = json_array_size(repo->hooks); i-- > 0;) {
        if (json_array_get(repo->hooks, i) == hook) json_array_remove(repo->hooks, i);
    }
    sim_reply_data(req, 204, NULL, "", 0);
}

/* Newest first; the cursor is the id of the last one that was shown. */
void sim_repo_delivery_list(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    const json_t *hook = hook_of(sim, req, &repo);
    if (hook == NULL) return;
    const json_t *all = json_object_get(hook, "deliveries");
    const char *cursor = sim_req_query(req, "cursor"), *size = sim_req_query(req, "per_page");
    long long before =
        cursor != NULL && strncmp(cursor, "v1_", 3) == 0 ? strtoll(cursor + 3, NULL, 10) : 0;
    size_t max = size != NULL ? strtoul(size, NULL, 10) : 30;
    if (max < 1 || max > 100) max = 100;
    json_t *page = json_array();
    for (size_t i = json_array_size(all); i-- > 0;) {
        const json_t *record = json_array_get(all, i);
        long long id = sim_json_int(record, "id", 0);
        if (before != 0 && id >= before) continue;
        if (json_array_size(page) == max) {
            long long last = sim_json_int(json_array_get(page, max - 1), "id", 0);
            SIM_FREE char *url = sim__github_url(req);
            SIM_FREE char *link =
                sim_fmt("<%s?per_page=%zu&cursor=v1_%lld>; rel=\"next\"", url, max, last);
            sim_reply_header(req, "Link", link);
            break;
        }
        json_t *shown = json_copy((json_t *)record);
        json_object_del(shown, "request");
        json_object_del(shown, "response");
        json_array_append_new(page, shown);
    }
    sim_reply_json(req, 200, page);
}

static json_t *delivery_of(struct sim_req *req, const json_t *hook) {
    size_t i;
    json_t *record;
    json_array_foreach(json_object_get(hook, "deliveries"), i, record) {
        if (sim_json_int(record, "id", 0) == strtoll(req->arg[3], NULL, 10)) return record;
    }
    if (hook != NULL) sim_github_error(req, 404, "Not Found");
    return NULL;
}

void sim_repo_delivery_get(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    const json_t *record = delivery_of(req, hook_of(sim, req, &repo));
    if (record != NULL) sim_reply_json(req, 200, json_deep_copy(record));
}

void sim_repo_delivery_again(struct sim *sim, struct sim_req *req) {
    struct sim_repo *repo;
    json_t *hook = hook_of(sim, req, &repo), *record = delivery_of(req, hook);
    if (record == NULL) return;
    sim__github_again(sim, repo, hook, record);
    sim_reply_json(req, 202, json_object());
}
