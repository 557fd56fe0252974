/* effects.c -- calls that are owed: performed, marked first where they must not be repeated, and settled.
 *
 * An effect is known here from the commit that owes it (or from the hash, when a shard is taken: effects_take.c) until Redis
 * confirmed that it is settled. */
#include "common/crash.h"
#include "common/effects_priv.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/seal.h"
#include "common/span.h"
#include "common/story.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sodium.h>

static void effect_destroy(void **p) {
    struct sw_effect *effect = *p;
    if (!effect) return;
    json_decref(effect->request);
    sw_msg_destroy(effect->m);
    free(effect->answer);
    free(effect->story);
    free(effect->span);
    free(effect);
    *p = NULL;
}

struct sw_effects *sw__effects_create(struct sw_run *run) {
    struct sw_effects *effects = sw_zalloc(sizeof(*effects));
    effects->run = run;
    effects->calls = sw_calls_create(run->loop, sw__turn_end, run);
    effects->known = zhashx_new();
    zhashx_set_destructor(effects->known, effect_destroy);
    effects->later = zlistx_new();
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        effects->ready[i] = zlistx_new();
        effects->bulk[i] = zlistx_new();
        effects->answered[i] = zlistx_new();
    }
    return effects;
}

void sw__effects_destroy(struct sw_effects *effects) {
    if (!effects) return;
    for (struct sw_effect *e = zhashx_first(effects->known); e; e = zhashx_next(effects->known)) {
        if (e->call) sw_calls_cancel(effects->calls, e->call);
    }
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        zlistx_destroy(&effects->ready[i]);
        zlistx_destroy(&effects->bulk[i]);
        zlistx_destroy(&effects->answered[i]);
    }
    zlistx_destroy(&effects->later);
    zhashx_destroy(&effects->known);
    sw_calls_destroy(effects->calls);
    free(effects);
}

void sw__effect_key(const struct sw_shard *shard, const char *id, char key[SW_EFFECT_KEY]) {
    snprintf(key, SW_EFFECT_KEY, "%u/%s", shard->number, id);
}

void sw__effect_forget(struct sw_effect *effect) {
    struct sw_effects *effects = effect->shard->run->effects;
    char key[SW_EFFECT_KEY];
    if (effect->call) sw_calls_cancel(effects->calls, sw_take(&effect->call));
    effect->shard->calls--;
    sw__effect_key(effect->shard, effect->id, key);
    zhashx_delete(effects->known, key);
}

void sw__effect_ready(struct sw_effect *effect) {
    effect->state = SW_EFFECT_READY;
    zlistx_add_end(sw__effect_queue(effect), effect);
    sw__pump(effect->shard->run);
}

void sw__effect_at(struct sw_effect *effect, int64_t at_ms) {
    effect->state = SW_EFFECT_LATER;
    effect->at_ms = at_ms;
    zlistx_add_end(effect->shard->run->effects->later, effect);
}

struct sw_effect *sw__effect_know(struct sw_shard *shard, const char *id, const json_t *record) {
    struct sw_effects *effects = shard->run->effects;
    char key[SW_EFFECT_KEY];
    struct sw_msg *m = sw_msg_from_json(json_object_get(record, "m"));
    if (!m) return NULL;
    struct sw_effect *effect = sw_zalloc(sizeof(*effect));
    effect->shard = shard;
    snprintf(effect->id, sizeof(effect->id), "%s", id);
    effect->request = json_incref(json_object_get(record, "q"));
    effect->m = m;
    effect->once = sw_request_once(effect->request);
    effect->bulk = json_is_true(json_object_get(effect->request, "bulk"));
    effect->known_at_ms = sw__boot_ms();
    effect->retry_until_ms = effect->known_at_ms + shard->run->conf.retry_ms;
    shard->calls++;
    sw__effect_key(shard, id, key);
    zhashx_insert(effects->known, key, effect);
    return effect;
}

void sw__effects_measure(const struct sw_effects *effects, int64_t ret_count[SW_LANES],
                         int64_t ret_age_ms[SW_LANES]) {
    int64_t now_ms = sw__boot_ms();
    for (struct sw_effect *e = zhashx_first(effects->known); e; e = zhashx_next(effects->known)) {
        int64_t age_ms = now_ms - e->known_at_ms;
        if (e->lost) continue;
        ret_count[e->bulk]++;
        if (age_ms > ret_age_ms[e->bulk]) ret_age_ms[e->bulk] = age_ms;
    }
    for (size_t i = 0; i < SW_UPSTREAMS && effects->breaker[i].up[0]; i++)
        sw_metric_set(SW_M_UPSTREAM_BROKEN, effects->breaker[i].pauses > 0, effects->breaker[i].up);
}

void sw__effects_owe(struct sw_shard *shard, const char *id, const json_t *record) {
    char key[SW_EFFECT_KEY];
    sw__effect_key(shard, id, key);
    if (zhashx_lookup(shard->run->effects->known, key)) return;
    struct sw_effect *effect = sw__effect_know(shard, id, record);
    if (effect) sw__effect_ready(effect);
}

/* ---- the answer ---- */

/* Slack refuses with a 200. For those who look on: what that means is the handler's. */
static bool slack_refused(const struct sw_effect *effect, const json_t *http) {
    const json_t *ok = json_object_get(json_object_get(http, "json"), "ok");
    return json_is_false(ok) && !strcmp(sw_str(effect->request, "up"), "slack");
}

void sw__effect_answer(struct sw_effect *effect, json_t *http) {
    struct sw_run *run = effect->shard->run;
    struct sw_msg *m = effect->m;
    int status = (int)sw_int(http, "status");
    const char *outcome = sw_str(http, "error")[0] ? sw_str(http, "error")
                          : status < 400           ? "ok"
                                                   : "refused";
    const char *seen = slack_refused(effect, http) ? "refused" : outcome;
    sw_metric_add(SW_M_EFFECTS, 1, sw_str(effect->request, "up"),
                  strcmp(seen, "refused") != 0 ? seen
                  : status == 429              ? "too_fast"
                  : status >= 500              ? "failed"
                                               : "refused");
    sw_log(SW_LOG_INFO, "effect", SW_S("cmd", m->cmd), SW_S("up", sw_str(effect->request, "up")),
           SW_S("method", sw_str(effect->request, "method")),
           SW_S("path", sw_str(effect->request, "path")), SW_I("status", status),
           SW_S("outcome", seen), SW_I("tries", effect->tries));
    /* Other refusals are the handler's to tell, and so is the pace where it keeps one. */
    bool fast = status == 429 && !json_is_true(json_object_get(effect->request, "paced"));
    if (strcmp(outcome, "ok") != 0 &&
        (strcmp(outcome, "refused") != 0 || status == 0 || fast || status >= 500))
        sw__effect_report(effect, "upstream", outcome, status);
    effect->state = SW_EFFECT_ANSWERED;
    effect->story = sw__story_effect(effect, seen, status);
    sw__span_answer(effect, seen, status);
    bool quiet = json_is_true(json_object_get(effect->request, "quiet")) &&
                 !strcmp(outcome, "ok") && status < 300;
    json_t *value = json_object_get(http, "json");
    if (json_is_true(json_object_get(effect->request, "seal")) && value) {
        struct sw_ctx ctx = {.keys = run->keys};
        sw_box(&ctx, m, run->role, "answer", json_incref(value));
        json_object_del(http, "json");
    }
    json_object_set_new(m->body, "http", http);
    if (quiet) {
        effect->answer = sw_strdup("");
        effect->answer_size = 0;
    } else if (sw_msg_pack(m, &effect->answer, &effect->answer_size) < 0) {
        /* Even without the JSON it fits: the body came from a message that did. */
        json_object_set_new(m->body, "http",
                            json_pack("{s:s, s:i}", "error", "too_big", "status", status));
        if (sw_msg_pack(m, &effect->answer, &effect->answer_size) < 0) {
            effect->answer = sw_strdup("");
            effect->answer_size = 0;
        }
    }
    if (!effect->lost) zlistx_add_end(run->effects->answered[effect->shard->number], effect);
    sw__pump(run);
}

static void answer_error(struct sw_effect *effect, const char *error, int status) {
    json_t *http = json_pack("{s:s}", "error", error);
    if (status) json_object_set_new(http, "status", json_integer(status));
    sw__effect_answer(effect, http);
}

void sw__effect_unsure(struct sw_effect *effect) {
    effect->unsure = false;
    answer_error(effect, "unsure", 0);
}

/* ---- performing ---- */

static bool retryable(int status) {
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* Exponential backoff with full jitter; what the other side asked for is the floor. */
static int64_t backoff_ms(const struct sw_effect *effect, int64_t floor_ms) {
    int64_t cap_ms = 250LL << (effect->tries < 6 ? effect->tries : 6);
    if (cap_ms > 10000) cap_ms = 10000;
    int64_t wait_ms = 50 + (int64_t)randombytes_uniform((uint32_t)cap_ms);
    return floor_ms > 0 ? floor_ms + wait_ms / 4 : wait_ms;
}

void sw__effect_later(struct sw_effect *effect) {
    sw__effect_at(effect, sw__boot_ms() + backoff_ms(effect, -1));
}

static void on_result(void *arg, const struct sw_call_result *result) {
    struct sw_effect *effect = arg;
    struct sw_effects *effects = effect->shard->run->effects;
    const char *up = sw_str(effect->request, "up");
    effect->call = NULL;
    effects->active--;
    SW_CRASH("after-effect-before-settle");
    sw_metric_observe(SW_M_EFFECT_MS, result->took_ms, up);
    bool no_answer = result->status == 0 && !result->too_big;
    sw__breaker_note(effects, up, no_answer || result->status >= 500,
                     sw__boot_ms() - result->took_ms);
    bool unknown = effect->once && ((no_answer && result->sent) || result->status >= 500);
    bool told = result->status == 429 && json_is_true(json_object_get(effect->request, "paced"));
    bool again = !unknown && !told && (no_answer || result->too_fast || retryable(result->status));
    int64_t wait_ms = backoff_ms(effect, result->retry_after_ms);
    if (again && sw__boot_ms() + wait_ms < effect->retry_until_ms) {
        bool fast = result->too_fast || result->status == 429;
        sw_metric_add(SW_M_RETRIES, 1, up, no_answer ? "no_answer" : fast ? "too_fast" : "failed");
        sw__effect_report(effect, "upstream", "tried again", result->status);
        sw_log(SW_LOG_WARN, "try again", SW_S("cmd", effect->m->cmd), SW_S("up", up),
               SW_I("status", result->status), SW_I("wait_ms", wait_ms),
               SW_I("tries", effect->tries));
        sw__effect_at(effect, sw__boot_ms() + wait_ms);
    } else if (unknown) {
        answer_error(effect, "unsure", result->status);
    } else if (no_answer) {
        answer_error(effect, result->sent || result->timed_out ? "timeout" : "connect", 0);
    } else {
        sw__effect_answer(effect, sw_request_answer(effect->request, result));
    }
    sw__pump(effects->run); /* its place is free */
}

void sw__effect_perform(struct sw_effect *effect) {
    struct sw_run *run = effect->shard->run;
    struct sw_call_request request;
    unsigned broken = sw_seal_broken();
    if (effect->tries++ == 0) {
        effect->began_at_ms = sw__boot_ms();
        effect->span = sw__span_effect(effect);
    }
    if (!strcmp(sw_str(effect->request, "up"), "ledger")) {
        sw__effect_pass(effect);
        return;
    }
    if (sw_request_build(&run->conf, run->keys, effect->m->cmd, effect->request, &request) < 0) {
        if (sw_seal_broken() != broken) {
            sw_log(SW_LOG_ERROR, "a box does not open: changed, or its key is not here",
                   SW_S("cmd", effect->m->cmd), SW_S("kind", effect->m->kind));
            sw__effect_report(effect, "seal", "does not open", 0);
        }
        answer_error(effect, "refused", 0);
        return;
    }
    if (effect->once) {
        /* The time-out counts from before the mark was sent: what Redis believes is later than what we do. */
        int64_t left_ms = effect->at_ms + request.timeout_ms - sw__boot_ms();
        request.timeout_ms = left_ms > 1 ? left_ms : 1;
        if (effect->tries == 1 && json_is_true(json_object_get(effect->request, "repeated")))
            sw_metric_add(SW_M_ANSWER_REPEATED, 1);
    }
    SW_CRASH("before-effect");
    effect->state = SW_EFFECT_RUNNING;
    run->effects->active++;
    effect->call = sw_calls_start(run->effects->calls, &request, on_result, effect);
}

/* ---- marks and settling: what is asked of the ledger about several effects at once ---- */

struct asking {
    struct sw_shard *shard;
    unsigned life;
    size_t room, count; /* of `effect`; marks: those still owed */
    struct sw_effect *effect[];
};

/* Beside each effect's id stand `width` of `values`, whose sizes are `sizes`; before all of them `first`, NULL: nothing. 0, or
 * -errno: the connection is gone, and its event resets the shard. */
struct question {
    const char *first;
    size_t width;
    const char *const *values;
    const size_t *sizes;
};

static int ask(struct sw_shard *shard, enum sw_script script, struct sw_effect *const *list,
               size_t count, const struct question *q, sw_redis_fn *fn) {
    const size_t most = 1 + (1 + q->width) * count;
    const char **argv = sw_malloc(sizeof(*argv) * most);
    size_t *sizes = sw_malloc(sizeof(*sizes) * most), n = 0;
    struct asking *asking = sw_malloc(sizeof(*asking) + sizeof(struct sw_effect *) * count);
    *asking = (struct asking){shard, shard->life, count, count};
    if (q->first) {
        argv[n] = q->first;
        sizes[n++] = strlen(q->first);
    }
    for (size_t i = 0; i < count; i++) {
        argv[n] = list[i]->id;
        sizes[n++] = strlen(list[i]->id);
        for (size_t j = 0; j < q->width; j++, n++) {
            argv[n] = q->values[q->width * i + j];
            sizes[n] = q->sizes[q->width * i + j];
        }
        asking->effect[i] = list[i];
    }
    int r = sw__owner_eval(shard, script, n, argv, sizes, fn, asking);
    if (r < 0) free(asking);
    free(argv);
    free(sizes);
    return r;
}

/* Where replicas have not said that they hold the mark it is not performed but marked again, which is safe: who takes the
 * shard over meanwhile finds a mark, and says that nobody knows; or finds none, and then nobody performed it. */
static void on_mark_sure(void *arg, bool sure) {
    struct asking *marking = arg;
    struct sw_shard *shard = marking->shard;
    shard->run->effects->active -= (unsigned)marking->room;
    sw__pump(shard->run);
    bool leased = sw__boot_ms() < shard->held_until_at_ms;
    for (size_t i = 0; shard->life == marking->life && i < marking->count; i++) {
        if (leased && sure) {
            sw__effect_perform(marking->effect[i]);
        } else { /* marked again when the lease is sure */
            sw__effect_at(marking->effect[i], sw__boot_ms() + 100);
        }
    }
    free(marking);
}

static void on_marked(void *arg, const redisReply *reply) {
    struct asking *marking = arg;
    struct sw_shard *shard = marking->shard;
    size_t kept = 0;
    if (reply && shard->life == marking->life && sw__reply_is(shard, reply, "ok")) {
        SW_CRASH("after-mark");
        for (size_t i = 0; i < marking->room; i++) {
            struct sw_effect *effect = marking->effect[i];
            if (reply->element[2 + i]->integer == 0) {
                sw__effect_forget(effect);
            } else {
                marking->effect[kept++] = effect;
            }
        }
    }
    marking->count = kept;
    sw_redis_sure(shard->ledger->redis, on_mark_sure, marking);
}

void sw__effects_mark(struct sw_shard *shard, struct sw_effect *const *list, size_t count) {
    struct sw_run *run = shard->run;
    char ms[SW_EFFECTS_AT_ONCE][24];
    const char *values[SW_EFFECTS_AT_ONCE];
    size_t sizes[SW_EFFECTS_AT_ONCE];
    if (sw_redis_few(shard->ledger->redis)) { /* no mark would be sure */
        for (size_t i = 0; i < count; i++)
            sw__effect_at(list[i], sw__boot_ms() + 100);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t timeout_ms = sw_int(list[i]->request, "timeout_ms");
        if (timeout_ms <= 0) timeout_ms = run->conf.write_timeout_ms;
        snprintf(ms[i], sizeof(ms[i]), "%" PRId64, timeout_ms + run->conf.write_timeout_ms / 15);
        values[i] = ms[i];
        sizes[i] = strlen(ms[i]);
        list[i]->state = SW_EFFECT_MARKING;
        list[i]->at_ms = sw__boot_ms();
        snprintf(list[i]->epoch, sizeof(list[i]->epoch), "%s", shard->epoch);
    }
    run->effects->active += (unsigned)count;
    const struct question q = {NULL, 1, values, sizes};
    if (ask(shard, SW_SCRIPT_MARK, list, count, &q, on_marked) < 0)
        run->effects->active -= (unsigned)count;
}

static void on_settled(void *arg, const redisReply *reply) {
    struct asking *settling = arg;
    struct sw_shard *shard = settling->shard;
    if (reply && shard->life == settling->life && sw__reply_is(shard, reply, "ok")) {
        SW_CRASH("after-settle");
        for (size_t i = 0; i < settling->count; i++) {
            struct sw_effect *effect = settling->effect[i];
            const char *id_text = reply->element[2 + i]->str;
            struct sw_id id;
            if (sw__id_parse(id_text, &id))
                sw__mailbox_receive(shard, 0, id, effect->answer, effect->answer_size);
            if (effect->span) sw_otlp_add(shard->run->otlp, effect->span);
            sw__effect_forget(effect);
        }
        if (shard->state == SW_LEAVING) sw__lease_released(shard);
    }
    free(settling);
}

void sw__effects_settle(struct sw_shard *shard, struct sw_effect *const *list, size_t count) {
    const char *values[2 * SW_EFFECTS_AT_ONCE];
    size_t sizes[2 * SW_EFFECTS_AT_ONCE];
    char story_max[24];
    snprintf(story_max, sizeof(story_max), "%" PRId64, shard->run->conf.story_max);
    for (size_t i = 0; i < count; i++) {
        values[2 * i] = list[i]->answer;
        sizes[2 * i] = list[i]->answer_size;
        values[2 * i + 1] = list[i]->story ? list[i]->story : "";
        sizes[2 * i + 1] = strlen(values[2 * i + 1]);
    }
    SW_CRASH("before-settle");
    /* Where the connection is gone they stay answered, and are settled when the shard is taken again. */
    const struct question q = {story_max, 2, values, sizes};
    (void)ask(shard, SW_SCRIPT_SETTLE, list, count, &q, on_settled);
}
