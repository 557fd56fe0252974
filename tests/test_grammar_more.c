/* test_grammar_more.c -- the commands that came after promote, and the keys that only they have; see actors/grammar.h. */
#include "grammar_rows.h"

#define COMMON 16 /* keys that every command has */
#define MODHEX32 "cccccbdefghijklnrtuvcbdefghijkln"

static void rollback_goes_to_a_version_or_to_the_one_before(void **state) {
    static const struct row rows[] = {
        VALID("rollback x", "rollback pipeline=x"),
        VALID("rollback  x  in  stg ", "rollback pipeline=x environment=staging"),
        VALID("rollback x in prod/x-eu to v42",
              "rollback pipeline=x environment=production application=x-eu version=42"),
        VALID("rollback x to v123456", "rollback pipeline=x version=123456"),
        VALID("rollback in in in to v1", "rollback pipeline=in environment=in version=1"),
        WRONG("rollback", "the name of a pipeline is missing"),
        WRONG("rollback X", "'X' is not a pipeline: its name has"),
        WRONG("rollback! x", "rollback takes no '!'"),
        WRONG("rollback x to", "a version must follow 'to'"),
        WRONG("rollback x to 42", "'42' is not a version: they look like v42"),
        WRONG("rollback x to production", "'production' is not a version"),
        WRONG("rollback x to V42", "'V42' is not a version"),
        WRONG("rollback x to v42x", "'v42x'"),
        WRONG("rollback x to v1234567890", "is not a version"),
        WRONG("rollback x to v1 in prod", "'in prod' cannot stand"),
        WRONG("rollback x on prod", "'on prod' cannot stand"),
        WRONG("rollback x in", "a stage must follow 'in'"),
        WRONG("rollback x in Prod", "'Prod' is not a stage"),
        WRONG("rollback x v42", "'v42' has no meaning"),
        WRONG("rollback x 123456", "rollback takes no one-time code"),
        WRONG("rollback:x y", "rollback has no subtask 'x'"),
    };

    (void)state;
    CHECK(rows);
}

static void what_runs_is_named_by_its_stage(void **state) {
    static const struct row rows[] = {
        VALID("ps x in prd", "ps pipeline=x environment=production"),
        VALID("ps x in prod/a/B", "ps pipeline=x environment=production application=a/B"),
        WRONG("ps x", "a stage ('in STAGE') is missing"),
        WRONG("ps x in ", "the stage after 'in' is missing"),
        WRONG("ps x prod", "'prod' is not 'in', which the stage must follow"),
        WRONG("ps x inprod", "'inprod' is not 'in'"),
        WRONG("ps x in Prod", "'Prod' is not a stage"),
        WRONG("ps x in prod web", "'web' has no meaning"),
        VALID("restart x in stg", "restart pipeline=x environment=staging"),
        VALID("restart x in stg/a web",
              "restart pipeline=x environment=staging application=a process=web"),
        VALID("restart x in stg web.12", "restart pipeline=x environment=staging process=web.12"),
        VALID("restart x in stg Big_one-2",
              "restart pipeline=x environment=staging process=Big_one-2"),
        WRONG("restart x", "a stage ('in STAGE') is missing"),
        WRONG("restart x web", "'web' is not 'in'"),
        WRONG("restart x in stg web worker", "'worker' has no meaning"),
        WRONG("restart x in stg web.", "'web.'"),
        WRONG("restart x in stg web.x", "'web.x'"),
        WRONG("restart x in stg 1web", "'1web'"),
        WRONG("restart x in stg 123456", "restart takes no one-time code"),
        WRONG("restart x in stg " MODHEX32, "restart takes no one-time code"),
        VALID("maintenance on x in stg", "maintenance pipeline=x environment=staging state=on"),
        VALID("maintenance off x in prod/a",
              "maintenance pipeline=x environment=production application=a state=off"),
        VALID("maintenance on on in on", "maintenance pipeline=on environment=on state=on"),
        WRONG("maintenance", "'on' or 'off' is missing"),
        WRONG("maintenance x in stg", "'x' is not 'on' or 'off'"),
        WRONG("maintenance onx in stg", "'onx' is not 'on' or 'off'"),
        WRONG("maintenance ON x in stg", "'ON' is not 'on' or 'off'"),
        WRONG("maintenance on", "the name of a pipeline is missing"),
        WRONG("maintenance on x", "a stage ('in STAGE') is missing"),
    };

    (void)state;
    CHECK(rows);
}

static void a_lock_has_a_reason_in_any_words(void **state) {
    static const struct row rows[] = {
        VALID("lock x", "lock pipeline=x"),
        VALID("lock x/prod", "lock pipeline=x environment=production"),
        VALID("lock x because  we move to v2, in a hurry!  ",
              "lock pipeline=x reason=we move to v2, in a hurry!"),
        VALID("lock x/stg because because", "lock pipeline=x environment=staging reason=because"),
        VALID("lock x because 246802 and " MODHEX32 " are codes",
              "lock pipeline=x reason=[code] and [code] are codes"),
        VALID("lock x because \xc3\xa9t\xc3\xa9\tand\nmore",
              "lock pipeline=x reason=\xc3\xa9t\xc3\xa9 and more"),
        VALID("lock because because because", "lock pipeline=because reason=because"),
        VALID("unlock x", "unlock pipeline=x"),
        VALID("unlock! x/prod", "unlock forced pipeline=x environment=production"),
        VALID("lock x because <@U1|bob> asks in <#C1|ops>: see <https://x.example/a&amp;b> or "
              "<http://x.example|x.example> or <mailto:a@b.example|a@b.example>",
              "lock pipeline=x reason=@bob asks in #ops: see https://x.example/a&b or x.example or "
              "a@b.example"),
        VALID("unlock! x because ada is away", "unlock forced pipeline=x reason=ada is away"),
        VALID("locks", "locks"),
        WRONG("lock", "the name of a pipeline is missing"),
        WRONG("lock! x", "lock takes no '!'"),
        WRONG("lock x/", "'x/'"),
        WRONG("lock x/prod/a", "'x/prod/a'"),
        WRONG("lock x prod", "'prod' has no meaning"),
        WRONG("lock x for now", "'for' has no meaning"),
        WRONG("lock x in prod", "'in prod' cannot stand"),
        WRONG("lock x because", "a reason must follow 'because'"),
        WRONG("lock x because  ", "a reason must follow 'because'"),
        WRONG("lock x becauseof it", "'becauseof'"),
        WRONG("locks x", "'x' has no meaning"),
    };

    (void)state;
    CHECK(rows);
}

/* Characters, not bytes: each of these has four. */
static void a_reason_has_at_most_200_characters(void **state) {
    char text[1024] = "lock x because ";
    size_t head = strlen(text);

    (void)state;
    for (size_t i = 0; i < SW_GRAMMAR_REASON_LENGTH; i++) {
        memcpy(text + head + 4 * i, "\xf0\x9f\x9a\x80", 4);
    }
    for (size_t over = 0; over < 2; over++) {
        size_t size = head + 4 * (SW_GRAMMAR_REASON_LENGTH + over);
        json_t *o;

        memcpy(text + size - 4, "\xf0\x9f\x9a\x80", 4);
        o = sw_grammar_parse(text, size);
        if (over) {
            assert_non_null(strstr(text_of(o, "error"), "longer than 200 characters"));
            assert_true(json_is_null(json_object_get(o, "reason")));
        } else {
            assert_int_equal(strlen(text_of(o, "reason")), 4 * SW_GRAMMAR_REASON_LENGTH);
        }
        json_decref(o);
    }
}

static void a_command_is_followed_by_its_id(void **state) {
    static const struct row rows[] = {
        VALID("status", "status"),
        VALID("status 01k9v3n2q8x7r5t4w6y0zb", "status id=01k9v3n2q8x7r5t4w6y0zb"),
        VALID("wait 01k9v3n2q8x7r5t4w6y0zb ", "wait id=01k9v3n2q8x7r5t4w6y0zb"),
        VALID("cancel 0001-test", "cancel id=0001-test"),
        VALID("whoami", "whoami"),
        WRONG("status a b", "'b' has no meaning"),
        WRONG("wait", "the id of a command is missing"),
        WRONG("wait for it", "'it' has no meaning"),
        WRONG("cancel", "the id of a command is missing"),
        WRONG("cancel #1", "'#1' is not the id of a command"),
        WRONG("cancel "
              "01234567890123456789012345678901234567890123456789012345678901234",
              "is not the id of a command"),
        WRONG("whoami really", "'really' has no meaning"),
    };

    (void)state;
    CHECK(rows);
}

/* The sixteen stay; what a command has besides comes after them, null where the line does not say it. */
static void only_commands_that_have_more_keys_show_them(void **state) {
    static const struct {
        const char *text, *keys;
    } rows[] = {
        {"promote x", ""},
        {"deploy x", ""},
        {"releases x", ""},
        {"ps x in y", ""},
        {"frob x", ""},
        {"help", ""},
        {"locks", ""},
        {"route", ""},
        {"route x to #y", " only stages states"},
        {"route x to", " only stages states"},
        {"route test", ""},
        {"route test x", " id"},
        {"route resume r7k2 x", " id"},
        {"unroute", ""},
        {"why x", " id"},
        {"rollback x", " version"},
        {"rollback x to", " version"},
        {"restart x", " process"},
        {"restart x in y z", " process"},
        {"maintenance", " state"},
        {"lock x", " reason"},
        {"unlock x", " reason"},
        {"status", " id"},
        {"wait", " id"},
        {"cancel 1", " id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *o = sw_grammar_parse(rows[i].text, strlen(rows[i].text)), *value;
        const char *key;
        char keys[64] = "";
        size_t n = 0;

        json_object_foreach(o, key, value) {
            if (++n > COMMON) {
                strcat(strcat(keys, " "), key);
            }
            if (n == COMMON) {
                assert_string_equal(key, "error");
            }
        }
        if (strcmp(keys, rows[i].keys)) {
            fail_msg("[%s] has%s", rows[i].text, keys);
        }
        json_decref(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollback_goes_to_a_version_or_to_the_one_before),
        cmocka_unit_test(what_runs_is_named_by_its_stage),
        cmocka_unit_test(a_lock_has_a_reason_in_any_words),
        cmocka_unit_test(a_reason_has_at_most_200_characters),
        cmocka_unit_test(a_command_is_followed_by_its_id),
        cmocka_unit_test(only_commands_that_have_more_keys_show_them),
    };

    return cmocka_run_group_tests_name("grammar_more", tests, NULL, NULL);
}
