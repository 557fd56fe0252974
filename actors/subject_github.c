/* subject_github.c -- pull requests, tags and releases of a repository; see subject_priv.h. */
#include "actors/subject_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- pull requests ---- */

static const struct turn {
    const char *action, *word, *state;
    int rank;
} turns[] = {
    {"opened", "opened", "started", 1},
    {"converted_to_draft", "draft", "", 2},
    {"ready_for_review", "ready", "started", 3},
    {"reopened", "reopened", "started", 4},
    {"closed", "closed", "", 5},
    {"closed", "merged", "succeeded", 6},
};

static const struct turn *turn_of(const json_t *event) {
    bool merged = json_is_true(json_object_get(json_object_get(event, "pull"), "merged"));
    for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
        if (sw__is(event, "action", turns[i].action) &&
            (!merged || turns[i].rank != 5)) /* closed, but not merged */
            return &turns[i];
    }
    return NULL;
}

static int pull_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    static const struct {
        const char *action, *why;
    } rows[] = {{"labeled", "a pull request was labeled"},
                {"unlabeled", "a pull request lost a label"},
                {"synchronize", "a pull request got new commits"},
                {"edited", "a pull request was edited"},
                {"assigned", "a pull request was assigned"},
                {"review_requested", "a review was asked for"}};
    char repo[72], number[72];
    (void)pipeline;
    *ret_why = "a pull request changed in a way that is not shown";
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (sw__is(event, "action", rows[i].action)) *ret_why = rows[i].why;
    }
    if (!turn_of(event)) return -ENOENT;
    sw__id_of(event, "repo.id", repo, sizeof(repo));
    sw__id_of(event, "pull.number", number, sizeof(number));
    return sw__key(ret, "pull", repo, number);
}

static void pull_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    const json_t *pull = json_object_get(event, "pull");
    const struct turn *turn = turn_of(event);
    (void)pipeline;
    ret->word = "pulls";
    ret->state = turn ? turn->state : "";
    sw__copy(ret->branch, sizeof(ret->branch), sw_str(json_object_get(pull, "base"), "ref"));
}

static const char *pull_kind(const json_t *event) {
    return turn_of(event) ? "pull" : NULL;
}

static void pull_fold(json_t *state, const json_t *event) {
    const json_t *pull = json_object_get(event, "pull");
    const struct turn *turn = turn_of(event);
    const char *word = turn->word;
    json_t *by = sw__person_github(json_object_get(event, "sender"));
    int64_t at_ms = sw__at(event);
    if (turn->rank == 1 && json_is_true(json_object_get(pull, "draft"))) word = "draft";
    sw__fold_repo(state, event);
    sw__fold_reg(state, "head", at_ms, turn->rank,
                 json_pack("{s:I, s:o*, s:o*, s:o*, s:o*, s:o*}", "number", sw_int(pull, "number"),
                           "title", sw__words(pull, "title", SW__TITLE_BYTES), "url",
                           sw__url(pull, "url", SW__URL_BYTES), "head",
                           sw__words(pull, "head.ref", 100), "base",
                           sw__words(pull, "base.ref", 100), "author",
                           sw__person_github(json_object_get(pull, "user"))));
    sw__fold_line(state, at_ms, turn->rank,
                  !strcmp(turn->word, "opened") ? "pull_opened"
                  : turn->rank == 2             ? "pull_draft"
                  : turn->rank == 3             ? "pull_ready"
                  : turn->rank == 4             ? "pull_reopened"
                  : turn->rank == 5             ? "pull_closed"
                                                : "pull_merged",
                  json_pack("{s:O*}", "by", by));
    sw__fold_reg(state, "state", at_ms, turn->rank, json_pack("{s:s, s:o*}", "w", word, "by", by));
}

static const char *pull_phase(const json_t *state) {
    const char *word = sw_str(sw__reg(state, "state"), "w");
    static const char *const own[] = {"draft", "closed", "merged"};
    for (size_t i = 0; i < 3; i++) {
        if (!strcmp(word, own[i])) return own[i];
    }
    return NULL;
}

static const char *pull_state(const char *phase) {
    return !phase ? "started" : !strcmp(phase, "merged") ? "succeeded" : "";
}

static bool pull_ended(const char *phase) {
    return phase && strcmp(phase, "draft") != 0;
}

static void pull_show(const json_t *state, const char *phase, const json_t *pipeline,
                      json_t *data) {
    const json_t *head = sw__reg(state, "head");
    const json_t *by = pull_ended(phase) ? json_object_get(sw__reg(state, "state"), "by") : NULL;
    (void)pipeline;
    json_object_update(data, (json_t *)head);
    json_object_del(data, "author");
    sw__put(data, "by", json_incref(by ? (json_t *)by : json_object_get(head, "author")));
    sw__put(data, "repo", json_incref(json_object_get(sw__reg(state, "repo"), "name")));
}

const struct sw__view sw__view_pull = {.kind = "pull",
                                       .phase = pull_phase,
                                       .state = pull_state,
                                       .ended = pull_ended,
                                       .show = pull_show};

/* ---- tags, branches, releases ---- */

static int tag_key(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why) {
    const char *type = sw_str(event, "type");
    bool is_branch = sw__is(event, "ref_type", "branch");
    const json_t *release = json_object_get(event, "release");
    const char *ref = !strcmp(type, "release") ? sw_str(release, "tag") : sw_str(event, "ref");
    char repo[72], tail[60];
    (void)pipeline;
    *ret_why = NULL;
    if (!strcmp(type, "create") && is_branch) *ret_why = "a branch was made: its push says it";
    if (strcmp(type, "release") != 0 && !is_branch && !sw__is(event, "ref_type", "tag"))
        *ret_why = "neither a tag nor a branch";
    if (!strcmp(type, "release") && !sw__is(event, "action", "published"))
        *ret_why = "a release was not published, or only edited";
    if (!strcmp(type, "release") && json_is_true(json_object_get(release, "draft")))
        *ret_why = "a release is a draft";
    if (*ret_why) return -ENOENT;
    if (!ref[0]) return -EBADMSG;
    sw__id_of(event, "repo.id", repo, sizeof(repo));
    SW_AUTO(sw_text) char *whole = sw_printf("%s/%s", is_branch ? "heads" : "tags", ref);
    sw__key_tail(whole, sizeof(tail) - 1, tail);
    return sw__key(ret, "tag", repo, tail);
}

static void tag_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret) {
    (void)pipeline;
    ret->word = "tags";
    if (sw__is(event, "ref_type", "branch"))
        sw__copy(ret->branch, sizeof(ret->branch), sw_str(event, "ref"));
}

static const char *tag_kind(const json_t *event) {
    (void)event;
    return "tag";
}

static void tag_fold(json_t *state, const json_t *event) {
    const char *type = sw_str(event, "type");
    json_t *by = sw__person_github(json_object_get(event, "sender"));
    bool is_release = !strcmp(type, "release"), is_branch = sw__is(event, "ref_type", "branch");
    const char *word = is_release                ? "published"
                       : is_branch               ? "branch_deleted"
                       : !strcmp(type, "delete") ? "deleted"
                                                 : "created";
    int rank = is_release ? 2 : !strcmp(word, "created") ? 1 : 3;
    sw__fold_repo(state, event);
    sw__fold_reg(state, "ref", 0, 0,
                 is_release ? sw__words(event, "release.tag", 120) : sw__words(event, "ref", 120));
    sw__fold_line(state, sw__at(event), rank, is_branch ? "deleted" : word,
                  json_pack("{s:O*}", "by", by));
    if (is_release)
        sw__fold_reg(state, "release", sw__at(event), 0,
                     json_pack("{s:o*, s:o*, s:O*, s:O*}", "name",
                               sw__words(event, "release.name", SW__TITLE_BYTES), "url",
                               sw__url(event, "release.url", SW__URL_BYTES), "prerelease",
                               json_object_get(json_object_get(event, "release"), "prerelease"),
                               "by", by));
    sw__fold_reg(state, "last", sw__at(event), rank, json_pack("{s:s, s:o*}", "w", word, "by", by));
}

static const char *tag_phase(const json_t *state) {
    const char *word = sw_str(sw__reg(state, "last"), "w");
    if (!strcmp(word, "deleted")) return "deleted";
    if (!strcmp(word, "branch_deleted")) return "branch_deleted";
    return sw__reg(state, "release") ? "published" : NULL;
}

static const char *tag_state(const char *phase) {
    (void)phase;
    return "";
}

static bool tag_ended(const char *phase) {
    (void)phase;
    return true;
}

static void tag_show(const json_t *state, const char *phase, const json_t *pipeline, json_t *data) {
    const json_t *release = sw__reg(state, "release"), *last = sw__reg(state, "last");
    bool published = phase && !strcmp(phase, "published");
    (void)pipeline;
    if (published) json_object_update(data, (json_t *)release);
    if (!published) sw__put(data, "by", json_incref(json_object_get(last, "by")));
    sw__put(data, "repo", json_incref(json_object_get(sw__reg(state, "repo"), "name")));
    sw__put(data, "ref", json_incref((json_t *)sw__reg(state, "ref")));
}

const struct sw__view sw__view_tag = {
    .kind = "tag", .phase = tag_phase, .state = tag_state, .ended = tag_ended, .show = tag_show};

const struct sw__about sw__about_github[] = {
    {"pull_request", pull_key, pull_facts, pull_kind, pull_fold},
    {"create", tag_key, tag_facts, tag_kind, tag_fold},
    {"delete", tag_key, tag_facts, tag_kind, tag_fold},
    {"release", tag_key, tag_facts, tag_kind, tag_fold},
    {0},
};
