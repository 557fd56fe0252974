/* github_world.c -- the fixtures of GitHub, and how refs and commits are found; see github.h. */
#include "github_priv.h"

#include "heroku.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NONE SIM_RIGHT_NONE
#define READ SIM_RIGHT_READ
#define WRITE SIM_RIGHT_WRITE
#define ADMIN SIM_RIGHT_ADMIN

static const struct sim_person people[] = {{.login = "ada-l", .name = "Ada L", .id = 1001},
                                           {.login = "bob-b", .name = "Bob B", .id = 1002},
                                           {.login = "cyd-c", .name = "Cyd C", .id = 1003}};
static const struct {
    const char *name, *full_name;
    int id;
    enum sim_right right[3];
    const char *refs[6]; /* the first one is the default branch */
    const char *behind;
} repo_rows[] = {
    {"storefront",
     "acme/storefront",
     7001,
     {ADMIN, WRITE, NONE},
     {"heads/main", "heads/hot-fix", "heads/feature/cart", "heads/slow-ci", "tags/v1.2"},
     "feature/cart"},
    {"billing", "acme/billing", 7002, {ADMIN, READ, NONE}, {"heads/trunk"}, NULL},
    {"atlas", "acme/atlas", 7003, {ADMIN, NONE, NONE}, {"heads/main"}, NULL},
};

static void repo_fill(const struct sim *sim, struct sim_repo *repo, size_t row) {
    *repo = (struct sim_repo){.name = repo_rows[row].name,
                              .full_name = repo_rows[row].full_name,
                              .id = repo_rows[row].id,
                              .branch = repo_rows[row].refs[0] + strlen("heads/"),
                              .refs = json_object(),
                              .behind = json_object(),
                              .commits = json_object(),
                              .checks = json_object(),
                              .deployments = json_array(),
                              .hooks = json_array(),
                              .pushed_s = sim->started_ms / 1000 - 86400,
                              .pulls = json_array()};
    memcpy(repo->right, repo_rows[row].right, sizeof(repo->right));
    if (repo_rows[row].behind != NULL) {
        json_object_set_new(repo->behind, repo_rows[row].behind, json_true());
    }
    for (const char *const *ref = repo_rows[row].refs; *ref != NULL; ref++) {
        char sha[41];
        SIM_FREE char *label = sim_fmt("commit %s %s", repo->full_name, *ref);
        SIM_FREE char *message = sim_fmt("Work on %s", strchr(*ref, '/') + 1);
        sim_hex_seeded(sim->conf.seed, label, sha, 40);
        json_object_set_new(repo->refs, *ref, json_string(sha));
        json_object_set_new(repo->commits, sha, json_string(message));
    }
}

void sim__repo_finish(struct sim_repo *repo) {
    json_decref(repo->refs);
    json_decref(repo->behind);
    json_decref(repo->commits);
    json_decref(repo->checks);
    json_decref(repo->deployments);
    json_decref(repo->hooks);
    json_decref(repo->pulls);
}

struct sim_github *sim_github_create(const struct sim *sim) {
    struct sim_github *g = sim_alloc(sizeof(*g));
    memcpy(g->person, people, sizeof(people));
    for (size_t i = 0; i < SIM_ARRAY_LEN(g->repo); i++) {
        repo_fill(sim, &g->repo[i], i);
    }
    g->codes = sim_map_create();
    g->grants = sim_map_create();
    g->tokens = sim_map_create();
    g->archives = sim_map_create();
    /* A number that an earlier run gave must not come again: people keep links to deployments. */
    g->next_id = sim->started_ms;
    return g;
}

void sim_github_forget(struct sim *sim) {
    struct sim_github *g = sim->github;
    for (size_t i = 0; i < SIM_ARRAY_LEN(g->repo); i++) {
        sim__repo_finish(&g->repo[i]);
        repo_fill(sim, &g->repo[i], i);
    }
    for (size_t i = 0; i < SIM_ARRAY_LEN(g->person); i++) {
        g->person[i].used = g->person[i].window_end_ms = 0;
    }
    g->pushes = g->deployments = g->refused = g->statuses = 0;
    sim_map_destroy(g->archives, free);
    g->archives = sim_map_create();
}

int64_t sim__github_id(struct sim *sim) {
    return sim->github->next_id++;
}

void sim_github_counts(const struct sim *sim, json_t *state) {
    const struct sim_github *g = sim->github;
    json_object_set_new(state, "deployments", json_integer((json_int_t)g->deployments));
    json_object_set_new(state, "deployments_refused", json_integer((json_int_t)g->refused));
    json_object_set_new(state, "deployment_statuses", json_integer((json_int_t)g->statuses));
}

struct sim_person *sim_person_find(struct sim *sim, const char *login) {
    for (size_t i = 0; login != NULL && i < SIM_ARRAY_LEN(people); i++) {
        if (strcasecmp(people[i].login, login) == 0) return &sim->github->person[i];
    }
    return NULL;
}

json_t *sim__person_json(const struct sim *sim, const struct sim_person *person) {
    SIM_FREE char *url = sim_fmt("%s/github/users/%s", sim->base, person->login);
    SIM_FREE char *html = sim_fmt("%s/github.com/%s", sim->base, person->login);
    SIM_FREE char *node = sim__node_id("U", person->id);
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:b}", "login", person->login, "id",
                     person->id, "node_id", node, "url", url, "html_url", html, "type", "User",
                     "site_admin", 0);
}

json_t *sim__repo_json(const struct sim *sim, const struct sim_repo *repo) {
    SIM_FREE char *url = sim_fmt("%s/github/repos/%s", sim->base, repo->full_name);
    SIM_FREE char *html = sim_fmt("%s/github.com/%s", sim->base, repo->full_name);
    SIM_FREE char *node = sim__node_id("R", repo->id);
    char pushed_at[32];
    sim_time_iso(repo->pushed_s * 1000, pushed_at);
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:{s:s, s:i, s:s}, s:s, s:s, s:n, s:b, s:s, s:b, "
        "s:b, s:s}",
        "pushed_at", pushed_at, "updated_at", pushed_at, "id", repo->id, "node_id", node, "name",
        repo->name, "full_name", repo->full_name, "private", 1, "owner", "login", "acme", "id", 900,
        "type", "Organization", "url", url, "html_url", html, "description", "fork", 0,
        "default_branch", repo->branch, "archived", 0, "disabled", 0, "visibility", "private");
}

struct sim_repo *sim__repo_find(struct sim *sim, const char *full_name) {
    for (size_t i = 0; full_name != NULL && i < SIM_ARRAY_LEN(sim->github->repo); i++) {
        struct sim_repo *repo = &sim->github->repo[i];
        if (strcasecmp(repo->full_name, full_name) == 0) return repo;
    }
    return NULL;
}

/* What a person may not see does not exist for them: 404, never 403. */
struct sim_repo *sim__repo_of(struct sim *sim, struct sim_req *req, enum sim_right need) {
    SIM_FREE char *name = sim_fmt("%s/%s", req->arg[0], req->arg[1]);
    struct sim_repo *repo = sim__repo_find(sim, name);
    const struct sim_person *person = sim_github_bearer(req);
    enum sim_right right = NONE;
    if (repo != NULL && person != NULL) right = repo->right[person - sim->github->person];
    /* An OAuth app's token reaches private repositories by its scope only. */
    if (req->github != NULL && req->github->grant->refresh[0] == '\0' &&
        strstr(req->github->grant->scope, "repo") == NULL) {
        right = NONE;
    }
    if (right == NONE) {
        sim_github_error(req, 404, "Not Found");
        return NULL;
    }
    if (right >= need) return repo;
    sim_github_error(req, 403, "You need write access to this repository for that.");
    return NULL;
}

const char *sim__repo_branch(const struct sim_repo *repo, const char *ref) {
    if (strncmp(ref, "refs/", 5) == 0) ref += 5;
    if (strncmp(ref, "heads/", 6) == 0) ref += 6;
    const char *name;
    json_t *sha;
    json_object_foreach(repo->refs, name, sha) {
        if (strncmp(name, "heads/", 6) == 0 && strcmp(name + 6, ref) == 0) return name + 6;
    }
    return NULL;
}

/* The commits that slugs of the repository's pipeline were built from. */
static const char *slug_commit(struct sim *sim, const struct sim_repo *repo, const char *start) {
    const struct sim_heroku *h = sim->heroku;
    for (size_t i = 0; i < h->apps; i++) {
        if (strcmp(sim_json_text(h->app[i]->pipeline->info, "name"), repo->name) != 0) continue;
        size_t n;
        json_t *release;
        json_array_foreach(h->app[i]->releases, n, release) {
            const char *slug_id = sim_json_text2(release, "slug", "id");
            const json_t *slug = slug_id != NULL ? sim_map_get(h->slugs, slug_id) : NULL;
            const char *commit = sim_json_text(slug, "commit");
            if (commit != NULL && strlen(commit) == 40 &&
                strncmp(commit, start, strlen(start)) == 0) {
                return commit;
            }
        }
    }
    return NULL;
}

static const char *commit_of(struct sim *sim, const struct sim_repo *repo, const char *start) {
    size_t len = strlen(start);
    if (len < 7 || len > 40 || strspn(start, "0123456789abcdef") != len) return NULL;
    const char *sha;
    json_t *message;
    json_object_foreach(repo->commits, sha, message) {
        if (strncmp(sha, start, len) == 0) return sha;
    }
    return slug_commit(sim, repo, start);
}

bool sim__repo_sha(struct sim *sim, const struct sim_repo *repo, const char *ref,
                   char ret_sha[41]) {
    static const char *const places[] = {"", "heads/", "tags/"};
    if (strncmp(ref, "refs/", 5) == 0) ref += 5;
    const char *sha = strlen(ref) == 40 ? commit_of(sim, repo, ref) : NULL;
    for (size_t i = 0; i < SIM_ARRAY_LEN(places) && sha == NULL; i++) {
        SIM_FREE char *name = sim_fmt("%s%s", places[i], ref);
        sha = sim_json_text(repo->refs, name);
    }
    if (sha == NULL) sha = commit_of(sim, repo, ref);
    if (sha == NULL) return false;
    memmove(ret_sha, sha, 41);
    return true;
}

void sim__repo_move(struct sim_repo *repo, const char *branch, const char *message,
                    char ret_sha[41]) {
    SIM_FREE char *name = sim_fmt("heads/%s", branch);
    sim_random_hex(ret_sha, 40);
    repo->pushed_s = sim_now_ms() / 1000;
    json_object_set_new(repo->refs, name, json_string(ret_sha));
    json_object_set_new(repo->commits, ret_sha, json_string(message));
}
