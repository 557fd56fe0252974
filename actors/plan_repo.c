/* plan_repo.c -- the repository that a pipeline is connected to, as Heroku knows it.
 *
 * Two places at Heroku know it: one behind a feature of the account, and the old service beside the
 * platform. Only what both of them deny is not connected: an outage says nothing. See plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define ACCEPT_NEW "application/vnd.heroku+json; version=3.repositories-api"
#define NAME_BYTES_MAX 200

bool sw__is_deploy(const struct sw__plan *p) {
    return !strcmp(sw_str(p->state, "kind"), "deploy");
}

const char *sw__repo_name(const struct sw__plan *p) {
    return sw_str(json_object_get(p->state, "repo"), "name");
}

/* Only to show it. */
static bool is_read(const struct sw__plan *p) {
    return !sw__plan_kind(p)->acts;
}

static const char *pipeline_id(const struct sw__plan *p) {
    return sw_str(json_object_get(p->state, "pipeline"), "id");
}

int sw__repo_without(struct sw__plan *p, const char *why) {
    json_object_del(p->state, "repo");
    sw__set(p->state, "unrecorded", json_string(why));
    return sw__plan_next(p);
}

/* `info` needs nothing of GitHub, and a release that Heroku knows no commit of has no checks. Whoever
 * does not see the repository, or comes while GitHub is away, gets round its checks by `!` only. */
bool sw__repo_spared(struct sw__plan *p, const struct sw__said *said) {
    bool forced = sw__forced(p);
    bool definite = said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR;
    if (sw__is_deploy(p)) return false;
    if (is_read(p)) return true;
    bool github = !strcmp(sw__plan_upstream(p), "GitHub");
    return github ? forced : definite;
}

int sw__repo_start(struct sw__plan *p) {
    if (sw__plan_has_github(p)) {
        sw__plan_go(p, "repo");
        return 0;
    }
    if (!sw__is_deploy(p)) return sw__plan_next(p);
    sw__plan_fail(p, "error.no_github", NULL);
    return 0;
}

void sw__repo_call(struct sw__plan *p) {
    json_t *request = sw__request("GET", "full_name", "/pipelines/%s/repo", pipeline_id(p));
    sw__set(json_object_get(request, "headers"), "Accept", json_string(ACCEPT_NEW));
    sw__plan_call(p, request);
}

void sw__repo_old_call(struct sw__plan *p) {
    json_t *request =
        sw__request("GET", "repository.name", "/pipelines/%s/repository", pipeline_id(p));
    sw__set(request, "up", json_string("kolkrabbi"));
    sw__plan_call(p, request);
}

static bool part_valid(const char *part, size_t size) {
    static const char good[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
    if (size == 0 || strspn(part, good) < size) return false;
    return strspn(part, ".") < size; /* "." and ".." would be other paths */
}

bool sw__repo_name_valid(const char *name) {
    const char *slash = strchr(name, '/');
    if (!slash || strlen(name) > NAME_BYTES_MAX) return false;
    return part_valid(name, (size_t)(slash - name)) && part_valid(slash + 1, strlen(slash + 1));
}

static int not_connected(struct sw__plan *p) {
    const json_t *pipeline = json_object_get(p->state, "pipeline");
    if (!sw__is_deploy(p)) return sw__repo_without(p, "no_repo");
    sw__plan_fail(p, "error.no_repo",
                  json_pack("{s:O, s:O}", "pipeline", json_object_get(pipeline, "name"),
                            "pipeline_id", json_object_get(pipeline, "id")));
    return 0;
}

static int connected(struct sw__plan *p, const char *name) {
    if (!sw__repo_name_valid(name)) return not_connected(p);
    sw__set(p->state, "repo", json_pack("{s:s}", "name", name));
    return sw__plan_next(p);
}

int sw__repo_said(struct sw__plan *p, const struct sw__said *said) {
    return connected(p, sw_str(said->json, "full_name"));
}

int sw__repo_old_said(struct sw__plan *p, const struct sw__said *said) {
    return connected(p, sw_str(json_object_get(said->json, "repository"), "name"));
}

/* Whatever it refuses: an account without the feature is told nothing by it. */
void sw__repo_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_NO || said->kind == SW__SAID_FACTOR)
        sw__plan_go(p, "repo_old");
    else if (is_read(p))
        sw__repo_without(p, "away");
    else
        sw__plan_trouble(p, said);
}

void sw__repo_old_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_NO && (said->status == 404 || said->status == 403))
        not_connected(p);
    else if (is_read(p))
        sw__repo_without(p, "away");
    else
        sw__plan_trouble(p, said);
}
