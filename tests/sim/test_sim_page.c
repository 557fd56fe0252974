/* test_sim_page.c -- the demo page is whole, comes from nowhere else, and runs nothing that is not its own. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void everything_that_the_page_names_is_there(void **state) {
    (void)state;
    REPLY page = client_get(&sim, "/");
    assert_int_equal(page.status, 200);
    unsigned found = 0;
    for (const char *at = page.body; (at = strstr(at, "=\"/page/")) != NULL; at++, found++) {
        SIM_FREE char *path = sim_strndup(at + 2, strcspn(at + 2, "\""));
        REPLY file = client_get(&sim, path);
        if (file.status != 200) fail_msg("%s answers %ld", path, file.status);
        assert_true(strlen(file.body) > 100);
    }
    assert_true(found >= 4);
}

static void nothing_comes_from_elsewhere(void **state) {
    (void)state;
    static const char *const files[] = {"/", "/page/page.css", "/page/page.js", "/page/text.js"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(files); i++) {
        REPLY file = client_get(&sim, files[i]);
        assert_int_equal(file.status, 200);
        assert_null(strstr(file.body, "=\"http"));
        assert_null(strstr(file.body, "url(http"));
        assert_null(strstr(file.body, "@import"));
    }
}

static void all_answers_are_on_one_page(void **state) {
    (void)state;
    REPLY page = client_get(&sim, "/page/templates");
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "/page/templates.js"));
    REPLY list = client_get(&sim, "/page/templates.json");
    assert_int_equal(list.status, 200);
    json_t *all = json_loads(list.body, 0, NULL), *one;
    size_t i;
    assert_true(json_array_size(json_object_get(all, "templates")) > 50);
    json_array_foreach(json_object_get(all, "templates"), i, one) {
        const json_t *message = json_object_get(one, "message");
        if (json_array_size(json_object_get(message, "blocks")) == 0)
            fail_msg("%s shows nothing", json_string_value(json_object_get(one, "name")));
    }
    json_decref(all);
    static const char *const files[] = {"/page/templates.css", "/page/templates.js"};
    for (i = 0; i < SIM_ARRAY_LEN(files); i++) {
        REPLY file = client_get(&sim, files[i]);
        assert_int_equal(file.status, 200);
        assert_null(strstr(file.body, "url(http"));
    }
}

static void the_browser_is_told_to_run_only_what_is_ours(void **state) {
    (void)state;
    char policy[512], type[64];
    REPLY page = client_get(&sim, "/");
    client_header(&page, "Content-Security-Policy", policy, sizeof(policy));
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_non_null(strstr(policy, "script-src 'self'"));
    assert_null(strstr(policy, "unsafe"));
    REPLY script = client_get(&sim, "/page/page.js");
    client_header(&script, "Content-Type", type, sizeof(type));
    assert_memory_equal(type, "text/javascript", 15);
}

static void other_names_are_not_found(void **state) {
    (void)state;
    static const char *const paths[] = {"/page/", "/page/page.c", "/page/../page.js", "/page"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(paths); i++) {
        REPLY reply = client_get(&sim, paths[i]);
        if (reply.status == 200) fail_msg("%s is there", paths[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_the_page_names_is_there),
        cmocka_unit_test(nothing_comes_from_elsewhere),
        cmocka_unit_test(all_answers_are_on_one_page),
        cmocka_unit_test(the_browser_is_told_to_run_only_what_is_ours),
        cmocka_unit_test(other_names_are_not_found),
    };
    return cmocka_run_group_tests(tests, client_set_up, client_tear_down);
}
