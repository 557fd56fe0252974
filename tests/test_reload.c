/* test_reload.c -- a process that runs reads keys and secrets again, and says which keys it knows. */
#include "common/key_file.h"
#include "tests/run_world.h"

#include <sys/stat.h>

#define ONE "http://one@127.0.0.1/1" /* a secret that every role has */
#define TWO "http://two@127.0.0.1/1"

static char error[512];

/* Keeps how many boxes opened, and how many did not; and the secret that it is configured with. */
static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const json_t *seen;
    SW_AUTO(sw_json) json_t *opened = NULL;
    int r = sw_fact(out, "seen", &seen);
    if (r < 0) return r;
    bool open = sw_open(ctx, in, "token", &opened) == 0;
    sw_store(out, "seen",
             json_pack("{s:I, s:I, s:s*}", "open", sw_int(seen, "open") + open, "shut",
                       sw_int(seen, "shut") + !open, "secret", ctx->conf->sentry_dsn.current),
             0);
    return 0;
}

static const char *const kinds[] = {SW_KIND_GRANTED, NULL};
static const struct sw_actor actor = {"executor", kinds, NULL, handle};

static const char *key_dir(void) {
    return getenv("SLIPWAY_KEY_DIR");
}

static void say(const struct world *w, char *box) {
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", INST, 1);
    sw_msg_set_box(m, "token", box);
    append_message(w, m);
    appended(w);
    free(box);
}

/* From auth as it is on disk now. */
static char *box_now(void) {
    struct sw_keys *auth;
    char *box = NULL;
    if (sw_keys_load(key_dir(), "auth", &auth, error, sizeof(error)) < 0) fail_msg("%s", error);
    json_t *value = json_string("v");
    assert_int_equal(sw_seal(auth, "executor", "c1", value, &box), 0);
    json_decref(value);
    sw_keys_destroy(auth);
    return box;
}

static void wait_for(const struct world *w, json_int_t open, json_int_t shut, const char *secret) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    for (;;) {
        SW_AUTO(sw_json) json_t *seen = stored(w, "seen");
        if (sw_int(seen, "open") == open && sw_int(seen, "shut") == shut &&
            !strcmp(sw_str(seen, "secret"), secret))
            return;
        assert_int_equal(waitpid(w->run, NULL, WNOHANG), 0);
        if (!patient(deadline_ms)) {
            SW_AUTO(sw_text) char *text = json_dumps(seen, JSON_COMPACT | JSON_ENCODE_ANY);
            fail_msg("%s", text ? text : "nothing handled");
        }
    }
}

/* What the only process says it knows, once `id` is the first of `name`. */
static void wait_known(const struct world *w, const char *name, const char *id, size_t count) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    for (;;) {
        redisReply *reply = ask(&w->redis, "HVALS sw:keys:executor");
        SW_AUTO(sw_json)
        json_t *known = reply->elements == 1 ? json_loads(reply->element[0]->str, 0, NULL) : NULL;
        const json_t *ids = json_object_get(known, name);
        freeReplyObject(reply);
        const char *first = json_string_value(json_array_get(ids, 0));
        if (first && !strcmp(first, id) && json_array_size(ids) == count) {
            assert_null(json_object_get(known, "token"));
            assert_null(json_object_get(known, "state"));
            return;
        }
        if (!patient(deadline_ms)) fail_msg("%s: not %s", name, id);
    }
}

static void change(const char *name, char id[9], bool rotate) {
    int r = (rotate ? sw_ring_rotate : sw_ring_add)(key_dir(), name, id, error, sizeof(error));
    if (r < 0) fail_msg("%s", error);
}

static void test_keys_change_under_a_process_that_runs(void **state) {
    struct world *w = *state;
    char id[2][9];
    static const char *const sides[] = {"auth", "executor"};
    char *old = box_now();
    w->run = start(w, &actor);
    say(w, box_now());
    wait_for(w, 1, 0, "");
    for (size_t i = 0; i < 2; i++)
        change(sides[i], id[i], false);
    for (size_t i = 0; i < 2; i++) {
        struct sw_ring ring;
        assert_int_equal(sw_ring_read(key_dir(), sides[i], &ring, error, sizeof(error)), 0);
        wait_known(w, sides[i], ring.key[0].id, 2);
        change(sides[i], id[i], true);
    }
    /* It knows both already, so it need not have seen the rotation. */
    say(w, box_now());
    wait_for(w, 2, 0, "");
    for (size_t i = 0; i < 2; i++)
        wait_known(w, sides[i], id[i], 2);
    say(w, old);
    wait_for(w, 3, 0, "");
}

static void write_text(const char *path, const char *text) {
    SW_AUTO(sw_text) char *next = sw_printf("%s.next", path);
    FILE *f = fopen(next, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(next, path), 0);
}

static void read_text(const char *path, char text[256]) {
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, 255, f)] = 0;
    assert_int_equal(fclose(f), 0);
}

static void wait_logged(int fd, const char *what) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    char text[4096] = "";
    while (!strstr(text, what)) {
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = 0;
        if (!patient(deadline_ms)) fail_msg("not told: %s", text);
    }
}

static void test_a_broken_file_keeps_the_keys_before(void **state) {
    struct world *w = *state;
    char id[9];
    SW_AUTO(sw_text) char *path = sw_printf("%s/executor.key", key_dir());
    SW_AUTO(sw_text) char *log = sw_printf("%s/log", w->redis.dir);
    SW_AUTO(sw_text) char *pub = sw_printf("%s/executor.pub", key_dir());
    char good[256], good_pub[256];
    read_text(path, good);
    read_text(pub, good_pub);
    int was = dup(STDERR_FILENO), fd = open(log, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);
    w->run = start(w, &actor);
    dup2(was, STDERR_FILENO);
    say(w, box_now());
    wait_for(w, 1, 0, "");
    write_text(path, "no key\n");
    wait_logged(fd, "/executor.key: line 1: not a key");
    say(w, box_now());
    wait_for(w, 2, 0, "");
    write_text(path, good);
    change("executor", id, false);
    change("executor", id, true);
    wait_known(w, "executor", id, 2);
    say(w, box_now());
    wait_for(w, 3, 0, "");
    /* Files of before the rotation come back: what rests under the newer key would not open. */
    char *box = box_now();
    write_text(pub, good_pub);
    write_text(path, good);
    wait_logged(fd, "and it seals until now");
    say(w, box);
    wait_for(w, 4, 0, "");
    close(was);
    close(fd);
}

/* As the kubelet does: files are links through a link, which is swapped. */
static void test_secrets_are_read_again_when_a_link_is_swapped(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *volume = sw_printf("%s/volume", w->redis.dir);
    SW_AUTO(sw_text) char *data = sw_printf("%s/..data", volume);
    SW_AUTO(sw_text) char *next = sw_printf("%s/..next", volume);
    SW_AUTO(sw_text) char *link = sw_printf("%s/secret", volume);
    assert_int_equal(mkdir(volume, 0700), 0);
    for (int i = 1; i <= 2; i++) {
        SW_AUTO(sw_text) char *sub = sw_printf("%s/..%d", volume, i);
        SW_AUTO(sw_text) char *file = sw_printf("%s/secret", sub);
        assert_int_equal(mkdir(sub, 0700), 0);
        write_text(file, i == 1 ? ONE "\n" : TWO "\n" ONE "\n");
    }
    assert_int_equal(symlink("..1", data), 0);
    assert_int_equal(symlink("..data/secret", link), 0);
    setenv("SLIPWAY_SENTRY_DSN_FILE", link, 1);
    w->run = start(w, &actor);
    say(w, box_now());
    wait_for(w, 1, 0, ONE);
    assert_int_equal(symlink("..2", next), 0);
    assert_int_equal(rename(next, data), 0);
    json_int_t said = 1;
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;; said++) {
        SW_AUTO(sw_json) json_t *seen = stored(w, "seen");
        if (!strcmp(sw_str(seen, "secret"), TWO)) break;
        say(w, box_now());
        if (!patient(deadline_ms)) fail_msg("still %s", sw_str(seen, "secret"));
    }
    wait_for(w, said, 0, TWO);
    unsetenv("SLIPWAY_SENTRY_DSN_FILE");
}

/* One that ends says so; of one that was killed another of its kind does. */
static void test_what_a_process_knew_goes_with_it(void **state) {
    struct world *w = *state;
    struct sw_ring ring;
    assert_int_equal(sw_ring_read(key_dir(), "executor", &ring, error, sizeof(error)), 0);
    pid_t killed = start(w, &actor);
    wait_known(w, "executor", ring.key[0].id, 1);
    end(killed, SIGKILL);
    w->run = start(w, &actor);
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (number(w, "HLEN sw:keys:executor", NULL) != 2)
        assert_true(patient(deadline_ms));
    while (number(w, "HLEN sw:keys:executor", NULL) != 1)
        assert_true(patient(deadline_ms));
    wait_known(w, "executor", ring.key[0].id, 1);
    end(w->run, SIGTERM);
    w->run = 0;
    assert_int_equal(number(w, "HLEN sw:keys:executor", NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_keys_change_under_a_process_that_runs),
        TEST(test_a_broken_file_keeps_the_keys_before),
        TEST(test_secrets_are_read_again_when_a_link_is_swapped),
        TEST(test_what_a_process_knew_goes_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
