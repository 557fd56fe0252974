/* event_github.c -- what goes on of GitHub's events: one table a type; see event.h. */
#include "actors/event_priv.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BODY_BYTES 1000

static const struct sw__row common[] = {
    MUST("repo.id", "repository.id", NUMBER),
    MUST("repo.name", "repository.full_name", REPO),
    MAY("repo.url", "repository.html_url", LINK),
    MAY("repo.default_branch", "repository.default_branch|repository.master_branch", TEXT),
    MAY("repo.private", "repository.private", PERHAPS),
    MAY("sender.id", "sender.id", NUMBER),
    MAY("sender.login", "sender.login", TEXT),
    MAY("action", "action", WORD),
    END,
};

static const struct sw__row push[] = {
    MUST("ref", "ref", TEXT),
    MUST("before", "before", SHA),
    MUST("after", "after", SHA),
    MAY("forced", "forced", FLAG),
    MAY("created", "created", FLAG),
    MAY("deleted", "deleted", FLAG),
    MAY("compare", "compare", LINK),
    MAY("count", "commits", COUNT),
    MAY("head.id", "head_commit.id", SHA),
    MAY("head.message", "head_commit.message", LINE),
    MAY("head.author.login", "head_commit.author.username", TEXT),
    MAY("head.author.name", "head_commit.author.name", TEXT),
    END,
};

static const struct sw__row pull_request[] = {
    MUST("pull.number", "pull_request.number", NUMBER),
    MAY("pull.title", "pull_request.title", TEXT),
    MAY("pull.url", "pull_request.html_url", LINK),
    MUST("pull.state", "pull_request.state", WORD),
    MAY("pull.draft", "pull_request.draft", FLAG),
    MAY("pull.merged", "pull_request.merged", FLAG),
    MAY("pull.head.ref", "pull_request.head.ref", TEXT),
    MUST("pull.head.sha", "pull_request.head.sha", SHA),
    MAY("pull.base.ref", "pull_request.base.ref", TEXT),
    MAY("pull.user.id", "pull_request.user.id", NUMBER),
    MAY("pull.user.login", "pull_request.user.login", TEXT),
    CUT("pull.body", "pull_request.body", TEXT, BODY_BYTES),
    END,
};

static const struct sw__row status[] = {
    MUST("sha", "sha", SHA),
    MUST("context", "context", TEXT),
    MUST("state", "state", WORD),
    MAY("description", "description", TEXT),
    MAY("url", "target_url", LINK),
    MAY("branches", "branches", NAMES),
    MAY("commit.message", "commit.commit.message", LINE),
    MAY("commit.author.id", "commit.author.id", NUMBER),
    MAY("commit.author.login", "commit.author.login", TEXT),
    END,
};

static const struct sw__row check_run[] = {
    MUST("run.id", "check_run.id", NUMBER),
    MUST("run.name", "check_run.name", TEXT),
    MUST("run.status", "check_run.status", WORD),
    MAY("run.conclusion", "check_run.conclusion", WORD),
    MAY("run.url", "check_run.html_url|check_run.details_url", LINK),
    MUST("sha", "check_run.head_sha", SHA),
    MAY("branch", "check_run.check_suite.head_branch", TEXT),
    MAY("app.slug", "check_run.app.slug", WORD),
    MAY("app.name", "check_run.app.name", TEXT),
    END,
};

static const struct sw__row check_suite[] = {
    MUST("suite.id", "check_suite.id", NUMBER),
    MAY("suite.status", "check_suite.status", WORD),
    MAY("suite.conclusion", "check_suite.conclusion", WORD),
    MAY("suite.app.slug", "check_suite.app.slug", WORD),
    MAY("suite.app.name", "check_suite.app.name", TEXT),
    MUST("sha", "check_suite.head_sha", SHA),
    MAY("branch", "check_suite.head_branch", TEXT),
    END,
};

static const struct sw__row workflow_run[] = {
    MUST("workflow.id", "workflow_run.id", NUMBER),
    MAY("workflow.name", "workflow_run.name|workflow.name|workflow_run.display_title", TEXT),
    MUST("workflow.status", "workflow_run.status", WORD),
    MAY("workflow.conclusion", "workflow_run.conclusion", WORD),
    MAY("workflow.url", "workflow_run.html_url", LINK),
    MAY("workflow.attempt", "workflow_run.run_attempt", NUMBER),
    MAY("workflow.event", "workflow_run.event", WORD),
    MUST("sha", "workflow_run.head_sha", SHA),
    MAY("branch", "workflow_run.head_branch", TEXT),
    END,
};

static const struct sw__row deployment[] = {
    MUST("deployment.id", "deployment.id", NUMBER),
    MUST("deployment.sha", "deployment.sha", SHA),
    MUST("deployment.ref", "deployment.ref", TEXT),
    MUST("deployment.environment", "deployment.environment", TEXT),
    MAY("deployment.task", "deployment.task", TEXT),
    MAY("deployment.description", "deployment.description", TEXT),
    MAY("deployment.creator.id", "deployment.creator.id", NUMBER),
    MAY("deployment.creator.login", "deployment.creator.login", TEXT),
    MAY("deployment.transient", "deployment.transient_environment", FLAG),
    MAY("deployment.production", "deployment.production_environment", FLAG),
    MAY("deployment.began_ms", "deployment.created_at", TIME),
    MAY("deployment.op", "deployment.payload", OP),
    END,
};

static const struct sw__row deployment_status[] = {
    MUST("status.id", "deployment_status.id", NUMBER),
    MUST("status.state", "deployment_status.state", WORD),
    MAY("status.description", "deployment_status.description", TEXT),
    MAY("status.url", "deployment_status.log_url|deployment_status.target_url", LINK),
    MAY("status.environment_url", "deployment_status.environment_url", LINK),
    END,
};

static const struct sw__row release[] = {
    MUST("release.id", "release.id", NUMBER),
    MUST("release.tag", "release.tag_name", TEXT),
    MAY("release.name", "release.name", TEXT),
    MAY("release.url", "release.html_url", LINK),
    MAY("release.draft", "release.draft", FLAG),
    MAY("release.prerelease", "release.prerelease", FLAG),
    END,
};

static const struct sw__row refs[] = {
    MUST("ref", "ref", TEXT),
    MUST("ref_type", "ref_type", WORD),
    END,
};

static const struct sw__row nothing[] = {END};

static const struct {
    const char *name;
    const struct sw__row *rows, *more; /* NULL: no more */
    const char *at;                    /* when it happened: as sw__event_ms */
    const char *only, *of;             /* path and words joined by a space; NULL: whatever it is */
} types[] = {
    {"push", push, NULL, "repository.pushed_at|head_commit.timestamp", NULL, NULL},
    {"pull_request", pull_request, NULL, "pull_request.updated_at", NULL, NULL},
    {"status", status, NULL, "updated_at|created_at", NULL, NULL},
    {"check_run", check_run, NULL, "check_run.completed_at|check_run.started_at", NULL, NULL},
    {"check_suite", check_suite, NULL, "check_suite.updated_at|check_suite.created_at", NULL, NULL},
    {"workflow_run", workflow_run, NULL, "workflow_run.updated_at|workflow_run.created_at", NULL,
     NULL},
    {"deployment", deployment, NULL, "deployment.created_at", NULL, NULL},
    {"deployment_status", deployment, deployment_status,
     "deployment_status.created_at|deployment_status.updated_at", NULL, NULL},
    {"release", release, NULL, "release.published_at|release.created_at", NULL, NULL},
    {"create", refs, NULL, "repository.pushed_at", "ref_type", "branch tag"},
    {"delete", refs, NULL, "repository.pushed_at", "ref_type", "branch tag"},
    {"repository", nothing, NULL, "repository.updated_at", "action", "renamed transferred"},
};

/* Whether the text at `path` is among the words of `of`. */
static bool is_one_of(const json_t *payload, const char *path, const char *of) {
    const char *word = json_string_value(sw__event_at(payload, path));
    size_t size = word ? strlen(word) : 0;
    for (; size && *of; of += strcspn(of, " "), of += *of == ' ') {
        if (strcspn(of, " ") == size && !strncmp(of, word, size)) return true;
    }
    return false;
}

static bool is_hook_id(const char *text) {
    size_t size = strspn(text, "0123456789");
    return size <= 20 && !text[size];
}

int sw_event_github(const json_t *payload, const char *name, const char *hook_id,
                    const char *delivery, int64_t now_ms, json_t **ret) {
    size_t i = 0;
    const size_t count = sizeof(types) / sizeof(types[0]);
    while (i < count && strcmp(types[i].name, name) != 0)
        i++;
    if (i == count || (types[i].only && !is_one_of(payload, types[i].only, types[i].of)))
        return -ENOENT;
    if (!sw_event_is_id(delivery) || !is_hook_id(hook_id)) return -EBADMSG;
    SW_AUTO(sw_json)
    json_t *record = json_pack(
        "{s:i, s:o, s:s, s:s, s:o, s:I}", "v", 1, "source",
        json_sprintf("github/%lld",
                     (long long)json_integer_value(sw__event_at(payload, "repository.id"))),
        "type", name, "event_id", delivery, "dedupe", json_sprintf("gh:%s:%s", hook_id, delivery),
        "at_ms", (json_int_t)sw__event_ms(payload, types[i].at, now_ms));
    const struct sw__row *const tables[] = {common, types[i].rows, types[i].more};
    int r = sw__event_fill(record, payload, tables);
    if (r == 0) *ret = sw_take(&record);
    return r;
}
