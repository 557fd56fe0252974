/* test_cli_keys.c -- `slipway keys` on a real Redis, with an auth that runs: nothing goes that is needed. */
#include "actors/actors.h"
#include "actors/cli.h"
#include "common/key_file.h"
#include "tests/run_world.h"

#define PEOPLE 40
#define NOW_MS 1795000000000LL

static char output[16384], error[512];

/* ---- the command ---- */

static int keys(const char *words) {
    SW_AUTO(sw_text) char *copy = sw_strdup(words);
    char *argv[8] = {"keys", NULL}, *rest = copy, *word;
    int argc = 1, pipe_fd[2], status;
    while ((word = strsep(&rest, " ")) && argc < 7)
        argv[argc++] = word;
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(pipe_fd[1], STDOUT_FILENO);
        dup2(pipe_fd[1], STDERR_FILENO);
        close(pipe_fd[0]);
        setvbuf(stdout, NULL, _IOLBF, 0);
        int r = sw_cli_keys(argc, argv);
        fflush(stdout);
        _exit(r);
    }
    close(pipe_fd[1]);
    size_t size = 0;
    ssize_t n;
    while (size < sizeof(output) - 1 &&
           (n = read(pipe_fd[0], output + size, sizeof(output) - 1 - size)) > 0)
        size += (size_t)n;
    output[size] = 0;
    close(pipe_fd[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(const char *words, int status, const char *says) {
    int r = keys(words);
    if (r != status || !strstr(output, says))
        fail_msg("slipway keys %s: %d, not %d and \"%s\":\n%s", words, r, status, says, output);
}

static void expect_key(const char *command, const char *id, int status, const char *says) {
    SW_AUTO(sw_text) char *words = sw_printf("%s %s", command, id);
    expect(words, status, says);
}

/* ---- the world ---- */

static const char *key_dir(void) {
    return getenv("SLIPWAY_KEY_DIR");
}

static struct sw_keys *loaded(const char *role) {
    struct sw_keys *k = NULL;
    if (sw_keys_load(key_dir(), role, &k, error, sizeof(error)) < 0) fail_msg("%s", error);
    return k;
}

static const char *key_at(const char *name, unsigned place) {
    static struct sw_ring ring;
    if (sw_ring_read(key_dir(), name, &ring, error, sizeof(error)) < 0) fail_msg("%s", error);
    assert_true(ring.count > place);
    return ring.key[place].id;
}

static void start_auth(struct world *w) {
    w->run = fork();
    assert_true(w->run >= 0);
    if (w->run == 0) {
        char *argv[] = {"slipway", NULL};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(sw_run("auth", &sw_actor_auth, NULL, 1, argv));
    }
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (number(w, "HLEN sw:keys:auth", NULL) != 1)
        assert_true(patient(deadline_ms));
}

static char *state_key(const struct world *w, const char *actor, const char *key) {
    return sw_printf("%s%s:s:%s", w->prefix, actor, key);
}

static void put(const struct world *w, const char *key, json_t *value) {
    SW_AUTO(sw_json) json_t *pair = json_pack("[i, o]", 0, value);
    char *bytes;
    size_t size;
    assert_int_equal(sw_value_pack(pair, &bytes, &size), 0);
    freeReplyObject(ask(&w->redis, "SET %s %b", key, bytes, size));
    free(bytes);
}

static json_t *get(const struct world *w, const char *key) {
    redisReply *reply = ask(&w->redis, "GET %s", key);
    json_t *pair = NULL, *value = NULL;
    if (reply->str && sw_value_unpack(reply->str, reply->len, &pair) == 0)
        value = json_incref(json_array_get(pair, 1));
    json_decref(pair);
    freeReplyObject(reply);
    return value;
}

static char *person_key(const struct world *w, int n) {
    SW_AUTO(sw_text) char *key = sw_printf("acct/" INST "/U%d", n);
    return state_key(w, "auth", key);
}

/* Everyone is linked, under the current token key. */
static void link_all(const struct world *w) {
    struct sw_keys *auth = loaded("auth");
    for (int n = 1; n <= PEOPLE; n++) {
        SW_AUTO(sw_text) char *context = sw_printf(INST "/U%d/heroku", n);
        SW_AUTO(sw_text) char *row = NULL;
        SW_AUTO(sw_text) char *key = person_key(w, n);
        SW_AUTO(sw_json)
        json_t *tokens = json_pack("{s:s, s:s}", "access_token", "a", "refresh_token", "r");
        assert_int_equal(sw_row_seal(auth, context, tokens, &row), 0);
        put(w, key,
            json_pack("{s:{s:s, s:s, s:s, s:i, s:s, s:I, s:I, s:b, s:[]}}", "heroku", "row", row,
                      "id", "id-1", "email", "ada@example.com", "version", 7, "link", "l1",
                      "expires_ms", (json_int_t)(NOW_MS * 2), "linked_ms", (json_int_t)NOW_MS,
                      "has_refresh", 1, "renewed"));
    }
    sw_keys_destroy(auth);
}

static char *row_of(const struct world *w, int n) {
    SW_AUTO(sw_text) char *key = person_key(w, n);
    SW_AUTO(sw_json) json_t *person = get(w, key);
    return sw_strdup(sw_str(json_object_get(person, "heroku"), "row"));
}

static void expect_all_open(const struct world *w) {
    struct sw_keys *auth = loaded("auth");
    for (int n = 1; n <= PEOPLE; n++) {
        SW_AUTO(sw_text) char *context = sw_printf(INST "/U%d/heroku", n);
        SW_AUTO(sw_text) char *row = row_of(w, n);
        SW_AUTO(sw_json) json_t *tokens = NULL;
        assert_int_equal(sw_row_unseal(auth, row, context, &tokens), 0);
        assert_string_equal(sw_str(tokens, "refresh_token"), "r");
        assert_true(sw_row_current(auth, row));
    }
    sw_keys_destroy(auth);
}

static char *box_for(const char *from, const char *to, const char *context) {
    struct sw_keys *k = loaded(from);
    SW_AUTO(sw_json) json_t *value = json_pack("{s:s}", "token", "t");
    char *box;
    assert_int_equal(sw_seal(k, to, context, value, &box), 0);
    sw_keys_destroy(k);
    return box;
}

/* ---- tests ---- */

static void test_a_token_key_goes_when_no_row_needs_it(void **state) {
    struct world *w = *state;
    char old[9];
    link_all(w);
    SW_AUTO(sw_text) char *kept = row_of(w, 1);
    start_auth(w);
    snprintf(old, sizeof(old), "%s", key_at("token", 0));
    expect_key("retire", old, 1, "is the current key of token");
    expect("rotate token", 1, "no key was added");
    expect("add token", 0, "is added");
    expect("add token", 1, "a key is added already");
    expect("rotate token", 0, "seals from now on");
    assert_string_equal(key_at("token", 1), old);
    expect_key("retire", old, 1, "is needed: rows 40, owed 0, stored 0");
    expect("list", 0, "former");
    expect("reseal --timeout 15", 0, "40 sealed anew");
    expect_all_open(w);
    expect("reseal", 0, "everything is sealed with the current keys");
    expect_key("retire", old, 0, "is gone");
    expect_all_open(w);
    assert_int_equal(number(w, "EXISTS %s%s", "dead"), 0);

    /* What comes back from an old dump is of no use, and is told. */
    SW_AUTO(sw_text) char *key = person_key(w, 1);
    SW_AUTO(sw_json) json_t *person = get(w, key);
    json_object_set_new(json_object_get(person, "heroku"), "row", json_string(kept));
    put(w, key, json_incref(person));
    expect("list", 0, "no file");
    expect("list --json", 0, "\"standing\":null,\"since_ms\":null,\"rows\":");
    expect("list --json", 0, "{\"name\":\"auth\",\"key\":\"");
    assert_non_null(strstr(output, old));
    end(w->run, SIGTERM);
    start_auth(w); /* nothing of before is in its memory */
    struct sw_msg *command = sw_msg_create(SW_KIND_COMMAND, "c1", INST, 1);
    json_decref(command->body);
    command->body =
        json_pack("{s:{s:s, s:s, s:s}, s:s, s:{s:s}}", "who", "team", INST, "user", "U1", "channel",
                  "C1", "line", "/h pipelines", "command", "handler", "pipelines");
    char *bytes;
    size_t size;
    assert_int_equal(sw_msg_pack(command, &bytes, &size), 0);
    sw_msg_destroy(command);
    redisReply *gen = ask(&w->redis, "HGET %sgen gen", w->prefix);
    freeReplyObject(ask(&w->redis, "XADD %sauth %s-* m %b", w->prefix, gen->str, bytes, size));
    freeReplyObject(gen);
    free(bytes);
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;;) {
        redisReply *mail = ask(&w->redis, "XRANGE %sresponder - +", w->prefix);
        const redisReply *entry = mail->elements ? mail->element[0]->element[1]->element[1] : NULL;
        const bool told = entry && memmem(entry->str, entry->len, "unreadable", 10);
        freeReplyObject(mail);
        if (told) break;
        if (!patient(deadline_ms)) fail_msg("nobody is told that the row cannot be read");
    }
    SW_AUTO(sw_json) json_t *now = get(w, key);
    assert_string_equal(sw_str(json_object_get(now, "heroku"), "row"),
                        kept); /* its key may come back */
}

static void test_a_key_stays_while_something_owed_is_sealed_for_it(void **state) {
    struct world *w = *state;
    char old[9];
    snprintf(old, sizeof(old), "%s", key_at("executor", 0));
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", INST, 1);
    SW_AUTO(sw_text) char *box = box_for("auth", "executor", "c1");
    SW_AUTO(sw_text) char *plan = state_key(w, "executor", "plan/c2");
    sw_msg_set_box(m, "token", box);
    append_message(w, m); /* nobody handles it */
    appended(w);
    put(w, plan, json_pack("{s:{s:s}}", "call", "$box", box));
    freeReplyObject(ask(&w->redis, "HSET %sexecutor:fx f1 %s", w->prefix, box));
    freeReplyObject(ask(&w->redis, "HSET %sexecutor:tm t1 %s", w->prefix, box));
    freeReplyObject(ask(&w->redis, "XADD %sdead * m %s", w->prefix, box));
    start_auth(w);
    expect("add executor", 0, "is added");
    expect("rotate executor", 0, "seals from now on");
    struct sw_keys *executor = loaded("executor");
    SW_AUTO(sw_json) json_t *value = NULL;
    assert_int_equal(sw_unseal(executor, box, "c1", &value), 0);
    sw_keys_destroy(executor);
    expect_key("retire", old, 1, "is needed: rows 0, owed 3, stored 1");
    assert_non_null(strstr(output, "not open again: 1"));
    freeReplyObject(ask(&w->redis, "DEL %s %sexecutor", plan, w->prefix));
    freeReplyObject(ask(&w->redis, "DEL %sexecutor:tm", w->prefix));
    expect_key("retire", old, 1, "is needed: rows 0, owed 1, stored 0");
    freeReplyObject(ask(&w->redis, "DEL %sexecutor:fx", w->prefix));
    expect_key("retire", old, 0, "is gone");
    assert_non_null(strstr(output, "not open again: 1")); /* told, and no reason to keep it */
}

/* As if a script had come by, once. */
static void leave_generation(const struct world *w) {
    freeReplyObject(ask(&w->redis, "HSET %sgen gen 1", w->prefix));
}

/* Another process lives, whose files are not these. */
static void test_a_process_with_other_files_is_not_left_behind(void **state) {
    struct world *w = *state;
    char auth_old[9], state_old[9];
    leave_generation(w);
    snprintf(auth_old, sizeof(auth_old), "%s", key_at("auth", 0));
    snprintf(state_old, sizeof(state_old), "%s", key_at("state", 0));
    struct sw_keys *parser = loaded("parser");
    SW_AUTO(sw_text) char *known = sw_keys_known(parser, NULL);
    sw_keys_destroy(parser);
    freeReplyObject(ask(&w->redis, "ZADD sw:live:parser 99999999999999 ipc://far"));
    freeReplyObject(ask(&w->redis, "HSET sw:keys:parser ipc://far %s", known));
    expect("add all", 0, "auth: ");
    expect("add all", 0, "is added already");
    expect("rotate state", 0, "seals from now on"); /* parser has no part in it */
    expect("rotate auth", 1, "parser at ipc://far does not know key ");
    assert_non_null(strstr(output, "(copy them)"));
    expect("rotate auth --offline", 1, "without --offline it is asked"); /* it runs */
    assert_string_equal(key_at("auth", 0), auth_old);
    /* It is told of the new key, and stays with the old order. */
    SW_AUTO(sw_json) json_t *more = json_loads(known, 0, NULL);
    json_array_append_new(json_object_get(more, "auth"), json_string(key_at("auth", 1)));
    SW_AUTO(sw_text) char *text = json_dumps(more, JSON_COMPACT);
    freeReplyObject(ask(&w->redis, "HSET sw:keys:parser ipc://far %s", text));
    expect("rotate auth", 0, "seals from now on");
    expect_key("retire", auth_old, 1, "parser at ipc://far may still seal with key ");
    freeReplyObject(ask(&w->redis, "HDEL sw:keys:parser ipc://far"));
    expect_key("retire", auth_old, 1, "may still seal with"); /* who says nothing may */
    freeReplyObject(ask(&w->redis, "ZADD sw:live:parser 1 ipc://far"));
    expect_key("retire", auth_old, 0, "is gone"); /* its lease ran out long ago */
    expect_key("retire", state_old, 1, "links and forms made with ");
    expect_key("retire", key_at("token", 1), 0, "is gone"); /* added and never used */
    expect_key("retire", "0badc0de", 1, "no key 0badc0de is in ");
    SW_AUTO(sw_text) char *offline = sw_printf("retire %s --offline", key_at("notifier", 1));
    expect(offline, 1, "without --offline it is asked");
}

/* What responder keeps for itself is renewed by auth, too. */
static void test_a_bot_token_under_an_old_key_is_asked_for_again(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *key = state_key(w, "responder", "bot/" INST);
    SW_AUTO(sw_text) char *box = box_for("responder", "responder", "bot/" INST "/1");
    put(w, key, json_pack("{s:i, s:s}", "version", 1, "box", box));
    leave_generation(w);
    expect("reseal", 0, "everything is sealed with the current keys");
    expect("add responder", 0, "is added");
    expect("rotate responder", 0, "seals from now on");
    expect("reseal --timeout 1", 1, "1 of 1 are not sealed anew after 1 s");
    redisReply *entries = ask(&w->redis, "XRANGE %sauth - +", w->prefix);
    assert_int_equal(entries->elements, 1);
    const redisReply *bytes = entries->element[0]->element[1]->element[1];
    struct sw_msg *m;
    assert_int_equal(sw_msg_unpack(bytes->str, bytes->len, &m), 0);
    assert_string_equal(m->kind, SW_KIND_RESEAL);
    assert_string_equal(m->inst, INST);
    assert_string_equal(sw_str(m->body, "user"), "bot");
    sw_msg_destroy(m);
    freeReplyObject(entries);
}

static void test_without_redis_nothing_goes_unless_it_is_said(void **state) {
    (void)state;
    char old[9];
    SW_AUTO(sw_text) char *redis = sw_strdup(getenv("SLIPWAY_REDIS"));
    setenv("SLIPWAY_REDIS", "/nonexistent/redis", 1);
    snprintf(old, sizeof(old), "%s", key_at("token", 0));
    expect("add token", 0, "is added");
    expect("list", 69, "what needs them is not known: no Redis at SLIPWAY_REDIS");
    assert_non_null(strstr(output, old));
    expect("list --json", 69, "\"standing\":\"added\",\"since_ms\":");
    assert_null(strstr(output, "\"rows\""));
    expect("rotate token", 69, "nothing was changed");
    assert_string_equal(key_at("token", 0), old);
    expect("rotate token --offline", 0, "seals from now on");
    expect_key("retire", old, 69, " stays");
    SW_AUTO(sw_text) char *offline = sw_printf("retire %s --offline", old);
    expect(offline, 0, "is gone");
    setenv("SLIPWAY_REDIS", redis, 1);
}

static void test_what_is_not_a_command_is_told_how_to_be_one(void **state) {
    (void)state;
    static const struct {
        const char *words;
        int status;
        const char *says;
    } rows[] = {
        {"--help", 0, "usage: slipway keys init|curve|list|add|rotate|reseal|retire"},
        {"init --help", 0, "usage: slipway keys init"},
        {"list --help", 0, "usage: slipway keys list"},
        {"add --help", 0, "usage: slipway keys add NAME|all"},
        {"rotate -h", 0, "usage: slipway keys rotate NAME|all"},
        {"reseal --help", 0, "usage: slipway keys reseal"},
        {"retire --help", 0, "usage: slipway keys retire ID"},
        {"burn", 64, "'burn' is not understood here\nusage: slipway keys init|"},
        {"init now", 64, "'now' is not understood here\nusage: slipway keys init"},
        {"list all", 64, "'all' is not understood here\nusage: slipway keys list"},
        {"add", 64, "a word is missing\nusage: slipway keys add"},
        {"add nobody", 64, "'nobody' is not understood here\nusage: slipway keys add"},
        {"add ../token", 64, "usage: slipway keys add"},
        {"add token state", 64, "'state' is not understood here\nusage: slipway keys add"},
        {"rotate", 64, "a word is missing\nusage: slipway keys rotate"},
        {"rotate token --now", 64, "'--now' is not understood here\nusage: slipway keys rotate"},
        {"reseal all", 64, "'all' is not understood here\nusage: slipway keys reseal"},
        {"reseal --timeout", 64, "a word is missing\nusage: slipway keys reseal"},
        {"reseal --timeout 0", 64, "usage: slipway keys reseal"},
        {"reseal --timeout 86401", 64, "usage: slipway keys reseal"},
        {"reseal --timeout 5s", 64, "'5s' is not understood here\nusage: slipway keys reseal"},
        {"retire", 64, "usage: slipway keys retire"},
        {"retire --offline", 64, "'--offline' is not understood here\nusage: slipway keys retire"},
        {"retire 00000000 now", 64, "'now' is not understood here\nusage: slipway keys retire"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        expect(rows[i].words, rows[i].status, rows[i].says);
}

/* Another Redis, with nothing of Slipway in it, knows of no process and no row: that is no leave to throw a key away. */
static void test_a_redis_of_something_else_is_no_leave_to_change_keys(void **state) {
    const struct world *w = *state;
    static const char *const commands[] = {"rotate token", "reseal", "list"};
    char old[9];
    freeReplyObject(ask(&w->redis, "FLUSHALL"));
    freeReplyObject(ask(&w->redis, "SET somebody else"));
    snprintf(old, sizeof(old), "%s", key_at("token", 0));
    expect("add token", 0, "is added");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        expect(commands[i], 78, "no Slipway ever ran on the Redis at SLIPWAY_REDIS");
    assert_string_equal(key_at("token", 0), old);
    expect("rotate token --offline", 0, "seals from now on");
    expect_key("retire", old, 78, "no Slipway ever ran on the Redis at SLIPWAY_REDIS");
    SW_AUTO(sw_text) char *offline = sw_printf("retire %s --offline", old);
    expect(offline, 78, "no Slipway ever ran on the Redis at SLIPWAY_REDIS");
    assert_string_equal(key_at("token", 1), old);
}

/* As in README: `up` was told of no Redis, so it has one of its own, and the shell beside it names none. */
static void test_the_redis_of_up_is_found_where_none_is_named(void **state) {
    (void)state;
    char dir[] = "/tmp/slipway-keys-run-XXXXXX";
    SW_AUTO(sw_text) char *redis = sw_strdup(getenv("SLIPWAY_REDIS"));
    assert_non_null(mkdtemp(dir));
    SW_AUTO(sw_text) char *own = sw_printf("%s/redis.sock", dir);
    SW_AUTO(sw_text) char *run = sw_strdup(getenv("SLIPWAY_RUN_DIR"));
    setenv("SLIPWAY_RUN_DIR", dir, 1);
    setenv("SLIPWAY_REDIS", "", 1);
    int fd = open(own, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* nobody listens */
    assert_true(fd >= 0);
    close(fd);
    expect("list", 69, own);
    unlink(own);
    rmdir(dir);
    setenv("SLIPWAY_REDIS", redis, 1);
    setenv("SLIPWAY_RUN_DIR", run, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_key_goes_when_no_row_needs_it),
        TEST(test_a_key_stays_while_something_owed_is_sealed_for_it),
        TEST(test_a_process_with_other_files_is_not_left_behind),
        TEST(test_a_bot_token_under_an_old_key_is_asked_for_again),
        TEST(test_without_redis_nothing_goes_unless_it_is_said),
        TEST(test_what_is_not_a_command_is_told_how_to_be_one),
        TEST(test_a_redis_of_something_else_is_no_leave_to_change_keys),
        TEST(test_the_redis_of_up_is_found_where_none_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
