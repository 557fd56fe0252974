/* test_kinds.c -- who may send what: the table in kinds.c is PROTO.md's, row by row. */
#include "proto/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROLES 7
#define KINDS 64

static const char *const roles[ROLES] = {"ingress",   "parser",    "auth",    "executor",
                                         "responder", "refresher", "notifier"};

struct row { /* may[from][to], as PROTO.md says */
    char kind[32];
    bool may[ROLES][ROLES];
};

static struct row rows[KINDS];
static unsigned count;

static struct row *row_of(const char *kind) {
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(rows[i].kind, kind)) return &rows[i];
    }
    assert_true(count < KINDS);
    snprintf(rows[count].kind, sizeof(rows[count].kind), "%s", kind);
    return &rows[count++];
}

/* "executor (what was missed), notifier": names outside of brackets, all of them roles. */
static unsigned parse_roles(const char *text, size_t size) {
    unsigned set = 0;
    int depth = 0;
    for (size_t i = 0; i < size; i++) {
        size_t n = 0;
        depth += text[i] == '(';
        depth -= text[i] == ')';
        while (!depth && i + n < size && text[i + n] >= 'a' && text[i + n] <= 'z')
            n++;
        if (!n) continue;
        unsigned role = 0;
        while (role < ROLES && (strlen(roles[role]) != n || memcmp(roles[role], text + i, n) != 0))
            role++;
        if (role == ROLES) fail_msg("PROTO.md: %.*s is no role", (int)n, text + i);
        set |= 1u << role;
        i += n - 1;
    }
    return set;
}

static void parse_line(char *line) {
    char kind[32];
    char *from, *to, *end;
    if (sscanf(line, "| `%31[a-z_0-9.]` |", kind) != 1 || !(from = strstr(line, "` |"))) return;
    from += 3;
    end = strstr(from, " | ");
    to = end ? memchr(from, '>', (size_t)(end - from)) : NULL;
    if (!to) return;
    struct row *row = row_of(kind);
    unsigned senders = parse_roles(from, (size_t)(to - from));
    unsigned receivers = parse_roles(to + 1, (size_t)(end - to - 1));
    for (unsigned i = 0; i < ROLES * ROLES; i++) {
        if (senders >> i / ROLES & 1 && receivers >> i % ROLES & 1)
            row->may[i / ROLES][i % ROLES] = true;
    }
}

static void read_proto(void) {
    char path[512], line[8192];
    snprintf(path, sizeof(path), "%s/../proto/PROTO.md", getenv("SW_TESTS"));
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s", path);
    while (fgets(line, sizeof(line), f))
        parse_line(line);
    fclose(f);
}

static void a_role_sends_what_the_protocol_says_and_nothing_else(void **state) {
    (void)state;
    read_proto();
    assert_true(count > 20);
    for (unsigned k = 0; k < count; k++) {
        for (unsigned i = 0; i < ROLES * ROLES; i++) {
            const char *from = roles[i / ROLES], *to = roles[i % ROLES];
            if (sw_kind_may(rows[k].kind, from, to) != rows[k].may[i / ROLES][i % ROLES])
                fail_msg("%s from %s to %s: PROTO.md and kinds.c differ", rows[k].kind, from, to);
        }
    }
}

static void every_kind_is_in_the_protocol(void **state) {
    char path[512], line[512], kind[32];
    unsigned seen = 0;
    (void)state;
    snprintf(path, sizeof(path), "%s/../proto/kinds.h", getenv("SW_TESTS"));
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s", path);
    while (fgets(line, sizeof(line), f)) {
        const char *text = strchr(line, '"');
        if (!text || sscanf(text, "\"%31[a-z_0-9.]\"", kind) != 1 || !strstr(kind, ".v1")) continue;
        seen++;
        if (strstr(kind, ".http.v1") || strstr(kind, ".timer.v1")) continue;
        unsigned before = count;
        row_of(kind);
        if (count != before) fail_msg("%s is not in PROTO.md", kind);
    }
    fclose(f);
    assert_true(seen > 20);
}

static void what_never_leaves_an_actor_comes_from_its_like_only(void **state) {
    (void)state;
    assert_true(sw_kind_may(SW_KIND_AUTH_HTTP, "auth", "auth"));
    assert_true(sw_kind_may(SW_KIND_NOTIFIER_TIMER, "notifier", "notifier"));
    assert_false(sw_kind_may(SW_KIND_AUTH_HTTP, "executor", "auth"));
    assert_false(sw_kind_may(SW_KIND_AUTH_HTTP, "auth", "executor"));
    assert_false(sw_kind_may(SW_KIND_AUTH_TIMER, "executor", "executor"));
    assert_false(sw_kind_may("ingress.http.v1", "ingress", "ingress"));
    assert_false(sw_kind_may("auth.http.v2", "auth", "auth"));
}

static void a_part_of_a_name_is_no_role(void **state) {
    static const char *const names[] = {"", " ", "a", "pars", "arser", "parser auth", "ingress "};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_false(sw_kind_may(SW_KIND_REPLY, names[i], "responder"));
        assert_false(sw_kind_may(SW_KIND_SLASH, "ingress", names[i]));
    }
    assert_false(sw_kind_may("", "auth", "executor"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_sends_what_the_protocol_says_and_nothing_else),
        cmocka_unit_test(every_kind_is_in_the_protocol),
        cmocka_unit_test(what_never_leaves_an_actor_comes_from_its_like_only),
        cmocka_unit_test(a_part_of_a_name_is_no_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
