/* subject_ci.c -- a commit: its push, and all that tests say of it.
 *
 * A context is what one line of GitHub's list of checks is. As GitHub's own roll-up does it, neutral
 * and skipped count as passed; failure, error, timed_out, startup_failure and action_required as
 * failed. Cancelled and stale, which GitHub shows red as well, are a state of their own here: not
 * green, but nobody is called for what somebody stopped, or a newer push did. An app's check suite
 * and Actions' workflow run stand in for its runs where none is known, and Heroku's own word of its
 * CI for the status that it gives GitHub. */
#include "actors/subject_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEROKU_CI "heroku-ci" /* tells GitHub, too, of its runs */

/* How far a context is: letters are kept in the state. */
static const struct outcome {
    const char *word, *letter, *say, *state;
    int rank;
} outcomes[] = {
    {"in_progress", "q", "ci_started", "started", 2},
    {"pending", "q", "ci_started", "started", 2},
    {"running", "q", "ci_started", "started", 2},
    {"success", "s", "ci_passed", "succeeded", 5},
    {"succeeded", "s", "ci_passed", "succeeded", 5},
    {"neutral", "n", "ci_skipped", "succeeded", 4},
    {"skipped", "n", "ci_skipped", "succeeded", 4},
    {"cancelled", "c", "ci_cancelled", "", 6},
    {"stale", "c", "ci_cancelled", "", 6},
    {"failure", "f", "ci_failed", "failed", 7},
    {"failed", "f", "ci_failed", "failed", 7},
    {"error", "f", "ci_failed", "failed", 7},
    {"errored", "f", "ci_failed", "failed", 7},
    {"timed_out", "f", "ci_failed", "failed", 7},
    {"startup_failure", "f", "ci_failed", "failed", 7},
    {"action_required", "f", "ci_failed", "failed", 7},
    {"", "q", NULL, "started", 1}, /* queued, requested, waiting, ...: not begun */
};

static const struct outcome *outcome_of(const char *word) {
    const struct outcome *row = outcomes;
    while (row->word[0] && strcmp(row->word, word) != 0)
        row++;
    return row;
}

/* One context as one event tells of it. */
struct context {
    const char *
        level; /* "c" context, "r" run, "w" workflow run, "s" suite, "h" Heroku's own word of its CI */
    const char *app;
    json_t *name; /* NULL: the event says none */
    char id[72];
    const char *word;
    json_t *url;
};

static void read_run(const json_t *event, const char *object, struct context *ret) {
    const json_t *run = json_object_get(event, object);
    bool done = sw__is(run, "status", "completed");
    SW_AUTO(sw_text) char *url = sw_printf("%s.url", object);
    SW_AUTO(sw_text) char *id = sw_printf("%s.id", object);
    ret->word = sw_str(run, done ? "conclusion" : "status");
    ret->url = sw__url(event, url, SW__URL_BYTES);
    sw__id_of(event, id, ret->id, sizeof(ret->id));
}

static struct context context_of(const json_t *event) {
    const char *type = sw_str(event, "type");
    struct context c = {.level = "c", .app = "", .word = ""};
    if (!strcmp(type, "status")) {
        c.name = sw__words(event, "context", SW__NAME_BYTES);
        if (sw__is(event, "context", "continuous-integration/heroku")) c.app = HEROKU_CI;
        c.word = sw_str(event, "state");
        c.url = sw__url(event, "url", SW__URL_BYTES);
    } else if (!strcmp(type, "check_run")) {
        read_run(event, "run", &c);
        c.level = "r";
        c.app = sw_str(json_object_get(event, "app"), "slug");
        c.name = sw__words(event, "run.name", SW__NAME_BYTES);
    } else if (!strcmp(type, "workflow_run")) {
        read_run(event, "workflow", &c);
        c.level = "w";
        c.app = "github-actions";
        c.name = sw__words(event, "workflow.name", SW__NAME_BYTES);
    } else if (!strcmp(type, "check_suite")) {
        const json_t *suite = json_object_get(event, "suite");
        read_run(event, "suite", &c);
        c.level = "s";
        c.app = sw_str(json_object_get(suite, "app"), "slug");
        c.name = sw__words(event, "suite.app.name", SW__NAME_BYTES);
    } else if (!strcmp(type, "test-run")) {
        const json_t *run = json_object_get(event, "run");
        c.level = "h";
        c.app = HEROKU_CI;
        c.name = json_string("Heroku CI");
        c.word = sw_str(run, "status");
        sw__id_of(event, "run.id", c.id, sizeof(c.id));
    }
    return c;
}

static void drop_context(struct context *c) {
    json_decref(c->name);
    json_decref(c->url);
}

static const char *sha_of(const json_t *event) {
    const char *type = sw_str(event, "type");
    const char *sha = !strcmp(type, "push")       ? sw_str(event, "after")
                      : !strcmp(type, "test-run") ? sw_str(json_object_get(event, "run"), "sha")
                                                  : sw_str(event, "sha");
    size_t n = strspn(sha, "0123456789abcdef");
    return n >= 7 && n <= 64 && !sha[n] ? sha : "";
}

static int key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    char repo[72];
    (void)pipeline, (void)ret_why;
    sw__id_of(event, "repo.id", repo, sizeof(repo));
    return sw__key(ret, "commit", repo, sha_of(event));
}

static int push_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    const char *ref = sw_str(event, "ref");
    *ret_why = json_is_true(json_object_get(event, "deleted")) ? "a branch or tag was deleted"
               : strncmp(ref, "refs/heads/", 11) != 0          ? "a tag was pushed"
               : sw_int(event, "count") <= 0                   ? "a push without commits"
                                                               : NULL;
    return *ret_why ? -ENOENT : key(event, pipeline, ret, ret_why);
}

/* GitHub opens a suite for each app that could have checks, and of most nothing more is heard. */
static bool is_open_suite(const json_t *event) {
    return sw__is(event, "type", "check_suite") &&
           !sw__is(json_object_get(event, "suite"), "status", "completed");
}

static int suite_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    *ret_why = "a check suite that has not ended: its runs say more";
    return is_open_suite(event) ? -ENOENT : key(event, pipeline, ret, ret_why);
}

static int test_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    char id[72];
    (void)ret_why;
    sw__id_of(pipeline, "repo.id", id, sizeof(id));
    if (id[0]) return sw__key(ret, "commit", id, sha_of(event));
    sw__id_of(event, "pipeline.id", id, sizeof(id));
    return sw__key(ret, "pipeline", id, sha_of(event));
}

static const char *branch_of(const json_t *event) {
    const char *type = sw_str(event, "type");
    json_t *branches = json_object_get(event, "branches"), *one;
    const char *first = "", *main = sw_str(json_object_get(event, "repo"), "default_branch");
    size_t i;
    if (!strcmp(type, "push")) {
        const char *ref = sw_str(event, "ref");
        return !strncmp(ref, "refs/heads/", 11) ? ref + 11 : "";
    }
    if (!strcmp(type, "test-run")) return sw_str(json_object_get(event, "run"), "branch");
    if (strcmp(type, "status") != 0) return sw_str(event, "branch");
    json_array_foreach(branches, i, one) {
        const char *name = json_is_string(one) ? json_string_value(one) : "";
        if (!strcmp(name, main)) return name;
        if (!first[0]) first = name;
    }
    return first;
}

static void push_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    (void)pipeline;
    ret->word = "pushes";
    sw__copy(ret->branch, sizeof(ret->branch), branch_of(event));
}

static void facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    struct context c = context_of(event);
    (void)pipeline;
    ret->word = "ci";
    ret->state = outcome_of(c.word)->state;
    sw__copy(ret->branch, sizeof(ret->branch), branch_of(event));
    drop_context(&c);
}

static const char *kind(const json_t *event) {
    return is_open_suite(event) ? NULL : "commit";
}

static void fold_commit(json_t *state, const json_t *event) {
    int64_t at_ms = sw__at(event);
    SW_AUTO(sw_json) json_t *branch = json_pack("{s:s}", "b", branch_of(event));
    sw__fold_repo(state, event);
    sw__fold_reg(state, "sha", 0, 0, json_string(sha_of(event)));
    sw__fold_reg(state, "branch", at_ms, 0, sw__words(branch, "b", 120));
}

static void fold_push(json_t *state, const json_t *event) {
    json_t *by = sw__person_github(json_object_get(event, "sender"));
    SW_AUTO(sw_json) json_t *branch = json_pack("{s:s}", "b", branch_of(event));
    if (!by) by = json_pack("{s:s}", "n", "Someone");
    json_t *push = json_pack("{s:I, s:O, s:o*, s:o*, s:o*}", "count", sw_int(event, "count"), "by",
                             by, "branch", sw__words(branch, "b", 120), "message",
                             sw__words(event, "head.message", SW__TITLE_BYTES), "url",
                             sw__url(event, "compare", SW__URL_BYTES));
    if (json_is_true(json_object_get(event, "forced"))) sw__put(push, "forced", json_true());
    sw__fold_line(state, sw__at(event), 0, "pushed",
                  json_pack("{s:O, s:b, s:o, s:O*, s:O*}", "count", json_object_get(push, "count"),
                            "several", sw_int(event, "count") > 1, "by", by, "branch",
                            json_object_get(push, "branch"), "forced",
                            json_object_get(push, "forced")));
    fold_commit(state, event);
    sw__fold_reg(state, "push", sw__at(event), 0, push);
}

static void fold(json_t *state, const json_t *event) {
    struct context c = context_of(event);
    const struct outcome *row = outcome_of(c.word);
    int64_t at_ms = sw__at(event);
    json_t *message = sw__words(event, "commit.message", SW__TITLE_BYTES);
    if (!message) message = sw__words(event, "run.message", SW__TITLE_BYTES);
    fold_commit(state, event);
    sw__fold_reg(state, "message", 0, 0, message);
    if (c.name) {
        SW_AUTO(sw_text)
        char *part = sw_printf("%s/%.60s/%s", c.level, c.app, json_string_value(c.name));
        json_t *value = json_pack("{s:O, s:s, s:s}", "n", c.name, "l", c.level, "s", row->letter);
        json_t *args = json_pack("{s:O, s:s}", "name", c.name, "l", c.level);
        SW_AUTO(sw_json) json_t *app = json_pack("{s:s}", "a", c.app);
        SW_AUTO(sw_json) json_t *slug = sw__words(app, "a", 40);
        if (slug) json_object_set(value, "a", slug);
        if (slug) json_object_set(args, "a", slug);
        if (c.id[0]) sw__put(args, "i", json_string(c.id));
        if (row->letter[0] == 'f' && c.url && json_string_length(c.url) <= 160)
            json_object_set(value, "u", c.url);
        if (!strcmp(c.word, "timed_out") || !strcmp(c.word, "action_required"))
            sw__put(args, "why", json_string(c.word[0] == 't' ? "timed out" : "needs action"));
        sw__fold_part(state, part, at_ms, row->rank, value);
        sw__fold_first(state, at_ms);
        if (row->say)
            sw__fold_line(state, at_ms, row->rank, row->say, args);
        else
            json_decref(args);
    }
    drop_context(&c);
}

const struct sw__about sw__about_ci[] = {
    {"push", push_key, push_facts, kind, fold_push},
    {"status", key, facts, kind, fold},
    {"check_run", key, facts, kind, fold},
    {"check_suite", suite_key, facts, kind, fold},
    {"workflow_run", key, facts, kind, fold},
    {"test-run", test_key, facts, kind, fold},
    {0},
};
