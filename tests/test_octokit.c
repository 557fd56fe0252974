/* test_octokit.c -- GitHub's own examples of webhooks: each is answered, and those that somebody is told of become a record with
 * all that it must have. */
#include "tests/octokit.h"

/* What PROTO.md says is always there; "|" where the older servers name one thing or the other. */
static const struct {
    const char *event, *fields;
} demands[] = {
    {"push", "ref before after forced created deleted count"},
    {"pull_request", "action pull.number pull.title pull.url pull.state pull.draft pull.merged "
                     "pull.head.ref pull.head.sha pull.base.ref pull.user.id pull.user.login"},
    {"status", "sha context state branches commit.message"},
    {"check_run", "action run.id run.name run.status sha app.name"},
    {"check_suite", "action suite.id suite.app.name sha"},
    {"workflow_run", "action workflow.id workflow.name workflow.status workflow.event sha"},
    {"deployment", "deployment.id deployment.sha deployment.ref deployment.environment "
                   "deployment.task deployment.creator.id deployment.creator.login "
                   "deployment.transient deployment.production"},
    {"deployment_status",
     "deployment.id deployment.sha deployment.ref deployment.environment deployment.task "
     "deployment.creator.id deployment.creator.login deployment.transient deployment.production "
     "status.id status.state"},
    {"release", "action release.id release.tag release.draft release.prerelease"},
    {"create", "ref ref_type"},
    {"delete", "ref ref_type"},
    {"repository", "action"},
};
#define ALL "v source type event_id dedupe at_ms repo.id repo.name sender.id sender.login"

struct tally {
    json_t *outcomes; /* event -> {outcome: count} */
    size_t records, largest;
};

static const json_t *at(const json_t *value, const char *path) {
    char name[64];
    while (value && *path) {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)size, path);
        value = json_object_get(value, name);
        path += size + (path[size] == '.');
    }
    return value;
}

static void must_have(const struct octokit_example *e, const char *fields) {
    char path[64];
    while (*fields) {
        size_t size = strcspn(fields, " ");
        snprintf(path, sizeof(path), "%.*s", (int)size, fields);
        if (!at(e->record, path)) {
            SW_AUTO(sw_text) char *text = json_dumps(e->record, 0);
            fail_msg("%s %s %zu: no %s in %s", e->set, e->event, e->index, path, text);
        }
        fields += size + (fields[size] == ' ');
    }
}

/* Nothing in it that is not text, number or flag of the payload's own size; no address of an API, no e-mail address. */
static void must_not_have(const struct octokit_example *e) {
    static const char *const words[] = {"api.github.com", "node_id",    "gravatar", "clone_url",
                                        "_url\":",        "@users.nor", "git://",   "git@"};
    SW_AUTO(sw_text) char *text = json_dumps(e->record, JSON_COMPACT);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        const char *found = strstr(text, words[i]);
        if (found && strncmp(found - 11, "environment_url", 15) != 0)
            fail_msg("%s %s %zu: %s in %s", e->set, e->event, e->index, words[i], text);
    }
}

static void look(void *arg, const struct octokit_example *e) {
    struct tally *tally = arg;
    json_t *row = json_object_get(tally->outcomes, e->event);
    if (!row) {
        row = json_object();
        json_object_set_new(tally->outcomes, e->event, row);
    }
    json_object_set_new(row, e->outcome, json_integer(sw_int(row, e->outcome) + 1));
    if (e->status != 200) fail_msg("%s %s %zu: %s", e->set, e->event, e->index, e->outcome);
    if (!e->record) return;
    size_t size = json_dumpb(e->record, NULL, 0, JSON_COMPACT);
    assert_true(size <= SW_EVENT_BYTES);
    assert_null(sw_event_fault(e->record, sw_str(e->record, "source"), INT64_MAX / 2));
    if (size > tally->largest) tally->largest = size;
    tally->records++;
    must_have(e, ALL);
    must_not_have(e);
    for (size_t i = 0; i < sizeof(demands) / sizeof(*demands); i++) {
        if (!strcmp(demands[i].event, e->event)) must_have(e, demands[i].fields);
    }
}

/* Of a type: a record each, or for its one reason none. */
static void check_type(const char *event, const json_t *outcomes) {
    bool told = false;
    for (size_t i = 0; i < sizeof(demands) / sizeof(*demands); i++)
        told |= !strcmp(demands[i].event, event);
    const char *key;
    json_t *count;
    json_object_foreach((json_t *)outcomes, key, count) {
        print_message("          %-28s %-8s %lld\n", event, key,
                      (long long)json_integer_value(count));
    }
    if (!strcmp(event, "repository")) {
        assert_true(sw_int(outcomes, "record") > 0 && sw_int(outcomes, "ignored") > 0);
        return;
    }
    const char *only = told                                             ? "record"
                       : !strcmp(event, "ping")                         ? "ping"
                       : strcmp(event, "github_app_authorization") != 0 ? "ignored"
                                                                        : "auth";
    if (json_object_size(outcomes) != 1 || !json_object_get(outcomes, only))
        fail_msg("%s: not all of them are %s", event, only);
}

static void every_example_is_answered_and_the_right_ones_go_on(void **state) {
    struct tally tally = {.outcomes = json_object()};
    const char *event;
    json_t *row;
    if (!octokit_each(*state, look, &tally)) {
        json_decref(tally.outcomes);
        print_message(
            "          the examples are not installed: scripts/setup test does it, with npm\n");
        skip();
    }
    json_object_foreach(tally.outcomes, event, row) check_type(event, row);
    for (size_t i = 0; i < sizeof(demands) / sizeof(*demands); i++)
        assert_non_null(json_object_get(tally.outcomes, demands[i].event));
    print_message("          %zu records, the largest %zu bytes\n", tally.records, tally.largest);
    json_decref(tally.outcomes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_example_is_answered_and_the_right_ones_go_on,
                                        world_up, world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
