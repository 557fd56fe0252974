/* cli_check_work.c -- whether somebody does the work; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "common/overview.h"
#include "proto/value.h"

#include <poll.h>
#include <string.h>

#define S(n) ((n) == 1 ? "" : "s")
#define LOOK_AGAIN_MS 300
#define LATE_MS 60000 /* a call is settled long before that, and a timer moves within a second */

static bool lives(const json_t *actor) {
    return json_array_size(json_object_get(actor, "processes")) > 0;
}

static void check_living(const json_t *actors, json_t *rows) {
    size_t i, missing = 0, count = 0;
    json_t *actor;
    json_array_foreach(actors, i, actor) {
        const char *name = sw_str(actor, "actor");
        count += json_array_size(json_object_get(actor, "processes"));
        if (lives(actor)) continue;
        missing++;
        if (json_array_size(actors) == missing) continue; /* all of them: one row says it */
        SW_AUTO(sw_text)
        char *mend =
            sw_printf("start it (slipway %s), or read the log of the one that ended", name);
        sw__row(rows, "actors", SW__FAIL, mend, "no %s is running", name);
    }
    if (missing == json_array_size(actors)) {
        json_array_clear(rows);
        sw__row(rows, "actors", SW__FAIL,
                "start them (slipway up, or each role), or let SLIPWAY_REDIS name the Redis they "
                "use",
                "no actor is running with this Redis");
    } else if (!missing) {
        sw__row(rows, "actors", SW__OK, NULL, "each actor is running, %zu processes", count);
    }
}

static bool waits_in(const json_t *actor, json_int_t shard) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(actor, "waiting"), i, entry) {
        if (sw_int(entry, "shard") == shard) return true;
    }
    return false;
}

/* A free shard where nothing waits may have been given back just now. */
static bool is_stuck(const struct sw_conf *conf, const json_t *actor, const json_t *one) {
    const json_t *expired = json_object_get(one, "expired_ms");
    if (expired) return json_integer_value(expired) > conf->lease_ms;
    return waits_in(actor, sw_int(one, "shard"));
}

static void check_leases(const struct sw_conf *conf, const json_t *actors, json_t *rows) {
    size_t i, j, all = 0;
    json_t *actor, *one;
    json_array_foreach(actors, i, actor) {
        size_t stuck = 0;
        int64_t longest_ms = 0, owed = 0;
        char span[32];
        if (!lives(actor)) continue; /* that row says it */
        json_array_foreach(json_object_get(actor, "unowned"), j, one) {
            if (!is_stuck(conf, actor, one)) continue;
            stuck++;
            owed += sw_int(one, "owed");
            if (sw_int(one, "expired_ms") > longest_ms) longest_ms = sw_int(one, "expired_ms");
        }
        all += stuck;
        if (!stuck) continue;
        sw__span(longest_ms, span);
        SW_AUTO(sw_text)
        char *mend = sw_printf("restart the processes of %s, one by one; their logs say what Redis "
                               "refuses them",
                               sw_str(actor, "actor"));
        sw__row(rows, "leases", SW__FAIL, mend,
                "%s has %zu shard%s without an owner%s%s, with %lld owed", sw_str(actor, "actor"),
                stuck, S(stuck), longest_ms ? " since " : "", longest_ms ? span : "",
                (long long)owed);
    }
    if (!all) sw__row(rows, "leases", SW__OK, NULL, "no lease is stuck");
}

static bool has(const json_t *actor, const json_t *entry) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(actor, "waiting"), i, one) {
        if (sw_int(one, "shard") == sw_int(entry, "shard") &&
            !strcmp(sw_str(one, "id"), sw_str(entry, "id")))
            return true;
    }
    return false;
}

static void check_waiting(const json_t *actors, const json_t *before, json_t *rows) {
    size_t i, j, all = 0;
    json_t *actor, *one;
    json_array_foreach(actors, i, actor) {
        const json_t *then = json_array_get(json_object_get(before, "actors"), i);
        size_t count = 0;
        int64_t oldest_ms = 0;
        char span[32];
        json_array_foreach(json_object_get(actor, "waiting"), j, one) {
            if (!before || !has(then, one)) continue;
            count++;
            if (sw_int(one, "age_ms") > oldest_ms) oldest_ms = sw_int(one, "age_ms");
        }
        all += count;
        if (!count) continue;
        sw__span(oldest_ms, span);
        SW_AUTO(sw_text)
        char *mend = sw_printf("more processes of %s where it has too much to do (slipway status "
                               "--watch), its log where it stands still",
                               sw_str(actor, "actor"));
        sw__row(rows, "mailboxes", SW__FAIL, mend,
                "%s has not come to what was asked %s ago, in %zu shard%s", sw_str(actor, "actor"),
                span, count, S(count));
    }
    if (!all)
        sw__row(rows, "mailboxes", SW__OK, NULL, "nothing urgent waits for longer than %d s",
                SW_OVERVIEW_OLD_MS / 1000);
}

static void check_timers(const json_t *actors, json_t *rows) {
    size_t i, all = 0;
    json_t *actor;
    json_array_foreach(actors, i, actor) {
        const json_t *timers = json_object_get(actor, "timers");
        const int64_t late_ms = -sw_int(timers, "next_ms");
        char span[32];
        if (late_ms <= LATE_MS) continue;
        all++;
        sw__span(late_ms, span);
        sw__row(rows, "timers", SW__FAIL,
                "see what is said of this actor's processes and leases; its log where those are "
                "right",
                "%s has %lld overdue timer%s, the first one since %s", sw_str(actor, "actor"),
                (long long)sw_int(timers, "overdue"), S(sw_int(timers, "overdue")), span);
    }
    if (!all) sw__row(rows, "timers", SW__OK, NULL, "no timer is overdue");
}

static void check_calls(const json_t *actors, json_t *rows) {
    size_t i, all = 0;
    json_t *actor;
    json_array_foreach(actors, i, actor) {
        const json_t *calls = json_object_get(actor, "calls");
        const int64_t late_ms = sw_int(calls, "late_ms");
        char span[32];
        if (late_ms <= LATE_MS) continue;
        all++;
        sw__span(late_ms, span);
        sw__row(
            rows, "calls", SW__FAIL,
            "see what is said of this actor's processes and leases: the next owner answers "
            "\"unsure\" for them",
            "%s has %lld call%s past the time, the first one since %s: they must not be repeated",
            sw_str(actor, "actor"), (long long)sw_int(calls, "late"), S(sw_int(calls, "late")),
            span);
    }
    if (!all) sw__row(rows, "calls", SW__OK, NULL, "no call is past its time");
}

static void check_tries(const json_t *actors, json_t *rows) {
    size_t i, all = 0;
    json_t *actor;
    json_array_foreach(actors, i, actor) {
        const int64_t tries = sw_int(actor, "tries");
        if (!tries) continue;
        all++;
        sw__row(rows, "tries", SW__WARN,
                "read its log: a process ended there without releasing its leases; the fourth try "
                "makes a dead letter",
                "%s has %lld message%s begun by a process that ended", sw_str(actor, "actor"),
                (long long)tries, tries == 1 ? "" : "s");
    }
    if (!all) sw__row(rows, "tries", SW__OK, NULL, "no entry was begun twice");
}

static void check_dead(const json_t *overview, json_t *rows) {
    const json_t *dead = json_object_get(overview, "dead");
    const long long hour = sw_int(dead, "hour"), total = sw_int(dead, "total");
    if (hour)
        sw__row(rows, "dead-letters", SW__WARN, "slipway dead list says what and why",
                "%lld%s dead letter%s within the last hour", hour,
                json_is_true(json_object_get(dead, "more")) ? " or more" : "", S(hour));
    else
        sw__row(rows, "dead-letters", SW__OK, NULL, "none within the last hour, %lld older ones",
                total);
}

void sw__check_work(const struct sw_conf *conf, const json_t *overview, const json_t *before,
                    json_t *rows) {
    const json_t *actors = json_object_get(overview, "actors");
    SW_AUTO(sw_json) json_t *mine = json_array();
    check_living(actors, mine);
    check_leases(conf, actors, mine);
    check_waiting(actors, before, mine);
    check_timers(actors, mine);
    check_calls(actors, mine);
    check_tries(actors, mine);
    check_dead(overview, mine);
    json_array_extend(rows, mine);
}

bool sw__check_waits(const json_t *overview) {
    size_t i;
    json_t *actor;
    json_array_foreach(json_object_get(overview, "actors"), i, actor) {
        if (json_array_size(json_object_get(actor, "waiting")) > 0) return true;
    }
    return false;
}

int sw__check_look(const struct sw_conf *conf, json_t **before, json_t **ret_overview, char *error,
                   size_t room) {
    int r = sw_overview_read(conf, ret_overview, error, room);
    if (r < 0 || *before || !sw__check_waits(*ret_overview)) return r;
    *before = sw_take(ret_overview);
    /* What came without a push, as a retried letter does, is found by the second sweep. */
    poll(NULL, 0, (int)(2 * conf->sweep_ms) + LOOK_AGAIN_MS);
    return sw_overview_read(conf, ret_overview, error, room);
}
