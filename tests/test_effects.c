/* test_effects.c -- calls of an actor of our own to an upstream of our own, on a real redis-server: what GitHub's answers mean,
 * and that a signed location is nowhere in clear. */
#include "common/run.h"
#include "common/run_priv.h"
#include "common/seal.h"
#include "redis_world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define INST "T0CALLS"
#define CALLS 4 /* at once */
#define CANARY "canary5f1c"

struct world {
    struct redis_world redis;
    pid_t run;
    int upstream;
    char inst[16], prefix[16]; /* whose shard is spoken to */
};

/* ---- the actor ---- */

/* {"request", "audit"?}: makes the call and keeps the answer, of a box only whether it opens to the location. */
static int handle(const struct sw_ctx *ctx, const struct sw_msg *in, struct sw_out *out) {
    if (strcmp(in->kind, SW_KIND_EXECUTOR_HTTP) != 0) {
        sw_http(out, json_incref(json_object_get(in->body, "request")), SW_KIND_EXECUTOR_HTTP,
                NULL);
        if (json_object_get(in->body, "audit"))
            sw_audit(out, json_incref(json_object_get(in->body, "audit")));
        return 0;
    }
    SW_AUTO(sw_json) json_t *box = NULL;
    bool opens = sw_open(ctx, in, "answer", &box) == 0 &&
                 !strcmp(sw_str(box, "location"), "https://codeload.example/a?token=" CANARY);
    sw_store(out, "answer",
             json_pack("{s:O, s:b}", "http", json_object_get(in->body, "http"), "opens", opens), 0);
    return 0;
}

static const char *const kinds[] = {SW_KIND_GRANTED, SW_KIND_EXECUTOR_HTTP, NULL};
static const struct sw_actor actor = {"executor", kinds, NULL, handle};

/* ---- the world ---- */

/* An installation that was not spoken to before: its shard is in the first generation still. */
static void speak_to(struct world *w, const char *inst) {
    snprintf(w->inst, sizeof(w->inst), "%s", inst);
    snprintf(w->prefix, sizeof(w->prefix), "sw:{%02u}:", sw__shard_of(inst));
}

static int set_up(void **state) {
    struct world *w = sw_zalloc(sizeof(*w));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    redis_world_start(&w->redis, NULL);
    SW_AUTO(sw_text) char *keys = sw_printf("%s/keys", w->redis.dir);
    SW_AUTO(sw_text) char *run = sw_printf("%s/run", w->redis.dir);
    SW_AUTO(sw_text) char *log = sw_printf("%s/log", w->redis.dir);
    assert_int_equal(sw_keys_make(keys), 0);
    w->upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(w->upstream, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(w->upstream, 16), 0);
    assert_int_equal(getsockname(w->upstream, (struct sockaddr *)&at, &size), 0);
    SW_AUTO(sw_text) char *base = sw_printf("http://127.0.0.1:%d/github", ntohs(at.sin_port));
    SW_AUTO(sw_text) char *hooks = sw_printf("http://127.0.0.1:%d", ntohs(at.sin_port));
    setenv("SLIPWAY_GITHUB_API", base, 1);
    setenv("SLIPWAY_SLACK_HOOKS", hooks, 1);
    setenv("SLIPWAY_SLACK_API", hooks, 1);
    setenv("SLIPWAY_KEY_DIR", keys, 1);
    setenv("SLIPWAY_RUN_DIR", run, 1);
    setenv("SLIPWAY_DURABILITY", "memory", 1);
    setenv("SLIPWAY_LOG", "debug", 1);
    setenv("SLIPWAY_SWEEP_MS", "100", 1);
    setenv("SLIPWAY_CALLS", "4", 1);
    speak_to(w, INST);
    w->run = fork();
    assert_true(w->run >= 0);
    if (w->run == 0) {
        char *argv[] = {"slipway", NULL};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(w->upstream);
        if (!freopen(log, "w", stderr)) _exit(98);
        _exit(sw_run("executor", &actor, NULL, 1, argv));
    }
    *state = w;
    return 0;
}

static void end_run(struct world *w) {
    if (w->run > 0) {
        kill(w->run, SIGKILL);
        waitpid(w->run, NULL, 0);
    }
    w->run = 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    end_run(w);
    close(w->upstream);
    redis_world_end(&w->redis);
    free(w);
    return 0;
}

static void put(const struct world *w, const char *body) {
    struct sw_msg *m = sw_msg_create(SW_KIND_GRANTED, "c1", w->inst, 1);
    char *bytes;
    size_t size;
    json_decref(m->body);
    m->body = json_loads(body, 0, NULL);
    assert_non_null(m->body);
    assert_int_equal(sw_msg_pack(m, &bytes, &size), 0);
    freeReplyObject(ask(&w->redis, "XADD %sexecutor 1-* m %b", w->prefix, bytes, size));
    free(bytes);
    sw_msg_destroy(m);
}

/* Reads one request, which waits for its answer at *ret_fd; its head. */
static char *take(const struct world *w, int *ret_fd) {
    char *head = sw_zalloc(4096);
    size_t used = 0;
    struct pollfd ready = {.fd = w->upstream, .events = POLLIN};
    if (poll(&ready, 1, PATIENCE_MS) != 1) fail_msg("no request came");
    *ret_fd = accept(w->upstream, NULL, NULL);
    assert_true(*ret_fd >= 0);
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t n = read(*ret_fd, head + used, 4095 - used);
        assert_true(n > 0);
        used += (size_t)n;
    }
    return head;
}

/* Reads one request and answers it; the request's head, and when it came. */
static char *serve_json(const struct world *w, const char *response, const char *body,
                        int64_t *ret_ms) {
    int fd;
    char *head = take(w, &fd);
    *ret_ms = now_ms();
    SW_AUTO(sw_text)
    char *whole = sw_printf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n"
                            "Content-Type: application/json\r\n\r\n%s",
                            response, strlen(body), body);
    assert_int_equal(write(fd, whole, strlen(whole)), strlen(whole));
    close(fd);
    return head;
}

static char *serve(const struct world *w, const char *response, int64_t *ret_ms) {
    return serve_json(w, response, "{}", ret_ms);
}

static json_t *wait_for_answer(const struct world *w) {
    for (int64_t deadline_ms = now_ms() + PATIENCE_MS;;) {
        redisReply *reply = ask(&w->redis, "GET %sexecutor:s:answer", w->prefix);
        json_t *pair = NULL, *value = NULL;
        if (reply->type == REDIS_REPLY_STRING &&
            sw_value_unpack(reply->str, reply->len, &pair) == 0) {
            value = json_incref(json_array_get(pair, 1));
            json_decref(pair);
        }
        freeReplyObject(reply);
        if (value) return value;
        if (!patient(deadline_ms)) fail_msg("no answer was kept");
    }
}

static bool nobody_calls_again(const struct world *w) {
    struct pollfd ready = {.fd = w->upstream, .events = POLLIN};
    return poll(&ready, 1, 0) == 0;
}

static bool is_written_somewhere(const struct world *w, const char *text) {
    SW_AUTO(sw_text) char *command = sw_printf("grep -rqaF '%s' %s", text, w->redis.dir);
    return system(command) == 0;
}

/* ---- tests ---- */

static void a_signed_location_is_in_a_box_and_nowhere_else(void **state) {
    struct world *w = *state;
    int64_t at_ms;
    put(w, "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/repos/a/b/tarball/x\","
           "\"repeat\":\"safe\",\"seal\":true,\"location\":true},"
           "\"audit\":{\"line\":\"deploy storefront\",\"outcome\":\"asked\"}}");
    SW_AUTO(sw_text)
    char *head =
        serve(w, "302 Found\r\nlocation: https://codeload.example/a?token=" CANARY, &at_ms);
    assert_non_null(strstr(head, "GET /github/repos/a/b/tarball/x HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "\r\nUser-Agent: slipway/"));
    assert_non_null(strstr(head, "\r\nX-GitHub-Api-Version: 2022-11-28\r\n"));
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    assert_true(json_is_true(json_object_get(answer, "opens")));
    const json_t *http = json_object_get(answer, "http");
    assert_int_equal(sw_int(http, "status"), 302);
    assert_int_equal(json_object_size(http), 1);
    end_run(w);
    redis_world_stop(&w->redis);
    assert_true(is_written_somewhere(w, "/repos/a/b/tarball/x")); /* the search finds things */
    assert_false(is_written_somewhere(w, CANARY));
}

static void an_audit_entry_of_a_handler_says_which_actor_wrote_it(void **state) {
    struct world *w = *state;
    put(w,
        "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\",\"repeat\":\"safe\"},"
        "\"audit\":{\"line\":\"deploy storefront\",\"outcome\":\"asked\"}}");
    int64_t at_ms;
    free(serve(w, "200 OK", &at_ms));
    json_decref(wait_for_answer(w));
    redisReply *kept = ask(&w->redis, "XRANGE %saudit:" INST " - +", w->prefix);
    assert_int_equal(kept->elements, 1);
    SW_AUTO(sw_json)
    json_t *entry = json_loads(kept->element[0]->element[1]->element[1]->str, 0, NULL);
    freeReplyObject(kept);
    assert_string_equal(sw_str(entry, "actor"), "executor");
    assert_string_equal(sw_str(entry, "cmd"), "c1");
    assert_string_equal(sw_str(entry, "outcome"), "asked");
    assert_true(sw_int(entry, "at_ms") > 1700000000000);
    redisReply *known = ask(&w->redis, "SMEMBERS %saudits", w->prefix);
    assert_string_equal(known->element[0]->str, INST);
    freeReplyObject(known);
}

static void a_write_that_was_too_fast_for_github_is_made_when_its_time_has_come(void **state) {
    struct world *w = *state;
    int64_t first_ms, second_ms;
    put(w, "{\"request\":{\"up\":\"github\",\"method\":\"POST\",\"path\":\"/"
           "x\",\"repeat\":\"check\"}}");
    SW_AUTO(sw_text)
    char *busy = sw_printf("403 Forbidden\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %lld",
                           (long long)time(NULL) + 2);
    free(serve(w, busy, &first_ms));
    free(serve(w, "201 Created\r\nX-RateLimit-Remaining: 4999", &second_ms));
    assert_in_range(second_ms - first_ms, 900, 8000); /* without the header 50 to 550 */
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    const json_t *http = json_object_get(answer, "http");
    assert_int_equal(sw_int(http, "status"), 201);
    assert_int_equal(sw_int(http, "rate_remaining"), 4999);
}

static void a_handler_that_keeps_the_pace_is_told_of_a_429_at_once(void **state) {
    struct world *w = *state;
    int64_t at_ms;
    put(w, "{\"request\":{\"up\":\"github\",\"method\":\"POST\",\"path\":\"/"
           "x\",\"repeat\":\"once\",\"paced\":true}}");
    free(serve(w, "429 Too Many Requests\r\nRetry-After: 1", &at_ms));
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    const json_t *http = json_object_get(answer, "http");
    assert_int_equal(sw_int(http, "status"), 429);
    assert_int_equal(sw_int(http, "retry_after"), 1);
    assert_true(nobody_calls_again(w));
}

static void what_has_time_leaves_places_for_what_has_not(void **state) {
    struct world *w = *state;
    int fd[CALLS];
    for (int i = 0; i < 2 * CALLS; i++)
        put(w, "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/"
               "slow\",\"repeat\":\"safe\",\"bulk\":true}}");
    for (int i = 0; i < CALLS; i++) { /* none is answered */
        SW_AUTO(sw_text) char *head = NULL;
        if (i == CALLS - 1)
            put(w, "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/"
                   "now\",\"repeat\":\"safe\"}}");
        head = take(w, &fd[i]);
        assert_non_null(strstr(head, i < CALLS - 1 ? "/slow" : "/now"));
    }
    for (int i = 0; i < CALLS; i++)
        close(fd[i]);
}

static void of_a_link_to_the_next_page_its_cursor_is_told(void **state) {
    struct world *w = *state;
    int64_t at_ms;
    put(w,
        "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\",\"repeat\":\"safe\"}}");
    free(serve(w,
               "200 OK\r\nLink: <https://a.example/x?cursor=v1_2&per_page=3>; rel=\"prev\", "
               "<https://a.example/x?per_page=3&cursor=v1_41>; rel=\"next\"",
               &at_ms));
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    assert_string_equal(sw_str(json_object_get(answer, "http"), "next_cursor"), "v1_41");
}

static void a_plain_403_is_an_answer(void **state) {
    struct world *w = *state;
    int64_t at_ms;
    put(w,
        "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\",\"repeat\":\"safe\"}}");
    free(serve(w, "403 Forbidden\r\nX-RateLimit-Remaining: 12\r\nX-RateLimit-Reset: 99", &at_ms));
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    assert_int_equal(sw_int(json_object_get(answer, "http"), "status"), 403);
    assert_int_equal(sw_int(json_object_get(answer, "http"), "retry_after"), 0);
    assert_true(nobody_calls_again(w));
}

/* The handler gets what Slack said, and whoever looks at the story sees that it refused. */
static void what_slack_refuses_with_a_200_is_told_as_refused(void **state) {
    struct world *w = *state;
    int64_t at_ms;
    put(w, "{\"request\":{\"up\":\"slack\",\"method\":\"POST\",\"path\":\"/chat.postMessage\","
           "\"json\":{},\"repeat\":\"once\"}}");
    free(serve_json(w, "200 OK", "{\"ok\":false,\"error\":\"not_in_channel\"}", &at_ms));
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    const json_t *http = json_object_get(answer, "http");
    assert_string_equal(sw_str(json_object_get(http, "json"), "error"), "not_in_channel");
    assert_null(json_object_get(http, "error"));
    redisReply *story = ask(&w->redis, "XRANGE %sstory - +", w->prefix);
    bool told = false;
    for (size_t i = 0; i < story->elements; i++)
        told = told || strstr(story->element[i]->element[1]->element[1]->str,
                              " slack POST /chat.postMessage refused 200 1 ");
    freeReplyObject(story);
    assert_true(told);
}

static void a_redirect_is_not_followed(void **state) {
    struct world *w = *state;
    int64_t at_ms;
    put(w,
        "{\"request\":{\"up\":\"github\",\"method\":\"GET\",\"path\":\"/x\",\"repeat\":\"safe\"}}");
    SW_AUTO(sw_text)
    char *back = sw_printf("301 Moved\r\nLocation: %s/y?" CANARY, getenv("SLIPWAY_GITHUB_API"));
    free(serve(w, back, &at_ms));
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    assert_int_equal(sw_int(json_object_get(answer, "http"), "status"), 301);
    assert_true(nobody_calls_again(w));
    end_run(w);
    redis_world_stop(&w->redis);
    assert_false(is_written_somewhere(w, CANARY));
}

/* To where a cloud keeps its keys, and to where it would be seen; 307 and 308 would be posted again. */
static void a_redirect_of_a_response_url_is_not_followed(void **state) {
    static const int statuses[] = {301, 302, 303, 307, 308};
    struct world *w = *state;
    const char *hooks = getenv("SLIPWAY_SLACK_HOOKS");
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        int64_t at_ms;
        SW_AUTO(sw_text)
        char *body = sw_printf("{\"request\":{\"up\":\"hooks\",\"method\":\"POST\",\"url\":"
                               "\"%s/commands/T1/2/abc\",\"json\":{\"text\":\"x\"},\"repeat\":"
                               "\"once\"}}",
                               hooks);
        SW_AUTO(sw_text)
        char *away = sw_printf("%d Away\r\nLocation: %s/latest/meta-data", statuses[i],
                               i % 2 ? "http://169.254.169.254" : hooks);
        SW_AUTO(sw_text) char *inst = sw_printf("T%d", statuses[i]);
        speak_to(w, inst);
        put(w, body);
        SW_AUTO(sw_text) char *head = serve(w, away, &at_ms);
        assert_non_null(strstr(head, "POST /commands/T1/2/abc HTTP/1.1\r\n"));
        SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
        assert_int_equal(sw_int(json_object_get(answer, "http"), "status"), statuses[i]);
        assert_true(nobody_calls_again(w));
    }
}

/* Reads one request with a body of JSON from a connection that is there already; false: it was closed first. */
static bool take_another(int fd) {
    char text[4096] = "";
    size_t used = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (!strstr(text, "\r\n\r\n{\"text\":\"x\"}")) {
        if (poll(&ready, 1, PATIENCE_MS) != 1) fail_msg("no request came");
        ssize_t n = read(fd, text + used, sizeof(text) - 1 - used);
        if (n <= 0) return false;
        used += (size_t)n;
    }
    return true;
}

/* Slack took the message and the connection died: libcurl would say it once more by itself, and nobody would know. */
static void what_is_lost_on_a_shared_connection_is_not_said_again(void **state) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct world *w = *state;
    SW_AUTO(sw_text)
    char *body =
        sw_printf("{\"request\":{\"up\":\"hooks\",\"method\":\"POST\",\"url\":"
                  "\"%s/commands/T1/2/abc\",\"json\":{\"text\":\"x\"},\"repeat\":\"once\"}}",
                  getenv("SLIPWAY_SLACK_HOOKS"));
    put(w, body);
    struct pollfd ready = {.fd = w->upstream, .events = POLLIN};
    if (poll(&ready, 1, PATIENCE_MS) != 1) fail_msg("no request came");
    int fd = accept(w->upstream, NULL, NULL);
    assert_true(fd >= 0 && take_another(fd));
    assert_int_equal(write(fd, ok, strlen(ok)), strlen(ok));
    json_decref(wait_for_answer(w));
    speak_to(w, "T2");
    put(w, body);
    assert_true(take_another(fd)); /* the same connection */
    close(fd);
    SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
    assert_string_equal(sw_str(json_object_get(answer, "http"), "error"), "unsure");
    /* libcurl may dial before it finds that it cannot: nothing is said there. */
    int again = accept(w->upstream, NULL, NULL);
    assert_true(again < 0 || !take_another(again));
    if (again >= 0) close(again);
}

/* Hung up while nothing was under way: the next one opens another, and nothing is in doubt. */
static void a_shared_connection_that_was_hung_up_is_not_used(void **state) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct world *w = *state;
    SW_AUTO(sw_text)
    char *body =
        sw_printf("{\"request\":{\"up\":\"hooks\",\"method\":\"POST\",\"url\":"
                  "\"%s/commands/T1/2/abc\",\"json\":{\"text\":\"x\"},\"repeat\":\"once\"}}",
                  getenv("SLIPWAY_SLACK_HOOKS"));
    for (int i = 0; i < 3; i++) {
        SW_AUTO(sw_text) char *inst = sw_printf("T%d", i);
        speak_to(w, inst);
        put(w, body);
        struct pollfd ready = {.fd = w->upstream, .events = POLLIN};
        if (poll(&ready, 1, PATIENCE_MS) != 1) fail_msg("no request came");
        int fd = accept(w->upstream, NULL, NULL);
        assert_true(fd >= 0 && take_another(fd));
        assert_int_equal(write(fd, ok, strlen(ok)), strlen(ok));
        SW_AUTO(sw_json) json_t *answer = wait_for_answer(w);
        assert_int_equal(sw_int(json_object_get(answer, "http"), "status"), 200);
        close(fd);
    }
    assert_true(nobody_calls_again(w));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_signed_location_is_in_a_box_and_nowhere_else),
        TEST(an_audit_entry_of_a_handler_says_which_actor_wrote_it),
        TEST(a_write_that_was_too_fast_for_github_is_made_when_its_time_has_come),
        TEST(a_handler_that_keeps_the_pace_is_told_of_a_429_at_once),
        TEST(what_has_time_leaves_places_for_what_has_not),
        TEST(of_a_link_to_the_next_page_its_cursor_is_told),
        TEST(a_plain_403_is_an_answer),
        TEST(what_slack_refuses_with_a_200_is_told_as_refused),
        TEST(a_redirect_is_not_followed),
        TEST(a_redirect_of_a_response_url_is_not_followed),
        TEST(what_is_lost_on_a_shared_connection_is_not_said_again),
        TEST(a_shared_connection_that_was_hung_up_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
