/* test_octokit_notify.c -- GitHub's own examples of webhooks, on through notifier: which of them a channel that hears of everything
 * is shown, and that the others say why not. */
#include "tests/octokit.h"

#include "actors/actors.h"
#include "actors/templates.h"

#define NOTICE_BYTES (12 * 1024)
#define START_MS 1764000000000LL

/* Beyond what test_subject_octokit.c says of subjects: whether a channel is sent them. */
static const struct {
    const char *event, *action; /* NULL: whatever */
    bool shown;
} rows[] = {
    {"push", "tag", false}, /* "create" says so, too */
    {"push", "deleted", false},
    {"push", NULL, true},
    {"check_run", NULL, true},
    {"check_suite", "completed", true},
    {"status", NULL, true},
    {"workflow_run", NULL, true},
    {"deployment", NULL, true},
    {"deployment_status", NULL, true},
    {"pull_request", "opened", true},
    {"pull_request", "closed", true},
    {"pull_request", "reopened", true},
    {"pull_request", "ready_for_review", true},
    {"pull_request", "converted_to_draft", true},
    {"pull_request", NULL, false},
    {"release", "published", true},
    {"release", NULL, false},
    {"repository", NULL, false},
};

struct tally {
    json_t *seen; /* "event action shown" -> count */
    size_t largest;
};

static json_t *facts_of(const json_t *record) {
    SW_AUTO(sw_text) char *src = sw_printf("src/T0SIM1/%s", sw_str(record, "source"));
    const json_t *repo = json_object_get(record, "repo");
    json_t *facts =
        json_pack("{s:{s:{s:s, s:s}, s:[], s:{s:O, s:O}, s:{s:s, s:s, s:s}, s:[{s:s, s:s, s:s}]}}",
                  "pipe/T0SIM1/p1", "pipeline", "id", "p1", "name", "storefront", "apps", "repo",
                  "id", json_object_get(repo, "id"), "name", json_object_get(repo, "name"), "owner",
                  "user", "U0ADA", "team", "T0SIM1", "channel", "C0OPS", "routes", "id", "r7k2",
                  "channel", "C0OPS", "team", "T0SIM1");
    json_object_set_new(facts, src, json_pack("[s]", "p1"));
    return facts;
}

/* Both parts of a notice have words, and those are short enough for Slack's queue. */
static void check_notice(struct tally *tally, const json_t *body) {
    static const char *const parts[] = {"parent", "log", "digest", "broadcast"};
    size_t size = json_dumpb(body, NULL, 0, JSON_COMPACT);
    assert_true(size < NOTICE_BYTES + 512);
    if (size > tally->largest) tally->largest = size;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const json_t *part = json_object_get(body, parts[i]);
        if (!part) continue;
        SW_AUTO(sw_json)
        json_t *message = sw_template_render(&(struct sw_template_in){
            .id = sw_str(part, "template"), .data = json_object_get(part, "data"), .cmd = "0001"});
        assert_true(sw_str(message, "text")[0]);
        assert_null(strstr(sw_str(message, "text"), "no words for"));
    }
}

static bool is_shown(struct tally *tally, const json_t *record, const char **ret_never,
                     json_t **ret_outputs) {
    static struct sw_conf conf;
    struct sw_ctx ctx = {.now_ms = START_MS, .attempt = 1, .conf = &conf};
    SW_AUTO(sw_json) json_t *facts = facts_of(record);
    struct sw_msg *m = sw_msg_create(SW_KIND_EVENT, "0001-event", "T0SIM1", START_MS);
    json_t *o;
    size_t i;
    bool shown = false;
    json_object_update(m->body, (json_t *)record);
    int r = sw_step(&sw_actor_notifier, &ctx, m, facts, ret_outputs);
    sw_msg_destroy(m);
    assert_int_equal(r, 0);
    *ret_never = "";
    json_array_foreach(*ret_outputs, i, o) {
        const char *name = sw_str(o, "name");
        if (!strcmp(sw_str(o, "kind"), SW_KIND_NOTICE)) {
            shown = true;
            check_notice(tally, json_object_get(o, "body"));
        }
        if (!strncmp(name, "why/", 4)) *ret_never = sw_str(json_object_get(o, "value"), "never");
    }
    return shown;
}

/* Its action; a push has none. */
static const char *action_of(const json_t *record) {
    if (strcmp(sw_str(record, "type"), "push") != 0) return sw_str(record, "action");
    if (!strncmp(sw_str(record, "ref"), "refs/tags/", 10)) return "tag";
    return json_is_true(json_object_get(record, "deleted")) ? "deleted" : "";
}

static void look(void *arg, const struct octokit_example *e) {
    struct tally *tally = arg;
    const char *never, *action = action_of(e->record);
    SW_AUTO(sw_json) json_t *outputs = NULL;
    if (!e->record) return;
    bool shown = is_shown(tally, e->record, &never, &outputs);
    SW_AUTO(sw_text)
    char *key = sw_printf("%-18s %-22s %s%s", e->event, action, shown ? "shown" : "not: ", never);
    json_object_set_new(tally->seen, key, json_integer(sw_int(tally->seen, key) + 1));
    if (!shown && !never[0]) fail_msg("%s: neither shown nor said why not", key);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(rows[i].event, e->event) || (rows[i].action && strcmp(rows[i].action, action)))
            continue;
        if (rows[i].shown != shown) fail_msg("%s %zu: %s", e->set, e->index, key);
        break;
    }
}

static void the_right_examples_appear_and_the_others_say_why_not(void **state) {
    struct tally tally = {.seen = json_object()};
    const char *key;
    json_t *count;
    bool there = octokit_each(*state, look, &tally);
    json_object_foreach(tally.seen, key, count) {
        print_message("          %s: %lld\n", key, (long long)json_integer_value(count));
    }
    json_decref(tally.seen);
    if (!there) {
        print_message("          the examples are not installed: scripts/setup test does it\n");
        skip();
    }
    print_message("          the largest notice has %zu bytes\n", tally.largest);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        the_right_examples_appear_and_the_others_say_why_not, world_up, world_down)};
    return cmocka_run_group_tests_name("octokit_notify", tests, NULL, NULL);
}
