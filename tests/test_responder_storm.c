/* test_responder_storm.c -- random commands, random faults of Slack: what must hold always. */
#include "responder_world.h"

#include <stdio.h>
#include <time.h>

#define OPS 4
#define STEPS 250
#define REPLIES 400

struct storm {
    struct world w;
    uint64_t random;
    json_int_t rank[OPS], shown[OPS]; /* newest sent, newest confirmed by an update */
    int replies, last_seen[OPS];
    int op_of[REPLIES];
    bool seen[REPLIES];
    int lost, hooks[OPS];
    bool bad; /* Slack misbehaves */
};

static unsigned pick(struct storm *s, unsigned below) {
    s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(s->random >> 33) % below;
}

static void op_name(int op, char name[16]) {
    snprintf(name, 16, "0001-op%d", op);
}

static int op_index(const char *name) {
    return name[7] - '0';
}

static void speak(struct storm *s) {
    char op[16];
    int n = (int)pick(s, OPS);
    op_name(n, op);
    unsigned what = pick(s, 10);
    if (what < 4) {
        json_t *data = json_pack("{s:s, s:s, s:s, s:{s:s, s:I}, s:{s:s}}", "user", "U0ADA",
                                 "pipeline", "p", "state", "running", "from", "stage", "staging",
                                 "version", 9000 + ++s->rank[n], "to", "stage", "production");
        assert_int_equal(world_reply(&s->w, op, "parent", "promote", data, (int)s->rank[n], false),
                         0);
    } else if (what < 9 && s->replies < REPLIES) {
        json_t *data = json_pack("{s:s, s:i}", "app", "a", "version", 1000 + s->replies);
        s->op_of[s->replies++] = n;
        assert_int_equal(world_reply(&s->w, op, "thread", "promote.phase", data, -1, false), 0);
    } else {
        assert_int_equal(
            world_reply(&s->w, op, "private", "error.heroku", json_object(), -1, pick(s, 2) == 0),
            0);
    }
}

/* At most one parent call and one reply of a conversation are under way. */
static void check_calls(const struct storm *s) {
    int parents[OPS] = {0}, threads[OPS] = {0};
    size_t i;
    json_t *call;
    json_array_foreach(s->w.calls, i, call) {
        const char *job = sw_str(json_object_get(call, "body"), "job");
        int op = op_index(sw_str(json_object_get(call, "body"), "op"));
        if (!strcmp(job, "parent") || !strcmp(job, "update")) parents[op]++;
        if (!strcmp(job, "thread")) threads[op]++;
    }
    for (int op = 0; op < OPS; op++) {
        assert_true(parents[op] <= 1);
        assert_true(threads[op] <= 1);
    }
}

/* Whatever Slack may have shown. */
static void note_delivered(struct storm *s, const json_t *call) {
    SW_AUTO(sw_text) char *text = json_dumps(json_object_get(call, "value"), 0);
    const json_t *body = json_object_get(call, "body");
    json_int_t version = sw_int(json_object_get(body, "data"), "version");
    if (version >= 1000) s->seen[version - 1000] = true;
    int op = op_index(sw_str(body, "op"));
    const char *left = strstr(text, "left out here: ");
    if (left) s->lost += atoi(left + strlen("left out here: "));
    for (const char *at = text; (at = strstr(at, " v1")); at++) {
        int number = atoi(at + 2) - 1000;
        if (number < 0 || number >= s->replies) continue;
        s->seen[number] = true;
        if (strcmp(sw_str(body, "job"), "thread") != 0) continue;
        assert_int_equal(s->op_of[number], op);
        assert_true(number >= s->last_seen[op]);
        s->last_seen[op] = number;
    }
}

static const char *draw(struct storm *s) {
    static const char *const bad[] = {
        LOST,
        SICK,
        TOO_FAST,
        UNREACHED,
        "{\"status\":404}",
        SAYS("not_in_channel"),
        SAYS("ratelimited"),
        SAYS("invalid_blocks"),
        SAYS("channel_not_found"),
        SAYS("message_not_found"),
        SAYS("internal_error"),
        "{\"error\":\"timeout\"}",
        "{\"status\":200,\"error\":\"bad_json\"}",
        "{\"error\":\"refused\"}",
    };
    if (!s->bad || pick(s, 3)) return OK_TS;
    /* Of one kind of fault for a while more often than of all kinds at once. */
    return bad[pick(s, sizeof(bad) / sizeof(*bad))];
}

static void answer_one(struct storm *s) {
    size_t i = pick(s, (unsigned)world_count(&s->w));
    SW_AUTO(sw_json) json_t *call = json_deep_copy(json_array_get(s->w.calls, i));
    const json_t *body = json_object_get(call, "body");
    const char *http = draw(s);
    int op = op_index(sw_str(body, "op"));
    bool hook = !strcmp(world_method(&s->w, i), "hooks");
    bool none = !strcmp(http, UNREACHED) || !strcmp(http, TOO_FAST);
    if (hook && !none) assert_true(++s->hooks[op] <= 5);
    /* A response_url says nothing in its 200. */
    bool maybe = !strcmp(http, OK_TS) || (hook && strstr(http, ":200")) || strstr(http, "unsure") ||
                 strstr(http, "timeout") || strstr(http, "internal_error") ||
                 strstr(http, "bad_json");
    if (maybe) note_delivered(s, call);
    if (!strcmp(http, OK_TS) && !strcmp(sw_str(body, "job"), "update")) {
        assert_true(sw_int(body, "rank") >= s->shown[op]);
        s->shown[op] = sw_int(body, "rank");
    }
    int r = world_answer(&s->w, i, http);
    /* Dead letters are told to the operator: all ways to a person were tried. */
    if (r == -EHOSTUNREACH) note_delivered(s, call);
    assert_true(r == 0 || r == -EHOSTUNREACH);
}

static void check_end(struct storm *s) {
    int missing = 0;
    for (int op = 0; op < OPS; op++) {
        char name[16];
        op_name(op, name);
        const json_t *conv = world_conv(&s->w, name);
        if (!strcmp(sw_str(conv, "p"), "shown")) {
            assert_int_equal(sw_int(conv, "shown"), s->rank[op]);
            assert_null(json_object_get(conv, "want"));
        }
        /* What waits for the end of a conversation whose end was not sent. */
        size_t i;
        json_t *entry;
        json_array_foreach(json_object_get(conv, "q"), i, entry) {
            const json_t *data = json_object_get(entry, "data");
            json_int_t version = sw_int(data, "version");
            if (version >= 1000) s->seen[version - 1000] = true;
            s->lost += (int)sw_int(data, "n");
        }
        s->lost += (int)sw_int(conv, "lost");
    }
    for (int i = 0; i < s->replies; i++) {
        missing += !s->seen[i];
        if (!s->seen[i]) print_message("reply %d of op %d is missing\n", i, s->op_of[i]);
    }
    assert_true(missing <= s->lost);
}

static void run(uint64_t seed) {
    struct storm s = {.random = seed, .bad = true};
    world_init(&s.w);
    for (int i = 0; i < STEPS; i++) {
        unsigned what = pick(&s, 10);
        if (what < 4) {
            speak(&s);
        } else if (what < 9 && world_count(&s.w) > 0) {
            answer_one(&s);
        } else if (json_object_size(s.w.timers) > 0) {
            world_fire(&s.w);
        }
        check_calls(&s);
    }
    s.bad = false;
    do {
        while (world_count(&s.w) > 0)
            answer_one(&s);
        check_calls(&s);
    } while (world_fire(&s.w));
    check_end(&s);
    world_finish(&s.w);
}

static void order_pace_and_budget_hold_in_any_storm(void **state) {
    const char *given = getenv("SW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    (void)state;
    for (int i = 0; i < (given ? 1 : 60); i++) {
        print_message("SW_SEED=%llu\n", (unsigned long long)seed + (unsigned)i);
        run(seed + (unsigned)i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_pace_and_budget_hold_in_any_storm)};
    return cmocka_run_group_tests_name("responder_storm", tests, NULL, NULL);
}
