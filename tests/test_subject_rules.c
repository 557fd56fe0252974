/* test_subject_rules.c -- what filters look at, what is never shown, and that no text of an event can do harm. */
#include "tests/subject_histories.h"

static void filters_see_word_stage_branch_and_state(void **state) {
    static const struct {
        const char *event, *word, *stage, *branch, *is;
    } rows[] = {
        {"0 {" PUSH, "pushes", "", "main", ""},
        {"0 {" STATUS("x", "pending"), "ci", "", "main", "started"},
        {"0 {" STATUS("x", "error"), "ci", "", "main", "failed"},
        {"0 {" RUN("1", "x", DONE("neutral")), "ci", "", "main", "succeeded"},
        {"0 {" RUN("1", "x", DONE("cancelled")), "ci", "", "main", ""},
        {"0 {" RUN("1", "x", DONE("action_required")), "ci", "", "main", "failed"},
        {"0 {" RUN("1", "x", "'status':'queued'"), "ci", "", "main", "started"},
        {"0 {" SUITE(DONE("success")), "ci", "", "main", "succeeded"},
        {"0 {" WORKFLOW(DONE("timed_out")), "ci", "", "main", "failed"},
        {"0 {" TESTS("errored"), "ci", "", "main", "failed"},
        {"0 {" PULL("opened", ""), "pulls", "", "main", "started"},
        {"0 {" PULL("closed", ""), "pulls", "", "main", ""},
        {"0 {" PULL("closed", ",'merged':true"), "pulls", "", "main", "succeeded"},
        {"0 {" ASKED("9", "prod"), "deploys", "production", "main", "started"},
        {"0 {" IS("9", "stg", "success", ""), "deploys", "staging", "main", "succeeded"},
        {"0 {" IS("9", "storefront", "error", ""), "deploys", "production", "main", "failed"},
        {"0 {" IS("9", "staging/storefront-eu", "pending", ""), "deploys", "staging", "main",
         "started"},
        {"0 {" IS("9", "qa", "inactive", ""), "deploys", "", "main", ""},
        {"0 {" IS("9", "app-pr-3", "success", ""), "reviews", "review", "main", "succeeded"},
        {"0 {" BUILD("b", "pending"), "deploys", "staging", "", "started"},
        {"0 {" BUILD("b", "succeeded"), "deploys", "staging", "", "started"},
        {"0 {" BUILD("b", "failed"), "deploys", "staging", "", "failed"},
        {"0 {" RELEASE("4", "succeeded", "Deploy 4f2a9c1d"), "deploys", "staging", "", "succeeded"},
        {"0 {" RELEASE("4", "pending", "Rollback to v2"), "releases", "staging", "", "started"},
        {"0 {" DYNO("web.1", "crashed", "4"), "crashes", "staging", "", "failed"},
        {"0 {" APP("destroy", ""), "apps", "staging", "", ""},
        {"0 {" TAG("create"), "tags", "", "", ""},
        {"0 {'type':'delete'," REPO ",'ref':'fix','ref_type':'branch'}", "tags", "", "fix", ""},
    };
    SW_AUTO(sw_json) json_t *pipeline = quoted(PIPELINE);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sw_subject_facts facts;
        SW_AUTO(sw_json) json_t *event = event_of(rows[i].event);
        sw_subject_facts(event, pipeline, &facts);
        if (strcmp(facts.word, rows[i].word) || strcmp(facts.stage, rows[i].stage) ||
            strcmp(facts.branch, rows[i].branch) || strcmp(facts.state, rows[i].is))
            fail_msg("%s: %s, %s, %s, %s", rows[i].event, facts.word, facts.stage, facts.branch,
                     facts.state);
    }
}

static void what_is_never_shown_has_a_reason(void **state) {
    static const struct {
        const char *event;
        int r;
        const char *why;
    } rows[] = {
        {"0 {'type':'star'}", -ENOENT, "an event that is never shown"},
        {"0 {'type':'repository','action':'renamed'," REPO "}", -ENOENT,
         "an event that is never shown"},
        {"0 {'type':'push'," REPO ",'ref':'refs/heads/x','deleted':true,'after':'" SHA "'}",
         -ENOENT, "a branch or tag was deleted"},
        {"0 {'type':'push'," REPO ",'ref':'refs/tags/x','count':1,'after':'" SHA "'}", -ENOENT,
         "a tag was pushed"},
        {"0 {'type':'push'," REPO ",'ref':'refs/heads/x','count':0,'after':'" SHA "'}", -ENOENT,
         "a push without commits"},
        {"0 {" PULL("labeled", ""), -ENOENT, "a pull request was labeled"},
        {"0 {" PULL("synchronize", ""), -ENOENT, "a pull request got new commits"},
        {"0 {" PULL("milestoned", ""), -ENOENT,
         "a pull request changed in a way that is not shown"},
        {"0 {" SUITE("'status':'queued'"), -ENOENT,
         "a check suite that has not ended: its runs say more"},
        {"0 {'type':'create'," REPO ",'ref':'x','ref_type':'branch'}", -ENOENT,
         "a branch was made: its push says it"},
        {"0 {'type':'release','action':'created'," REPO ",'release':{'tag':'v1'}}", -ENOENT,
         "a release was not published, or only edited"},
        {"0 {'type':'release','action':'published'," REPO ",'release':{'tag':'v1','draft':true}}",
         -ENOENT, "a release is a draft"},
        {"0 {" RELEASE("4", "expired", "x"), -ENOENT, "a release that neither runs nor ended"},
        {"0 {" DYNO("web.1", "starting", "4"), -ENOENT, "a dyno that did not crash"},
        {"0 {" DYNO("run.77", "crashed", "4"), -ENOENT,
         "a dyno that somebody or a release phase ran"},
        {"0 {" APP("update", ""), -ENOENT, "a setting of an app changed that is not shown"},
        {"0 {'type':'push'," REPO ",'ref':'refs/heads/x','count':1}", -EBADMSG,
         "an event without what it must have"},
        {"0 {'type':'status','sha':'" SHA "','state':'success','context':'x'}", -EBADMSG,
         "an event without what it must have"},
        {"-1764252000 {" PUSH, -EBADMSG, "an event without what it must have"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char key[SW_SUBJECT_KEY] = "as it was";
        const char *why = "";
        SW_AUTO(sw_json) json_t *event = event_of(rows[i].event);
        int r = sw_subject_key(event, NULL, key, &why);
        if (r != rows[i].r || strcmp(why, rows[i].why) || strcmp(key, "as it was"))
            fail_msg("%s: %d, %s", rows[i].event, r, why);
    }
}

static void a_dyno_that_is_up_finds_the_subject_of_its_release(void **state) {
    static const struct {
        const char *event, *link;
    } rows[] = {{"0 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"), "up/a1/v43"},
                {"0 {" DYNO("web.1", "up", "43"), "up/a1/v43"},
                {"0 {" DYNO("run.1", "up", "43"), NULL},
                {"0 {" DYNO("web.1", "crashed", "43"), NULL},
                {"0 {" BUILD("b", "pending"), NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char link[SW_SUBJECT_KEY] = "";
        SW_AUTO(sw_json) json_t *event = event_of(rows[i].event);
        int r = sw_subject_link(event, link);
        assert_int_equal(r, rows[i].link ? 0 : -ENOENT);
        assert_string_equal(link, rows[i].link ? rows[i].link : "");
    }
}

static void an_event_that_says_nothing_new_changes_nothing(void **state) {
    (void)state;
    for (const struct history *h = histories; h->name; h++) {
        SW_AUTO(sw_json) json_t *subject = fold_all(h->events);
        for (size_t i = 0; h->events[i]; i++) {
            bool changed = true;
            SW_AUTO(sw_json) json_t *event = event_of(h->events[i]);
            SW_AUTO(sw_json) json_t *next = sw_subject_fold(subject, event, &changed);
            if (changed || !json_equal(next, subject)) fail_msg("%s: %s", h->name, h->events[i]);
        }
    }
}

static void an_event_of_another_subject_changes_nothing(void **state) {
    static const char *const push[] = {"0 {" PUSH, NULL};
    bool changed = true;
    SW_AUTO(sw_json) json_t *subject = fold_all(push);
    SW_AUTO(sw_json) json_t *event = event_of("0 {" PULL("opened", ""));
    SW_AUTO(sw_json) json_t *next = sw_subject_fold(subject, event, &changed);
    (void)state;
    assert_false(changed);
    assert_true(json_equal(next, subject));
}

static void people_are_named_once_and_the_actor_first(void **state) {
    static const char *const pull[] = {"0 {" PULL("opened", ""), NULL};
    SW_AUTO(sw_json) json_t *subject = fold_all(pull);
    SW_AUTO(sw_json) json_t *people = sw_subject_people(subject);
    SW_AUTO(sw_json)
    json_t *expected = quoted("[{'provider':'github','id':'12'},{'provider':'github','id':'11'}]");
    (void)state;
    assert_true(json_equal(people, expected));
}

static void nobody_is_mentioned_who_is_not_linked(void **state) {
    (void)state;
    SW_AUTO(sw_json)
    json_t *event =
        quoted("{'type':'delete'," REPO ",'ref':'x','ref_type':'tag','at_ms':1764252000000,"
               "'sender':{'id':5,'login':'U0EVE'}}");
    bool changed;
    SW_AUTO(sw_json) json_t *subject = sw_subject_fold(NULL, event, &changed);
    SW_AUTO(sw_json) json_t *notice = sw_subject_notice(subject, NULL, NULL);
    SW_AUTO(sw_text) char *text = shown(json_object_get(notice, "parent"));
    assert_string_equal(text, "The tag `x` of *acme/storefront* was deleted, by U0EVE");
}

static void a_late_start_takes_its_place_in_the_history(void **state) {
    static const char *const late[] = {"9 {" RUN("1", "lint", DONE("success")),
                                       "3 {" RUN("1", "lint", RUNS), NULL};
    SW_AUTO(sw_json) json_t *subject = fold_all(late);
    SW_AUTO(sw_json) json_t *notice = notice_of(subject);
    SW_AUTO(sw_text) char *log = shown_log(notice);
    (void)state;
    assert_string_equal(sw_subject_state(subject), "succeeded");
    assert_string_equal(log, "What happened:\n3  \xe2\x80\xa6 `lint` began\n9  \xe2\x9c\x94 `lint` "
                             "passed");
}

static void of_a_long_history_the_first_and_the_newest_are_kept(void **state) {
    json_t *subject = NULL;
    bool changed;
    (void)state;
    for (int i = 0; i < 400; i++) {
        SW_AUTO(sw_text) char *line = sw_printf("%d {" DYNO("web.1", "crashed", "9"), i * 7 % 400);
        SW_AUTO(sw_json) json_t *event = event_of(line), *old = subject;
        subject = sw_subject_fold(old, event, &changed);
        if (i != 99) continue;
        SW_AUTO(sw_json) json_t *notice = notice_of(subject);
        SW_AUTO(sw_text) char *log = shown_log(notice);
        assert_non_null(strstr(log, "\n60 lines are left out here\n"));
    }
    SW_AUTO(sw_json) json_t *notice = notice_of(subject);
    SW_AUTO(sw_text) char *log = shown_log(notice);
    const json_t *lines =
        json_object_get(json_object_get(json_object_get(notice, "log"), "data"), "lines");
    assert_int_equal(json_array_size(lines), 41);
    assert_non_null(strstr(log,
                           "\n4  \xe2\x9c\x96 `web.1` crashed\nMore than 216 lines are left out "
                           "here\n365  \xe2\x9c\x96 `web.1` crashed\n"));
    SW_AUTO(sw_text) char *parent = shown(json_object_get(notice, "parent"));
    assert_non_null(strstr(parent, "crashed 20 times or more"));
    json_decref(subject);
}

/* ---- harm ---- */

/* Nothing acts but our own mentions, times and links, and those lead to where events' own addresses do. */
static void check_harmless(const char *about, const json_t *part) {
    SW_AUTO(sw_text) char *text = shown(part);
    static const char *const ours[] = {"<@U0ADA>",
                                       "<!date^",
                                       "<https://github.com/acme/",
                                       "<https://dashboard.heroku.com/apps/",
                                       "<https://storefront-",
                                       "<https://ci.example.com/17|",
                                       "<https://good.example/a?b=c&amp;d"};
    if (strlen(text) > 40000) fail_msg("%s: %zu bytes", about, strlen(text));
    for (const char *at = text; *at; at++) {
        bool good = (unsigned char)*at >= 0x20 || *at == '\n';
        if (*at == '&')
            good = !strncmp(at, "&amp;", 5) || !strncmp(at, "&lt;", 4) || !strncmp(at, "&gt;", 4);
        if (*at == '<') {
            good = false;
            for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
                good = good || !strncmp(at, ours[i], strlen(ours[i]));
        }
        if (!strncmp(at, "\xe2\x80\xae", 3)) good = false;
        if (!good) fail_msg("%s: %.60s", about, at);
    }
}

static void check_notice(const char *about, const json_t *subject) {
    SW_AUTO(sw_json) json_t *notice = notice_of(subject), *people = sw_subject_people(subject);
    size_t size = json_dumpb(notice, NULL, 0, JSON_COMPACT);
    if (size >= 12 * 1024) fail_msg("%s: a notice of %zu bytes", about, size);
    size = json_dumpb(subject, NULL, 0, JSON_COMPACT);
    if (size >= 24 * 1024) fail_msg("%s: a state of %zu bytes", about, size);
    assert_true(json_array_size(people) <= 5);
    static const char *const parts[] = {"parent", "log", "broadcast", "digest"};
    for (size_t i = 0; i < 4; i++) {
        if (json_object_get(notice, parts[i]))
            check_harmless(about, json_object_get(notice, parts[i]));
    }
}

static void check_key(const char *about, const json_t *event) {
    char key[SW_SUBJECT_KEY] = "";
    const char *why;
    SW_AUTO(sw_json) json_t *pipeline = quoted(PIPELINE);
    struct sw_subject_facts facts;
    sw_subject_facts(event, pipeline, &facts);
    if (sw_subject_key(event, pipeline, key, &why) != 0) return;
    if (strlen(key) > 120 || key[strspn(key, "0123456789abcdefghijklmnopqrstuvwxyz"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./~")])
        fail_msg("%s: %s", about, key);
}

/* Each value of the event in turn becomes `by`; fold is all that happens then. */
static void replace_each(json_t *holder, const json_t *by, const struct history *h, json_t *event,
                         const json_t *before) {
    SW_AUTO(sw_json) json_t *keys = json_copy(holder);
    const char *key;
    json_t *old;
    json_object_foreach(keys, key, old) {
        bool changed;
        if (json_is_object(old)) replace_each(old, by, h, event, before);
        if (!strcmp(key, "type")) continue;
        json_object_set(holder, key, (json_t *)by);
        check_key(h->name, event);
        SW_AUTO(sw_json) json_t *first = sw_subject_fold(NULL, event, &changed);
        SW_AUTO(sw_json) json_t *next = sw_subject_fold(before, event, &changed);
        check_notice(h->name, first);
        check_notice(h->name, next);
        json_object_set(holder, key, old);
    }
}

static void no_value_of_an_event_can_do_harm(void **state) {
    char *many = sw_malloc(1024 * 1024 + 1);
    (void)state;
    memset(many, '"', 1024 * 1024);
    many[1024 * 1024] = 0;
    json_t *values[] = {
        json_string("<!channel> <@U0EVE> <http://evil.example|x> & @here *_~` \n\x01 [{line}]"),
        json_string("\xe2\x80\xaegnirts \xe2\x81\xa6"),
        json_stringn("a\0b", 3),
        json_string("https://good.example/a?b=c&d"),
        json_string("https://github.com@evil.example/x"),
        json_string("https://evil.example/|x> <!here>"),
        json_string("../../x y"),
        json_string(many),
        json_string(""),
        json_integer(-1),
        json_integer(0x7fffffffffffffffLL),
        json_null(),
        json_object(),
        json_pack("[[i, n]]", 1),
    };
    for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
        for (const struct history *h = histories; h->name; h++) {
            SW_AUTO(sw_json) json_t *before = fold_all(h->events);
            for (size_t i = 0; h->events[i] && i < 3; i++) {
                SW_AUTO(sw_json) json_t *event = event_of(h->events[i]);
                replace_each(event, values[v], h, event, before);
            }
        }
        json_decref(values[v]);
    }
    free(many);
}

/* As much as a state can hold of everything, each text as long as it may be and full of what JSON escapes. */
static void a_notice_is_never_too_large(void **state) {
    char quotes[400];
    json_t *subject = NULL;
    bool changed;
    (void)state;
    memset(quotes, '"', sizeof(quotes) - 1);
    quotes[sizeof(quotes) - 1] = 0;
    for (int i = 0; i < 400; i++) {
        SW_AUTO(sw_text)
        char *line = sw_printf("%d {" RUN("%d", "x", DONE("timed_out")), i, i + 1, i);
        SW_AUTO(sw_json) json_t *event = event_of(line), *old = subject;
        SW_AUTO(sw_text) char *name = sw_printf("%d%s", i, quotes);
        json_object_set_new(json_object_get(event, "run"), "name", json_string(name));
        json_object_set_new(json_object_get(event, "repo"), "name", json_string(quotes));
        json_object_set_new(event, "branch", json_string(quotes));
        subject = sw_subject_fold(old, event, &changed);
    }
    SW_AUTO(sw_json) json_t *notice = notice_of(subject);
    size_t size = json_dumpb(subject, NULL, 0, JSON_COMPACT);
    print_message("          a state of %zu bytes, a notice of %zu\n", size,
                  json_dumpb(notice, NULL, 0, JSON_COMPACT));
    assert_true(size < 48 * 1024);
    assert_true(json_dumpb(notice, NULL, 0, JSON_COMPACT) < 12 * 1024);
    assert_int_equal(sw_int(json_object_get(json_object_get(notice, "parent"), "data"), "all"),
                     300);
    json_decref(subject);
}

static void an_app_is_named_by_who_knows_its_name(void **state) {
    (void)state;
#define UNNAMED                                                                                    \
    "{'type':'api:build','source':'heroku/a1','app':{'id':'a1'},'build':{'id':'b','status':"       \
    "'succeeded','commit':'" SHA "'}}"
    static const char *const rows[][3] = {
        {"5 " UNNAMED, NULL},
        {"0 {" RELEASE("4", "pending", "Deploy 4f2a9c1d"), "5 " UNNAMED, NULL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_json) json_t *subject = fold_all(rows[i]);
        SW_AUTO(sw_json) json_t *notice = notice_of(subject);
        const json_t *data = json_object_get(json_object_get(notice, "parent"), "data");
        assert_string_equal(sw_str(data, "app"), "storefront-staging");
    }
}

static void a_deployment_of_ours_is_of_the_app_that_heroku_tells_of(void **state) {
    static const struct {
        const char *env, *more, *key;
    } rows[] = {
        {"staging", "'task':'deploy','op':'0001-abc'", "deploy/a1/4f2a9c1d"},
        {"production/storefront", "'task':'deploy','op':'0001-abc'", "deploy/a2/4f2a9c1d"},
        {"development", "'task':'deploy','op':'0001-abc'", "deployment/7/99"}, /* two apps */
        {"qa", "'task':'deploy','op':'0001-abc'", "deployment/7/99"},
        {"staging", "'task':'promote','op':'0001-abc'", "deployment/7/99"},
        {"staging", "'task':'deploy'", "deployment/7/99"}, /* somebody else's place of that name */
    };
    SW_AUTO(sw_json)
    json_t *pipeline = quoted(
        "{'apps':[{'id':'a1','name':'storefront-staging','stage':'staging'},{'id':'a2','name':"
        "'storefront','stage':'production'},{'id':'a3','name':'x','stage':'production'},{'id':"
        "'a4','name':'y','stage':'development'},{'id':'a5','name':'z','stage':'development'}]}");
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text)
        char *line = sw_printf("0 {'type':'deployment'," REPO ",'deployment':{'id':99,'sha':'" SHA
                               "','ref':'" SHA "','environment':'%s',%s}}",
                               rows[i].env, rows[i].more);
        SW_AUTO(sw_json) json_t *event = event_of(line);
        char key[SW_SUBJECT_KEY] = "";
        assert_int_equal(sw_subject_key(event, pipeline, key, NULL), 0);
        assert_string_equal(key, rows[i].key);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_see_word_stage_branch_and_state),
        cmocka_unit_test(what_is_never_shown_has_a_reason),
        cmocka_unit_test(a_dyno_that_is_up_finds_the_subject_of_its_release),
        cmocka_unit_test(an_event_that_says_nothing_new_changes_nothing),
        cmocka_unit_test(an_event_of_another_subject_changes_nothing),
        cmocka_unit_test(people_are_named_once_and_the_actor_first),
        cmocka_unit_test(nobody_is_mentioned_who_is_not_linked),
        cmocka_unit_test(a_late_start_takes_its_place_in_the_history),
        cmocka_unit_test(of_a_long_history_the_first_and_the_newest_are_kept),
        cmocka_unit_test(no_value_of_an_event_can_do_harm),
        cmocka_unit_test(a_notice_is_never_too_large),
        cmocka_unit_test(an_app_is_named_by_who_knows_its_name),
        cmocka_unit_test(a_deployment_of_ours_is_of_the_app_that_heroku_tells_of),
    };
    return cmocka_run_group_tests_name("subject_rules", tests, NULL, NULL);
}
