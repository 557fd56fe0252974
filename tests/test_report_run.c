/* test_report_run.c -- a process of the runtime, and somebody who listens as Sentry does. */
#include "common/mem.h"
#include "tests/run_world.h"

#include <errno.h>

#define GAP_MS 300
#define COMMAND "01jd6c5m0qhsy2k4w8ptb" /* and one character more: 22 as ingress makes them */
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

/* ---- the actor ---- */

/* {"do"}: "refuse", "crash" while the file of the test is there, "hang", "open" a box, "call", "sealed": call with that box. */
static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    const char *what = sw_str(in->body, "do");
    const char *fuse = getenv("SW_FUSE");
    json_t *box;
    if (!strcmp(in->kind, SW_KIND_EXECUTOR_HTTP)) return -EIO;
    if (!strcmp(what, "refuse")) return -EPROTO;
    if (!strcmp(what, "crash") && (!fuse || unlink(fuse) == 0)) raise(SIGKILL);
    /* As if ten seconds went by. */
    for (; !strcmp(what, "hang") && (!fuse || access(fuse, F_OK) == 0);) {
        if (fuse) unlink(fuse);
        for (;;)
            raise(SIGALRM);
    }
    if (!strcmp(what, "open")) return sw_open(ctx, in, "token", &box);
    if (!strcmp(what, "call"))
        sw_http(out,
                json_pack("{s:s, s:s, s:s, s:s}", "up", "heroku", "method", "GET", "path", "/x",
                          "repeat", "safe"),
                SW_KIND_EXECUTOR_HTTP, NULL);
    if (!strcmp(what, "sealed"))
        sw_http(out,
                json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "up", "heroku", "method", "GET",
                          "path", "/x", "repeat", "safe", "bearer", "$box", sw_msg_box(in, "token"),
                          "field", "token"),
                SW_KIND_EXECUTOR_HTTP, NULL);
    sw_store(out, "seen", json_string(what), 0);
    return 0;
}

static const char *const kinds[] = {SW_KIND_GRANTED, SW_KIND_EXECUTOR_HTTP, NULL};
static const struct sw_actor actor = {"executor", kinds, NULL, handle};

/* ---- Sentry ---- */

static int sentry = -1;

static int set_up_sentry(void **state) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    set_up(state);
    const struct world *w = *state;
    SW_AUTO(sw_text) char *path = sw_printf("%s/dsn", w->redis.dir);
    SW_AUTO(sw_text) char *fuse = sw_printf("%s/fuse", w->redis.dir);
    sentry = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(sentry, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(sentry, 16), 0);
    getsockname(sentry, (struct sockaddr *)&at, &size);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "http://thekey@127.0.0.1:%d/sentry/7\n", ntohs(at.sin_port));
    fclose(file);
    file = fopen(fuse, "w");
    assert_non_null(file);
    fclose(file);
    setenv("SW_FUSE", fuse, 1);
    setenv("SLIPWAY_SENTRY_DSN_FILE", path, 1);
    setenv("SLIPWAY_REPORT_GAP_MS", "300", 1);
    setenv("SLIPWAY_RETRY_MS", "60000", 1);
    setenv("SLIPWAY_LEASE_MS", "300", 1);
    setenv("SLIPWAY_SWEEP_MS", "50", 1);
    return 0;
}

static int tear_down_sentry(void **state) {
    close(sentry);
    return tear_down(state);
}

/* A connection within the time, or -1. */
static int caller(int64_t wait_ms) {
    struct pollfd p = {.fd = sentry, .events = POLLIN};
    if (poll(&p, 1, (int)wait_ms) != 1) return -1;
    int fd = accept(sentry, NULL, NULL);
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/* One request, head and body. */
static void hear(int fd, char *text, size_t room) {
    size_t size = 0, want = room - 1;
    ssize_t n;
    while (size < want && (n = recv(fd, text + size, want - size, 0)) > 0) {
        size += (size_t)n;
        text[size] = 0;
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (end) want = (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
    }
    text[size] = 0;
}

/* What Sentry's protocol asks of a request; the event. */
static json_t *checked(const char *text) {
    const char *head = "POST /sentry/api/7/envelope/ HTTP/1.1\r\n";
    if (strncmp(text, head, strlen(head)) != 0) fail_msg("%s", text);
    assert_non_null(strstr(text, "\r\nContent-Type: application/x-sentry-envelope\r\n"));
    assert_non_null(strstr(text, "\r\nX-Sentry-Auth: Sentry sentry_version=7, "
                                 "sentry_client=slipway/" SW_VERSION ", sentry_key=thekey\r\n"));
    const char *first = strstr(text, "\r\n\r\n") + 4, *second = strchr(first, '\n') + 1;
    const char *third = strchr(second, '\n') + 1;
    SW_AUTO(sw_json) json_t *envelope = json_loadb(first, (size_t)(second - first), 0, NULL);
    SW_AUTO(sw_json) json_t *item = json_loadb(second, (size_t)(third - second), 0, NULL);
    json_t *event = json_loads(third, 0, NULL);
    assert_string_equal(sw_str(item, "type"), "event");
    assert_int_equal(sw_int(item, "length"), strcspn(third, "\n"));
    assert_int_equal(strlen(sw_str(envelope, "event_id")), 32);
    assert_string_equal(sw_str(event, "event_id"), sw_str(envelope, "event_id"));
    assert_string_equal(sw_str(event, "release"), "slipway@" SW_VERSION);
    assert_null(strcasestr(text, "canary"));
    return event;
}

static json_t *told(const char *reply) {
    char text[8192];
    int fd = caller(PATIENCE_MS);
    if (fd < 0) fail_msg("nothing was reported");
    hear(fd, text, sizeof(text));
    assert_int_equal(send(fd, reply, strlen(reply), MSG_NOSIGNAL), strlen(reply));
    close(fd);
    return checked(text);
}

static const char *tag(const json_t *event, const char *name) {
    return sw_str(json_object_get(event, "tags"), name);
}

static void say(const struct world *w, const char *what, char last) {
    char cmd[] = COMMAND "?";
    cmd[sizeof(cmd) - 2] = last;
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, cmd, INST, 1);
    json_object_set_new(
        m->body, "who",
        json_pack("{s:s, s:s, s:s}", "team", INST, "user", "U0ADA", "channel", "C0DEPLOY"));
    json_object_set_new(m->body, "do", json_string(what));
    json_object_set_new(m->body, "line", json_string("promote canary"));
    sw_msg_set_box(m, "token", "1.auth.executor.canary");
    append_message(w, m);
    appended(w);
}

static void wait_seen(const struct world *w, const char *what) {
    bool seen = false;
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS; !seen;) {
        json_t *value = stored(w, "seen");
        seen = value && !strcmp(json_string_value(value), what);
        json_decref(value);
        if (!patient(deadline_ms)) fail_msg("%s was not handled", what);
    }
}

/* The id that the person was told with error.internal, of the first reply. */
static void assert_person_told(const struct world *w, const char *cmd) {
    redisReply *reply = ask(&w->redis, "XRANGE %sresponder - +", w->prefix);
    struct sw_msg *m = NULL;
    assert_true(reply->elements >= 1);
    const redisReply *bytes = reply->element[0]->element[1]->element[1];
    assert_int_equal(sw_msg_unpack(bytes->str, bytes->len, &m), 0);
    assert_string_equal(sw_str(m->body, "template"), "error.internal");
    assert_string_equal(sw_str(json_object_get(m->body, "data"), "id"), cmd);
    sw_msg_destroy(m);
    freeReplyObject(reply);
}

/* ---- tests ---- */

static void test_refused_messages_are_one_report_with_their_ids(void **state) {
    struct world *w = *state;
    say(w, "refuse", 'a');
    say(w, "refuse", 'b');
    say(w, "refuse", 'b');
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *event = told(OK);
    const json_t *extra = json_object_get(event, "extra");
    assert_string_equal(sw_str(event, "message"), "dead letter: executor: refused: granted.v1");
    assert_string_equal(sw_str(event, "level"), "error");
    assert_string_equal(sw_str(json_object_get(event, "user"), "id"), INST "/U0ADA");
    assert_string_equal(tag(event, "command"), COMMAND "a");
    assert_string_equal(tag(event, "errno"), "EPROTO");
    assert_string_equal(tag(event, "installation"), INST);
    assert_non_null(strchr(tag(event, "entry"), '-'));
    assert_person_told(w, tag(event, "command"));
    /* The first says so at once; what came while that was told, if anything, is one more. */
    json_int_t count = sw_int(extra, "count");
    if (count < 3) {
        SW_AUTO(sw_json) json_t *rest = told(OK);
        count += sw_int(json_object_get(rest, "extra"), "count");
    }
    assert_int_equal(count, 3);
    assert_int_equal(caller(3 * GAP_MS), -1);
}

static void test_what_sentry_does_not_take_now_is_sent_when_it_may(void **state) {
    struct world *w = *state;
    say(w, "refuse", 'a');
    w->run = start(w, &actor);
    SW_AUTO(sw_json)
    json_t *first = told("HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                         "Connection: close\r\n\r\n");
    assert_int_equal(caller(700), -1);
    SW_AUTO(sw_json)
    json_t *second = told("HTTP/1.1 200 OK\r\nX-Sentry-Rate-Limits: 1:error:key\r\n"
                          "Content-Length: 0\r\nConnection: close\r\n\r\n");
    assert_string_equal(sw_str(first, "event_id"), sw_str(second, "event_id"));
    say(w, "refuse", 'b');
    assert_int_equal(caller(700), -1);
    SW_AUTO(sw_json) json_t *third = told(OK);
    assert_string_equal(tag(third, "command"), COMMAND "b");
}

static void test_an_upstream_that_does_not_answer_is_one_warning(void **state) {
    struct world *w = *state;
    say(w, "call", 'a');
    say(w, "call", 'b');
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *at_once = told(OK), *event = told(OK);
    assert_string_equal(sw_str(at_once, "message"), "upstream: heroku: tried again");
    assert_string_equal(sw_str(event, "message"), "upstream: heroku: tried again");
    assert_string_equal(sw_str(event, "level"), "warning");
    assert_string_equal(tag(event, "upstream"), "heroku");
    assert_string_equal(tag(at_once, "command"), COMMAND "a");
    assert_string_equal(sw_str(json_object_get(event, "user"), "id"), INST "/U0ADA");
    assert_true(sw_int(json_object_get(at_once, "extra"), "count") +
                    sw_int(json_object_get(event, "extra"), "count") >=
                2);
}

static void test_a_call_that_ends_badly_is_told_and_so_is_its_answer(void **state) {
    struct world *w = *state;
    setenv("SLIPWAY_RETRY_MS", "0", 1);
    say(w, "call", 'a');
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *event = told(OK);
    assert_string_equal(sw_str(event, "message"), "upstream: heroku: connect");
    SW_AUTO(sw_json) json_t *dead = told(OK);
    assert_string_equal(sw_str(dead, "message"),
                        "dead letter: executor: refused: executor.http.v1");
    assert_string_equal(tag(dead, "command"), COMMAND "a");
    assert_person_told(w, COMMAND "a");
}

static void ends_and_is_told_by_the_next(struct world *w, const char *what, const char *how) {
    int status;
    say(w, what, 'a');
    w->run = start(w, &actor);
    assert_int_equal(waitpid(w->run, &status, 0), w->run);
    assert_true(WIFSIGNALED(status));
    w->run = start(w, &actor);
    wait_seen(w, what);
    SW_AUTO(sw_json) json_t *event = told(OK);
    SW_AUTO(sw_text) char *message = sw_printf("process: executor: %s: granted.v1", how);
    assert_string_equal(sw_str(event, "message"), message);
    assert_string_equal(tag(event, "actor"), "executor");
    assert_string_equal(tag(event, "command"), COMMAND "a");
    assert_true(tag(event, "entry")[0] && tag(event, "shard")[0]);
    assert_int_equal(caller(2 * GAP_MS), -1);
}

static void test_a_handler_that_crashed_is_told_by_the_successor(void **state) {
    ends_and_is_told_by_the_next(*state, "crash", "crashed");
}

static void test_a_handler_that_hung_is_told_by_the_successor(void **state) {
    ends_and_is_told_by_the_next(*state, "hang", "hung");
}

static void test_poison_is_told_to_sentry_and_the_person_with_one_id(void **state) {
    struct world *w = *state;
    unsetenv("SW_FUSE"); /* crashes each time */
    say(w, "crash", 'a');
    for (int i = 0; i < 3; i++) {
        w->run = start(w, &actor);
        assert_int_equal(waitpid(w->run, NULL, 0), w->run);
    }
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *crash = told(OK);
    SW_AUTO(sw_json) json_t *poison = told(OK);
    assert_string_equal(sw_str(crash, "message"), "process: executor: crashed: granted.v1");
    assert_string_equal(sw_str(poison, "message"), "dead letter: executor: poison: granted.v1");
    assert_string_equal(tag(crash, "command"), tag(poison, "command"));
    assert_string_equal(tag(crash, "entry"), tag(poison, "entry"));
    assert_person_told(w, tag(poison, "command"));
}

static void test_the_death_of_an_idle_process_is_quiet(void **state) {
    struct world *w = *state;
    say(w, "nothing", 'a');
    w->run = start(w, &actor);
    wait_seen(w, "nothing");
    poll(NULL, 0, 50); /* the answer to its commit */
    end(w->run, SIGKILL);
    say(w, "later", 'b'); /* owed when the next one takes over, and yet never tried */
    w->run = start(w, &actor);
    wait_seen(w, "later");
    assert_int_equal(caller(2 * GAP_MS), -1);
}

/* An entry that was tried three times, of a shard whose owner was stopped in some way and holds no lease any more. */
static void tried_before(struct world *w, const char *what, int stopped_by) {
    w->run = start(w, &actor);
    say(w, "before", 'a');
    wait_seen(w, "before");
    poll(NULL, 0, 50); /* the answer to its commit */
    kill(w->run, stopped_by);
    if (stopped_by == SIGKILL) assert_int_equal(waitpid(w->run, NULL, 0), w->run);
    say(w, what, 'b');
    redisReply *reply = ask(&w->redis, "XRANGE %sexecutor - +", w->prefix);
    assert_int_equal(reply->elements, 1);
    freeReplyObject(ask(&w->redis, "HSET %sexecutor:tries %s 3", w->prefix,
                        reply->element[0]->element[0]->str));
    freeReplyObject(reply);
}

static void test_a_lease_that_ran_out_is_no_entrys_fault(void **state) {
    struct world *w = *state;
    tried_before(w, "later", SIGSTOP);
    pid_t stopped = w->run;
    w->run = start(w, &actor);
    wait_seen(w, "later");
    kill(stopped, SIGKILL);
    assert_int_equal(waitpid(stopped, NULL, 0), stopped);
}

static void test_a_death_may_be(void **state) {
    struct world *w = *state;
    tried_before(w, "later", SIGKILL);
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *poison = told(OK);
    assert_string_equal(sw_str(poison, "message"), "dead letter: executor: poison: granted.v1");
    assert_string_equal(tag(poison, "command"), COMMAND "b");
}

static void test_a_box_that_does_not_open_is_told(void **state) {
    struct world *w = *state;
    say(w, "open", 'a');
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *seal = told(OK);
    assert_string_equal(sw_str(seal, "message"), "seal: executor: does not open: granted.v1");
    SW_AUTO(sw_json) json_t *dead = told(OK);
    assert_string_equal(tag(dead, "errno"), "EBADMSG");
}

static void test_so_is_one_that_a_call_needs(void **state) {
    struct world *w = *state;
    say(w, "sealed", 'a');
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *seal = told(OK);
    assert_string_equal(sw_str(seal, "message"), "seal: heroku: does not open");
    assert_string_equal(sw_str(seal, "level"), "error");
    assert_string_equal(tag(seal, "command"), COMMAND "a");
}

static void test_nothing_is_sent_without_a_dsn(void **state) {
    struct world *w = *state;
    unsetenv("SLIPWAY_SENTRY_DSN_FILE");
    say(w, "refuse", 'a');
    say(w, "done", 'b');
    w->run = start(w, &actor);
    wait_seen(w, "done");
    assert_int_equal(caller(2 * GAP_MS), -1);
}

static void test_what_waits_is_sent_before_the_process_goes(void **state) {
    struct world *w = *state;
    setenv("SLIPWAY_REPORT_GAP_MS", "60000", 1);
    say(w, "refuse", 'a');
    w->run = start(w, &actor);
    SW_AUTO(sw_json) json_t *first = told(OK);
    assert_string_equal(tag(first, "command"), COMMAND "a");
    say(w, "refuse", 'b');
    say(w, "done", 'c');
    wait_seen(w, "done");
    kill(w->run, SIGTERM);
    SW_AUTO(sw_json) json_t *event = told(OK);
    assert_string_equal(tag(event, "command"), COMMAND "b");
}

static void test_a_silent_sentry_holds_nobody_up(void **state) {
    struct world *w = *state;
    int status;
    say(w, "refuse", 'a');
    w->run = start(w, &actor);
    int fd = caller(PATIENCE_MS); /* and never an answer */
    assert_true(fd >= 0);
    say(w, "done", 'b');
    wait_seen(w, "done");
    int64_t from_ms = now_ms();
    kill(w->run, SIGTERM);
    assert_int_equal(waitpid(w->run, &status, 0), w->run);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(now_ms() - from_ms < 6000);
    w->run = 0;
    close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up_sentry, tear_down_sentry)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_refused_messages_are_one_report_with_their_ids),
        T(test_what_sentry_does_not_take_now_is_sent_when_it_may),
        T(test_an_upstream_that_does_not_answer_is_one_warning),
        T(test_a_call_that_ends_badly_is_told_and_so_is_its_answer),
        T(test_a_handler_that_crashed_is_told_by_the_successor),
        T(test_a_handler_that_hung_is_told_by_the_successor),
        T(test_poison_is_told_to_sentry_and_the_person_with_one_id),
        T(test_the_death_of_an_idle_process_is_quiet),
        T(test_a_lease_that_ran_out_is_no_entrys_fault),
        T(test_a_death_may_be),
        T(test_a_box_that_does_not_open_is_told),
        T(test_so_is_one_that_a_call_needs),
        T(test_nothing_is_sent_without_a_dsn),
        T(test_what_waits_is_sent_before_the_process_goes),
        T(test_a_silent_sentry_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
