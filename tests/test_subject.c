/* test_subject.c -- what a channel reads of each kind of subject, and that the order of arrival does not matter. */
#include "tests/dice.h"
#include "tests/subject_histories.h"

#define SEEDS 1000

static void check_text(const char *name, const char *what, char *is, const char *expected) {
    if (strcmp(is, expected ? expected : "") != 0)
        fail_msg("%s: the %s is\n%s\nand not\n%s", name, what, is, expected ? expected : "none");
    free(is);
}

static void a_channel_reads_of_each_subject_what_happened(void **state) {
    (void)state;
    for (const struct history *h = histories; h->name; h++) {
        SW_AUTO(sw_json) json_t *subject = fold_all(h->events);
        SW_AUTO(sw_json) json_t *notice = notice_of(subject);
        json_t *broadcast = json_object_get(notice, "broadcast");
        check_text(h->name, "message", shown(json_object_get(notice, "parent")), h->parent);
        check_text(h->name, "log",
                   json_object_get(notice, "log") ? shown_log(notice) : sw_strdup(""), h->log);
        check_text(h->name, "broadcast", broadcast ? shown(broadcast) : sw_strdup(""),
                   h->broadcast);
        check_text(h->name, "state", sw_strdup(sw_subject_state(subject)), h->state);
        if (sw_subject_ended(subject) != h->ended) fail_msg("%s: ended or not", h->name);
        assert_int_equal(json_is_true(json_object_get(notice, "final")), h->ended);
    }
}

/* But for dynos that came up, which a link leads to it. */
static void each_event_of_a_subject_has_its_key(void **state) {
    SW_AUTO(sw_json) json_t *pipeline = quoted(PIPELINE);
    (void)state;
    for (const struct history *h = histories; h->name; h++) {
        for (size_t i = 0; h->events[i]; i++) {
            SW_AUTO(sw_json) json_t *event = event_of(h->events[i]);
            char key[SW_SUBJECT_KEY] = "";
            const char *why = NULL;
            int r = sw_subject_key(event, pipeline, key, &why);
            if (r == -ENOENT && strstr(h->events[i], "'up'")) {
                assert_int_equal(sw_subject_link(event, key), 0);
                continue;
            }
            if (r != 0 || strcmp(key, h->key) != 0) fail_msg("%s: %s, %s", h->name, key, why);
        }
    }
}

/* ---- any order, any repeats ---- */

static char *bytes_of(const json_t *value) {
    return json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT);
}

/* Shuffled, and some again; a dyno's start, which looks for its subject, is not the first. */
static json_t *shuffled(json_t *const *events, size_t count) {
    json_t *order[512], *state = NULL;
    size_t n = 0;
    bool changed;
    for (size_t i = 0; i < count; i++) {
        order[n++] = events[i];
        if (below(3) == 0) order[n++] = events[i];
    }
    for (size_t i = n; i > 1; i--) {
        size_t k = below(i);
        json_t *other = order[k];
        order[k] = order[i - 1];
        order[i - 1] = other;
    }
    for (size_t i = 0; i < n && sw_str(json_object_get(order[0], "dyno"), "state")[0] == 'u'; i++) {
        json_t *other = order[0];
        order[0] = order[i];
        order[i] = other;
    }
    for (size_t i = 0; i < n; i++) {
        SW_AUTO(sw_json) json_t *old = state;
        state = sw_subject_fold(old, order[i], &changed);
    }
    return state;
}

#define EVENTS_MAX 24

static size_t read_all(const struct history *h, json_t *events[EVENTS_MAX]) {
    size_t count = 0;
    for (; h->events[count]; count++)
        events[count] = event_of(h->events[count]);
    return count;
}

static void check_any_order(const char *name, json_t *const *events, size_t count, size_t seeds) {
    SW_AUTO(sw_json) json_t *first = NULL;
    SW_AUTO(sw_json) json_t *first_notice = NULL;
    for (size_t seed = 1; seed <= seeds; seed++) {
        dice_seed(seed);
        SW_AUTO(sw_json) json_t *state = shuffled(events, count);
        SW_AUTO(sw_json) json_t *notice = notice_of(state);
        /* Objects are equal whatever the order of their keys, lists are not. */
        if (!first) {
            first = json_incref(state);
            first_notice = json_incref(notice);
        }
        if (json_equal(state, first) && json_equal(notice, first_notice)) continue;
        SW_AUTO(sw_text) char *is = bytes_of(state);
        SW_AUTO(sw_text) char *is_notice = bytes_of(notice);
        fail_msg("%s, seed %zu:\n%s\n%s", name, seed, is, is_notice);
    }
}

static void any_order_and_any_repeats_give_the_same_thread(void **state) {
    (void)state;
    print_message("          seeds 1 to %d of each history\n", SEEDS);
    for (const struct history *h = histories; h->name; h++) {
        json_t *events[EVENTS_MAX];
        size_t count = read_all(h, events);
        SW_AUTO(sw_json) json_t *as_told = fold_all(h->events);
        check_any_order(h->name, events, count, count > 1 ? SEEDS : 1);
        dice_seed(1);
        SW_AUTO(sw_json) json_t *other = shuffled(events, count);
        SW_AUTO(sw_text) char *is = bytes_of(other);
        SW_AUTO(sw_text) char *expected = bytes_of(as_told);
        assert_string_equal(is, expected); /* byte by byte, once */
        for (size_t i = 0; i < count; i++)
            json_decref(events[i]);
    }
}

/* GitHub's clock has whole seconds, and much happens within one. */
static void so_it_is_where_clocks_cannot_tell_what_came_first(void **state) {
    (void)state;
    for (const struct history *h = histories; h->name; h++) {
        json_t *events[EVENTS_MAX];
        size_t count = read_all(h, events);
        for (size_t i = 0; i < count; i++)
            json_object_set_new(events[i], "at_ms", json_integer(T0_MS));
        check_any_order(h->name, events, count, SEEDS / 10);
        for (size_t i = 0; i < count; i++)
            json_decref(events[i]);
    }
}

/* ---- more than fits ---- */

#define MANY 150

static void many_checks_are_all_counted_in_any_order(void **state) {
    json_t *events[2 * MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        SW_AUTO(sw_text)
        char *start = sw_printf("%d {" RUN("%d", "test (%d)", RUNS), i, i + 1, i, i + 1);
        SW_AUTO(sw_text)
        char *end = sw_printf("%d {" RUN("%d", "test (%d)", DONE("%s")), 200 + i, i + 1, i, i + 1,
                              i == 77 || i == 78 ? "failure" : "success");
        events[2 * i] = event_of(start);
        events[2 * i + 1] = event_of(end);
    }
    check_any_order("many checks", events, 2 * MANY, 5);
    dice_seed(1);
    SW_AUTO(sw_json) json_t *subject = shuffled(events, 2 * MANY);
    SW_AUTO(sw_json) json_t *notice = notice_of(subject);
    const json_t *data = json_object_get(json_object_get(notice, "parent"), "data");
    assert_int_equal(sw_int(data, "all"), MANY);
    assert_int_equal(json_array_size(json_object_get(data, "failing")) +
                         (size_t)sw_int(data, "failing_more"),
                     2);
    assert_string_equal(sw_subject_state(subject), "failed");
    for (size_t i = 0; i < 2 * MANY; i++)
        json_decref(events[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_reads_of_each_subject_what_happened),
        cmocka_unit_test(each_event_of_a_subject_has_its_key),
        cmocka_unit_test(any_order_and_any_repeats_give_the_same_thread),
        cmocka_unit_test(so_it_is_where_clocks_cannot_tell_what_came_first),
        cmocka_unit_test(many_checks_are_all_counted_in_any_order),
    };
    return cmocka_run_group_tests_name("subject", tests, NULL, NULL);
}
