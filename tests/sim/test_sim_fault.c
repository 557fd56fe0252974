/* test_sim_fault.c -- each kind of fault does exactly what it says, to the effect and the answer. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const options[] = {"--promote-ms", "10-10", "--client-secret", "csec", NULL};
static char *promotion; /* a body that Heroku takes */

static int start(void **state) {
    (void)state;
    client_start(&sim, options);
    client_enter(&sim, "ada@example.com");
    REPLY p = client_api(&sim, "GET", "/pipelines/billing", NULL, NULL);
    REPLY from = client_api(&sim, "GET", "/apps/billing-staging", NULL, NULL);
    REPLY to = client_api(&sim, "GET", "/apps/billing-eu", NULL, NULL);
    promotion = sim_fmt("{\"pipeline\":{\"id\":\"%s\"},\"source\":{\"app\":{\"id\":\"%s\"}},"
                        "\"targets\":[{\"app\":{\"id\":\"%s\"}}]}",
                        client_text(p.json, "id"), client_text(from.json, "id"),
                        client_text(to.json, "id"));
    return 0;
}

static int stop(void **state) {
    (void)state;
    free(promotion);
    client_stop(&sim);
    return 0;
}

static void fault(const char *json) {
    REPLY reply = client_post(&sim, "/sim/faults", json);
    assert_int_equal(reply.status, 201);
}

static struct client_reply promote(void) {
    return client_api(&sim, "POST", "/pipeline-promotions", NULL, promotion);
}

static void a_status_fault_does_nothing_as_often_as_told(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"status\",\"status\":503,"
          "\"times\":2}");
    for (int i = 0; i < 2; i++) {
        REPLY reply = promote();
        assert_int_equal(reply.status, 503);
        assert_string_equal(client_text(reply.json, "id"), "service_unavailable");
    }
    assert_int_equal(client_state(&sim, "promotions"), 0);
    REPLY reply = promote();
    assert_int_equal(reply.status, 201);
    assert_int_equal(client_state(&sim, "promotions"), 1);
}

static void a_429_says_when_to_come_back(void **state) {
    (void)state;
    fault("{\"match\":\"POST /api/chat\",\"kind\":\"429\",\"retry_after\":7,\"times\":1}");
    fault("{\"match\":\"POST /commands/\",\"kind\":\"429\",\"times\":1}");
    const char *post = "{\"channel\":\"C0DEPLOY\",\"text\":\"t\"}";
    REPLY reply = client_slack(&sim, "chat.postMessage", post);
    char after[16];
    assert_int_equal(reply.status, 429);
    assert_string_equal(client_text(reply.json, "error"), "ratelimited");
    assert_string_equal(client_header(&reply, "Retry-After", after, sizeof(after)), "7");
    REPLY hook = client_post(&sim, "/commands/T0SIM1/1/a", "{\"text\":\"t\"}");
    assert_int_equal(hook.status, 429);
    assert_string_equal(client_header(&hook, "Retry-After", after, sizeof(after)), "1");
    assert_int_equal(client_state(&sim, "messages"), 0);
    REPLY next = client_slack(&sim, "chat.postMessage", post);
    assert_int_equal(next.status, 200);
}

static void a_slow_call_is_done_late(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"slow\",\"delay_ms\":120,"
          "\"times\":1}");
    int64_t before_ms = sim_mono_ms();
    REPLY reply = promote();
    assert_int_equal(reply.status, 201);
    assert_true(sim_mono_ms() - before_ms >= 115);
}

static void a_late_answer_is_of_what_was_done_at_once(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"late\",\"delay_ms\":120,"
          "\"times\":1}");
    int64_t before_ms = sim_mono_ms();
    REPLY reply = promote();
    int64_t took_ms = sim_mono_ms() - before_ms;
    assert_int_equal(reply.status, 201);
    assert_true(took_ms >= 115);
    REPLY journal = client_get(&sim, "/sim/journal?limit=1");
    const json_t *entry = json_array_get(json_object_get(journal.json, "entries"), 0);
    assert_string_equal(client_text(entry, "fault"), "late");
    assert_true(sim_now_ms() - sim_json_int(entry, "at_ms", 0) >= 115);
}

static void a_cut_answer_breaks_off_after_the_effect(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"cut\",\"times\":1}");
    REPLY reply = promote();
    assert_int_equal(reply.code, CURLE_PARTIAL_FILE);
    assert_int_equal(reply.status, 201);
    assert_true(reply.body_len > 0);
    assert_null(reply.json);
    assert_int_equal(client_state(&sim, "promotions"), 1);
}

static void a_lost_answer_leaves_the_effect(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"lost\",\"times\":1}");
    curl_easy_cleanup(sim.curl); /* a fresh connection: curl does not send again by itself */
    sim.curl = curl_easy_init();
    REPLY reply = promote();
    assert_int_equal(reply.code, CURLE_GOT_NOTHING);
    assert_int_equal(client_state(&sim, "promotions"), 1);
    REPLY journal = client_get(&sim, "/sim/journal?limit=1");
    const json_t *entry = json_array_get(json_object_get(journal.json, "entries"), 0);
    assert_string_equal(client_text(entry, "fault"), "lost");
    assert_int_equal(sim_json_int(entry, "status", 0), 201);
    assert_string_equal(client_text(entry, "upstream"), "heroku");
}

/* The trap this fault exists for: a client that blindly sends again on a stale connection doubles
 * the effect, and its user never hears of it. */
static void a_closed_kept_alive_connection_doubles_a_careless_client(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"close\",\"times\":1}");
    curl_easy_cleanup(sim.curl);
    sim.curl = curl_easy_init();
    REPLY fresh = promote();
    assert_int_equal(fresh.status, 201);
    assert_int_equal(client_state(&sim, "promotions"), 1);
    REPLY reused = promote();
    assert_int_equal(reused.code, CURLE_OK);
    assert_int_equal(reused.status, 201);
    assert_int_equal(client_state(&sim, "promotions"), 3);
}

static void faults_are_listed_and_deleted(void **state) {
    (void)state;
    fault("{\"match\":\"* /pipelines\",\"kind\":\"status\",\"status\":500}");
    REPLY broken = client_api(&sim, "GET", "/pipelines", NULL, NULL);
    assert_int_equal(broken.status, 500);
    REPLY list = client_get(&sim, "/sim/faults");
    const json_t *first = json_array_get(json_object_get(list.json, "faults"), 0);
    assert_int_equal(sim_json_int(first, "taken", 0), 1);
    REPLY gone = client_call(&sim, "DELETE", "/sim/faults", NULL, NULL);
    assert_int_equal(gone.status, 200);
    REPLY whole = client_api(&sim, "GET", "/pipelines", NULL, NULL);
    assert_int_equal(whole.status, 206);
    REPLY bad = client_post(&sim, "/sim/faults", "{\"match\":\"POST\",\"kind\":\"status\"}");
    assert_int_equal(bad.status, 422);
}

static void a_stop_answers_those_who_wait(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"slow\",\"delay_ms\":60000}");
    pid_t killer = fork();
    if (killer == 0) {
        /* The journal has no line yet; the fault list shows that the request has come in. */
        struct client other = {.curl = curl_easy_init()};
        strcpy(other.base, sim.base);
        for (long taken = 0; taken == 0;) {
            struct client_reply list = client_get(&other, "/sim/faults");
            taken = (long)sim_json_int(json_array_get(json_object_get(list.json, "faults"), 0),
                                       "taken", 0);
            client_reply_finish(&list);
        }
        kill(sim.pid, SIGTERM);
        _exit(0);
    }
    REPLY reply = promote();
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(reply.status, 503);
}

static void only_listed_processes_are_killed(void **state) {
    (void)state;
    char path[] = "/tmp/slipway-actors-XXXXXX";
    int fd = mkstemp(path);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    dprintf(fd, "{\"ingress\":null,\"actors\":[{\"role\":\"executor\",\"pid\":%d}]}", (int)child);
    close(fd);
    SIM_FREE char *config = sim_fmt("{\"actors\":\"%s\"}", path);
    client_tell(&sim, "/sim/config", config);
    REPLY list = client_get(&sim, "/sim/actors");
    assert_int_equal(json_array_size(json_object_get(list.json, "actors")), 1);
    REPLY other = client_post(&sim, "/sim/kill", "{\"pid\":1}");
    assert_int_equal(other.status, 404);
    client_tell(&sim, "/sim/kill", "{\"role\":\"executor\"}");
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    unlink(path);
}

static void a_fault_can_be_aimed_at_one_request(void **state) {
    (void)state;
    fault("{\"match\":\"GET /apps/*/releases$\",\"kind\":\"status\",\"times\":1,\"skip\":1}");
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"status\",\"body\":\"nowhere\"}");
    REPLY app = client_api(&sim, "GET", "/apps/storefront-staging", NULL, NULL);
    assert_int_equal(app.status, 200);
    for (int i = 0; i < 3; i++) {
        REPLY list = client_api(&sim, "GET", "/apps/storefront-staging/releases", NULL, NULL);
        assert_int_equal(list.status, i == 1 ? 503 : 200);
        REPLY one = client_api(&sim, "GET", "/apps/storefront-staging/releases/42", NULL, NULL);
        assert_int_equal(one.status, 200);
    }
    REPLY reply = promote();
    assert_int_equal(reply.status, 201);
}

/* Without an actors file nobody dies; what is done and what is answered can be seen all the same. */
static void who_is_killed_hears_nothing(void **state) {
    (void)state;
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"kill\",\"role\":\"executor\","
          "\"times\":1}");
    fault("{\"match\":\"POST /pipeline-promotions\",\"kind\":\"killed\",\"role\":\"executor\","
          "\"times\":1}");
    for (int done = 0; done < 2; done++) {
        curl_easy_cleanup(sim.curl);
        sim.curl = curl_easy_init();
        REPLY reply = promote();
        assert_int_equal(reply.code, CURLE_GOT_NOTHING);
        assert_int_equal(client_state(&sim, "promotions"), done);
    }
    REPLY bad = client_post(&sim, "/sim/faults", "{\"match\":\"GET /\",\"kind\":\"kill\"}");
    assert_int_equal(bad.status, 422);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
    const struct CMUnitTest tests[] = {
        ROW(a_status_fault_does_nothing_as_often_as_told),
        ROW(a_429_says_when_to_come_back),
        ROW(a_slow_call_is_done_late),
        ROW(a_late_answer_is_of_what_was_done_at_once),
        ROW(a_cut_answer_breaks_off_after_the_effect),
        ROW(a_lost_answer_leaves_the_effect),
        ROW(a_closed_kept_alive_connection_doubles_a_careless_client),
        ROW(a_fault_can_be_aimed_at_one_request),
        ROW(who_is_killed_hears_nothing),
        ROW(faults_are_listed_and_deleted),
        ROW(a_stop_answers_those_who_wait),
        ROW(only_listed_processes_are_killed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
