/* golden.h -- the golden files of the templates: an example of each row, and what Slack gets for it.
 *
 * shapes   {"in": {"data", "asker"?, "link"?, "dashboard"?}, "out": the message}; a file is named
 *          <id>.json or <id>+<variant>.json
 * units    none
 * errors   a file that is missing fails the test
 * owner    the test owns what is returned
 * source   templates.h
 * limits   none
 */
#ifndef SW_TESTS_GOLDEN_H
#define SW_TESTS_GOLDEN_H

#include "actors/templates.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static inline char *golden_path(const char *id, const char *when) {
    const char *dir = getenv("SW_TESTS");
    return sw_printf("%s/golden/%s%s%s.json", dir ? dir : "tests", id, when ? "+" : "",
                     when ? when : "");
}

static inline json_t *golden(const char *id, const char *when) {
    SW_AUTO(sw_text) char *path = golden_path(id, when);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    if (!file) fail_msg("%s: %s (each row of the templates needs a golden file)", path, error.text);
    return file;
}

#endif
