/* test_subject_octokit.c -- GitHub's own examples of webhooks: which of them appear, as what, and why the others do not. */
#include "tests/octokit.h"
#include "tests/subject_world.h"

/* Of a type and action: the kind of its subject, or why there is none. What is not named here is shown. */
static const struct {
    const char *event, *action, *outcome;
} rows[] = {
    {"push", "", "commit"},
    {"push", "", "a tag was pushed"},
    {"push", "", "a push without commits"},
    {"push", "", "a branch or tag was deleted"},
    {"status", "", "commit"},
    {"check_run", NULL, "commit"},
    {"check_suite", NULL, "commit"}, /* asked for again, it tells of its last end */
    {"check_suite", NULL, "a check suite that has not ended"},
    {"workflow_run", NULL, "commit"},
    {"pull_request", "opened", "pull"},
    {"pull_request", "reopened", "pull"},
    {"pull_request", "closed", "pull"},
    {"pull_request", "ready_for_review", "pull"},
    {"pull_request", "converted_to_draft", "pull"},
    {"pull_request", NULL, "a pull request "},
    {"pull_request", "review_requested", "a review was asked for"},
    {"deployment", NULL, "deployment"},
    {"deployment_status", NULL, "deployment"},
    {"create", "", "tag"},
    {"create", "", "a branch was made: its push says it"},
    {"delete", "", "tag"},
    {"release", "published", "tag"},
    {"release", NULL, "a release "},
    {"repository", NULL, "an event that is never shown"},
};

static bool is_expected(const char *event, const char *action, const char *outcome) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(rows[i].event, event) && (!rows[i].action || !strcmp(rows[i].action, action)) &&
            !strncmp(rows[i].outcome, outcome, strlen(rows[i].outcome)))
            return true;
    }
    return false;
}

/* Everything that its message needs is there: a value that is not would be shown as "?". */
static void check_message(const json_t *record) {
    bool changed;
    SW_AUTO(sw_json) json_t *state = sw_subject_fold(NULL, record, &changed);
    SW_AUTO(sw_json) json_t *notice = sw_subject_notice(state, NULL, NULL);
    SW_AUTO(sw_text) char *text = shown(json_object_get(notice, "parent"));
    struct sw_subject_facts facts;
    sw_subject_facts(record, NULL, &facts);
    if (!changed || strstr(text, " ?") || strstr(text, "*?*") || strstr(text, "`?`") ||
        strlen(text) < 20 || !facts.word[0])
        fail_msg("%s of %s", text, sw_str(record, "type"));
}

static void look(void *arg, const struct octokit_example *e) {
    char key[SW_SUBJECT_KEY] = "";
    const char *why = "", *action = sw_str(e->record, "action");
    if (!e->record) return;
    int r = sw_subject_key(e->record, NULL, key, &why);
    if (r == 0) key[strcspn(key, "/")] = 0;
    if (r == -EBADMSG || !is_expected(e->event, action, r ? why : key))
        fail_msg("%s %s %zu, %s: %s", e->set, e->event, e->index, action, r ? why : key);
    if (r == 0) check_message(e->record);
    SW_AUTO(sw_text) char *name = sw_printf("%s %s: %s", e->event, action, r ? why : key);
    json_object_set_new(arg, name, json_integer(sw_int(arg, name) + 1));
}

static void of_githubs_examples_the_right_ones_appear(void **state) {
    SW_AUTO(sw_json) json_t *seen = json_object();
    const char *name;
    json_t *count;
    if (!octokit_each(*state, look, seen)) {
        print_message(
            "          the examples are not installed: scripts/setup test does it, with npm\n");
        skip();
    }
    json_object_foreach(seen, name, count) {
        print_message("          %3lld %s\n", (long long)json_integer_value(count), name);
    }
    assert_true(json_object_size(seen) > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_githubs_examples_the_right_ones_appear, world_up,
                                        world_down),
    };
    return cmocka_run_group_tests_name("subject_octokit", tests, NULL, NULL);
}
