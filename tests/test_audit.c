/* test_audit.c -- the audit on a real redis-server: written with the ack or not at all, and how `slipway audit` shows it. */
#include "actors/cli.h"
#include "cli_run.h"
#include "common/mem.h"
#include "common/run_priv.h"
#include "script_world.h"

#define INST "T0AUDIT"

static int set_up(void **state) {
    speak_to(INST);
    redis_world_enter(state, NULL);
    return 0;
}

static int64_t entries(const struct redis_world *w) {
    redisReply *reply = ask(w, "XLEN %saudit:" INST, prefix);
    int64_t n = reply->integer;
    freeReplyObject(reply);
    return n;
}

static void commit(const struct redis_world *w, const char *epoch, const char *seq, const char *id,
                   const char *max, const char *entry, const char *want) {
    SW_AUTO(sw_text)
    char *word = run_script(w, SW_SCRIPT_COMMIT, "run1", "executor", epoch, "me", seq, "M",
                            "executor", id, "", "A", INST, max, entry, NULL);
    assert_string_equal(word, want);
}

/* ---- the ledger ---- */

static void an_entry_is_written_with_the_ack_and_not_again_by_a_replay(void **state) {
    const struct redis_world *w = *state;
    take(w);
    put(w, "1-1");
    commit(w, "1", "0", "1-1", "100", "{\"n\":1}", "ok");
    assert_int_equal(entries(w), 1);
    commit(w, "1", "1", "1-1", "100", "{\"n\":1}", "ok"); /* it was handled: nothing of it again */
    assert_int_equal(entries(w), 1);
    redisReply *kept = ask(w, "XRANGE %saudit:" INST " - +", prefix);
    assert_string_equal(kept->element[0]->element[1]->element[1]->str, "{\"n\":1}");
    freeReplyObject(kept);
}

static void a_refused_commit_leaves_no_entry(void **state) {
    const struct redis_world *w = *state;
    take(w);
    put(w, "1-1");
    commit(w, "1", "5", "1-1", "100", "{}", "order");
    commit(w, "7", "0", "1-1", "100", "{}", "stale");
    assert_int_equal(entries(w), 0);
    /* Memory is full: the script refuses as a whole, the message stays owed. */
    freeReplyObject(ask(w, "CONFIG SET maxmemory 1"));
    redisReply *reply =
        redisCommand(w->c, "EVAL %s 1 %s run1 executor 1 me 0 M executor 1-1 %s A " INST " 100 {}",
                     sw_script_text[SW_SCRIPT_COMMIT], prefix, "");
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    assert_int_equal(entries(w), 0);
    freeReplyObject(ask(w, "CONFIG SET maxmemory 0"));
    commit(w, "1", "0", "1-1", "100", "{}", "ok");
    assert_int_equal(entries(w), 1);
}

static void only_about_so_many_are_kept(void **state) {
    const struct redis_world *w = *state;
    take(w);
    for (int n = 0; n < 60; n++) {
        SW_AUTO(sw_text) char *id = sw_printf("1-%d", n + 1);
        SW_AUTO(sw_text) char *seq = sw_printf("%d", n);
        put(w, id);
        commit(w, "1", seq, id, "20", "{}", "ok");
    }
    assert_in_range(entries(w), 20, 30);
}

/* ---- the command ---- */

#define AUDIT(...) run_cli(sw_cli_audit, (char *[]){"audit", __VA_ARGS__, NULL})

static void write_entry(const struct redis_world *w, const char *inst, const char *id,
                        const char *entry) {
    unsigned shard = sw__shard_of(inst);
    freeReplyObject(ask(w, "XADD sw:{%02u}:audit:%s %s m %s", shard, inst, id, entry));
    freeReplyObject(ask(w, "SADD sw:{%02u}:audits %s", shard, inst));
}

static void write_some(const struct redis_world *w) {
    write_entry(w, INST, "1000-0",
                "{\"at_ms\":1764009191000,\"cmd\":\"c1\",\"who\":{\"team\":\"" INST
                "\",\"user\":\"U0ADA\"},\"line\":\"deploy! storefront\",\"forced\":true,"
                "\"accounts\":{\"heroku\":\"ada@example.com\",\"github\":\"ada-l\"},"
                "\"pipeline\":\"storefront\",\"outcome\":\"done\",\"detail\":\"v43\"}");
    write_entry(w, "T0SECOND", "2000-0",
                "{\"at_ms\":1764009192000,\"cmd\":\"c2\",\"who\":{\"user\":\"U0CYD\"},\"line\":"
                "\"promote billing\",\"forced\":false,\"accounts\":{},\"pipeline\":\"billing\","
                "\"outcome\":\"refused\"}");
    write_entry(
        w, INST, "3000-0",
        "{\"at_ms\":1764009193000,\"cmd\":\"c3\",\"who\":{\"user\":\"U0BOB\"},\"line\":"
        "\"ps "
        "\\u001b[2Jx\\u009by\\u202ez\\u2069\",\"forced\":false,\"accounts\":{\"heroku\":\"b@"
        "example.com\"},"
        "\"pipeline\":\"storefront\",\"outcome\":\"asked\"}");
}

static void a_line_says_who_did_what_and_how_it_ended(void **state) {
    const struct redis_world *w = *state;
    write_some(w);
    struct shown shown = run_cli(sw_cli_audit, (char *[]){"audit", NULL});
    assert_string_equal(shown.err, "");
    assert_string_equal(shown.out,
                        "2025-11-24T18:33:11Z  " INST "  U0ADA  deploy! storefront  "
                        "heroku:ada@example.com,github:ada-l  done  forced  v43  c1\n"
                        "2025-11-24T18:33:12Z  T0SECOND  U0CYD  promote billing  -  refused  c2\n"
                        "2025-11-24T18:33:13Z  " INST
                        "  U0BOB  ps ?[2Jx?y?z?  heroku:b@example.com  asked  c3\n");
    assert_int_equal(shown.status, 0);
}

static void json_has_all_that_is_known_and_filters_hold(void **state) {
    const struct redis_world *w = *state;
    write_some(w);
    write_entry(w, INST, "4000-0", "no JSON");
    struct shown shown = AUDIT(INST, "--json", "--user", "U0BOB");
    SW_AUTO(sw_json) json_t *line = json_loads(shown.out, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "installation")), INST);
    assert_string_equal(json_string_value(json_object_get(line, "cmd")), "c3");
    shown = AUDIT("--pipeline=storefront", "--last", "1");
    assert_non_null(strstr(shown.out, "  c3\n"));
    assert_null(strstr(shown.out, "  c1\n"));
    shown = AUDIT("--last=2", INST);
    assert_int_equal(strncmp(shown.out, "2025-11-24T18:33:13Z", 20), 0);
    assert_non_null(strstr(shown.out, "\n-  " INST "  not readable  4000-0\n"));
    shown = AUDIT("T0NOBODY");
    assert_string_equal(shown.out, "");
    assert_non_null(
        strstr(shown.err, "no audit entries that match in the Redis at SLIPWAY_REDIS "));
    assert_int_equal(shown.status, 0);
}

static void many_pages_of_many_installations_come_in_order(void **state) {
    const struct redis_world *w = *state;
    const int all = 1300; /* of each of two */
    for (int n = 0; n < 2 * all; n++) {
        SW_AUTO(sw_text) char *id = sw_printf("%d-0", n + 1);
        SW_AUTO(sw_text) char *entry = sw_printf("{\"cmd\":\"c%04d\"}", n);
        write_entry(w, n % 2 ? INST : "T0SECOND", id, entry);
    }
    static const char *const last[] = {NULL, "--last=2000"};
    for (size_t i = 0; i < 2; i++) {
        SW_AUTO(sw_text) char *path = sw_printf("%s/out", w->dir);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            if (!freopen(path, "w", stdout)) _exit(98);
            char *argv[] = {"audit", (char *)last[i], NULL};
            int r = sw_cli_audit(last[i] ? 2 : 1, argv);
            fflush(NULL);
            _exit(r);
        }
        int status, n = i ? 600 : 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        char line[256], want[16];
        for (; fgets(line, sizeof(line), file); n++) {
            snprintf(want, sizeof(want), "c%04d\n", n);
            assert_non_null(strstr(line, want));
        }
        fclose(file);
        assert_int_equal(n, 2 * all);
    }
}

static void a_mistake_is_named_with_the_usage(void **state) {
    static const struct {
        char *word[3];
        const char *says;
    } rows[] = {
        {{"--last", "0"}, "from 1 to 1000000, not 0\n"},
        {{"--last=x"}, "from 1 to 1000000, not x\n"},
        {{"--last=99999999999999999999999"}, "from 1 to 1000000, not 9"},
        {{"--last"}, "no value behind --last\n"},
        {{"--user"}, "no value behind --user\n"},
        {{"--all"}, "unknown option --all\n"},
        {{"T1", "T2"}, "also T2\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[] = {"audit", rows[i].word[0], rows[i].word[1], NULL};
        struct shown shown = run_cli(sw_cli_audit, argv);
        assert_int_equal(shown.status, 64);
        assert_string_equal(shown.out, "");
        assert_non_null(strstr(shown.err, rows[i].says));
        assert_non_null(strstr(shown.err, "usage: slipway audit"));
    }
    assert_int_equal(AUDIT("--help").status, 0);
}

static void without_redis_one_line_says_so(void **state) {
    struct redis_world *w = *state;
    redis_world_stop(w);
    SW_AUTO(sw_text)
    char *want = sw_printf(
        "slipway audit: no Redis at SLIPWAY_REDIS %s/redis: No such file or directory\n", w->dir);
    struct shown shown = run_cli(sw_cli_audit, (char *[]){"audit", NULL});
    assert_string_equal(shown.err, want);
    assert_string_equal(shown.out, "");
    assert_int_equal(shown.status, 69);
    shown = run_cli(sw_cli_dead, (char *[]){"dead", "list", NULL});
    assert_int_equal(shown.status, 69);
    assert_non_null(strstr(shown.err, "slipway dead: no Redis at SLIPWAY_REDIS "));
    assert_null(strchr(strchr(shown.err, '\n') + 1, '\n'));
    setenv("SLIPWAY_REDIS", "127.0.0.1:1", 1);
    shown = run_cli(sw_cli_audit, (char *[]){"audit", NULL});
    assert_string_equal(
        shown.err, "slipway audit: no Redis at SLIPWAY_REDIS 127.0.0.1:1: Connection refused\n");
}

static void what_redis_refuses_is_told_in_its_words(void **state) {
    const struct redis_world *w = *state;
    freeReplyObject(ask(w, "SET sw:{00}:audits text"));
    struct shown shown = run_cli(sw_cli_audit, (char *[]){"audit", NULL});
    assert_int_equal(shown.status, 1);
    assert_non_null(strstr(shown.err, "slipway audit: Redis at SLIPWAY_REDIS "));
    assert_non_null(strstr(shown.err, "WRONGTYPE"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, redis_world_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_entry_is_written_with_the_ack_and_not_again_by_a_replay),
        TEST(a_refused_commit_leaves_no_entry),
        TEST(only_about_so_many_are_kept),
        TEST(a_line_says_who_did_what_and_how_it_ended),
        TEST(json_has_all_that_is_known_and_filters_hold),
        TEST(many_pages_of_many_installations_come_in_order),
        cmocka_unit_test(a_mistake_is_named_with_the_usage),
        TEST(without_redis_one_line_says_so),
        TEST(what_redis_refuses_is_told_in_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
