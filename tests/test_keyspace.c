/* test_keyspace.c -- of which kind a key in Redis is. */
#include "common/keyspace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void each_key_that_is_written_is_of_a_known_kind(void **state) {
    (void)state;
    static const struct {
        const char *key, *role;
        enum sw_key_kind kind;
    } rows[] = {
        {"sw:sources", NULL, SW_KEY_SHARED},
        {"sw:src:heroku/app/1", NULL, SW_KEY_SHARED},
        {"sw:live:ingress", NULL, SW_KEY_SHARED},
        {"sw:keys:notifier", NULL, SW_KEY_SHARED},
        {"sw:{00}:gen", NULL, SW_KEY_SHARED},
        {"sw:{63}:owed", NULL, SW_KEY_SHARED},
        {"sw:{07}:dead", NULL, SW_KEY_SHARED},
        {"sw:{07}:story", NULL, SW_KEY_SHARED},
        {"sw:{07}:audits", NULL, SW_KEY_SHARED},
        {"sw:{07}:audit:T0SIM1", NULL, SW_KEY_SHARED},
        {"sw:{07}:seen:slack/1", NULL, SW_KEY_SHARED},
        {"sw:{07}:parser", "parser", SW_KEY_WORK},
        {"sw:{07}:parser:bulk", "parser", SW_KEY_WORK},
        {"sw:{07}:auth:own", "auth", SW_KEY_WORK},
        {"sw:{07}:executor:fx", "executor", SW_KEY_WORK},
        {"sw:{07}:executor:fx:started", "executor", SW_KEY_WORK},
        {"sw:{07}:refresher:timers", "refresher", SW_KEY_WORK},
        {"sw:{07}:refresher:tm", "refresher", SW_KEY_WORK},
        {"sw:{07}:responder:tries", "responder", SW_KEY_WORK},
        {"sw:{07}:auth:s:acct/T0SIM1/U0ADA", "auth", SW_KEY_STATE},
        {"sw:{64}:gen", NULL, SW_KEY_UNKNOWN},
        {"sw:{7}:gen", NULL, SW_KEY_UNKNOWN},
        {"sw:{0x}:gen", NULL, SW_KEY_UNKNOWN},
        {"sw:{07}:", NULL, SW_KEY_UNKNOWN},
        {"sw:{07}:genn", NULL, SW_KEY_UNKNOWN},
        {"sw:{07}:audit:", NULL, SW_KEY_UNKNOWN},
        {"sw:{07}:painter", NULL, SW_KEY_UNKNOWN},
        {"sw:{07}:parser:other", "parser", SW_KEY_UNKNOWN},
        {"sw:{07}:parser:s:", "parser", SW_KEY_UNKNOWN},
        {"sw:live:painter", NULL, SW_KEY_UNKNOWN},
        {"sw:", NULL, SW_KEY_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *role;
        enum sw_key_kind kind = sw_keyspace_kind(rows[i].key, strlen(rows[i].key), &role);
        if (kind != rows[i].kind || !role != !rows[i].role || (role && strcmp(role, rows[i].role)))
            fail_msg("%s: %d %s", rows[i].key, (int)kind, role ? role : "-");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_that_is_written_is_of_a_known_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
