/* effects_turn.c -- whose turn it is: fair between shards, bounded in all, waiting while an upstream is sick. */
#include "common/effects_priv.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/report.h"

static void detach(zlistx_t *list, const struct sw_effect *effect) {
    for (void *e = zlistx_first(list); e; e = zlistx_next(list)) {
        if (e != effect) continue;
        zlistx_detach(list, zlistx_cursor(list));
        return;
    }
}

void sw__effect_unlist(struct sw_effect *effect) {
    struct sw_effects *effects = effect->shard->run->effects;
    detach(effects->later, effect);
    detach(sw__effect_queue(effect), effect);
    detach(effects->answered[effect->shard->number], effect);
}

static struct sw_effect *pop(zlistx_t *list) {
    struct sw_effect *effect = zlistx_first(list);
    if (effect) zlistx_detach(list, zlistx_cursor(list));
    return effect;
}

struct sw_breaker *sw__breaker_of(struct sw_effects *effects, const char *up) {
    for (unsigned i = 0; i < SW_UPSTREAMS; i++) {
        struct sw_breaker *b = &effects->breaker[i];
        if (!b->up[0]) snprintf(b->up, sizeof(b->up), "%s", up);
        if (!strcmp(b->up, up)) return b;
    }
    return &effects->breaker[SW_UPSTREAMS - 1];
}

/* A call that began before the last pause tells nothing new: many at once must not make it longer and longer. */
void sw__breaker_note(struct sw_effects *effects, const char *up, bool sick, int64_t began_at_ms) {
    struct sw_breaker *breaker = sw__breaker_of(effects, up);
    if (!sick) {
        breaker->failures = breaker->pauses = 0;
        breaker->open_until_ms = 0;
        return;
    }
    if (began_at_ms <= breaker->opened_at_ms) return;
    breaker->failures++;
    if (breaker->failures < SW_BREAKER_FAILURES) return;
    int64_t pause_ms = 1000LL << (breaker->pauses < 5 ? breaker->pauses : 5);
    breaker->pauses++;
    breaker->opened_at_ms = sw__boot_ms();
    breaker->open_until_ms = breaker->opened_at_ms + pause_ms;
    sw_log(SW_LOG_WARN, "upstream is sick: calls wait", SW_S("up", up), SW_I("ms", pause_ms));
}

void sw__effect_report(const struct sw_effect *effect, const char *type, const char *what,
                       int status) {
    struct sw_report report = {.type = type,
                               .what = what,
                               .upstream = sw_str(effect->request, "up"),
                               .about = effect->m,
                               .warning = strcmp(type, "seal") != 0,
                               .status = status,
                               .shard = (int)effect->shard->number};
    /* The id of an effect begins with the one of the entry that caused it. */
    snprintf(report.entry, sizeof(report.entry), "%.*s", (int)strcspn(effect->id, "."), effect->id);
    sw_report(effect->shard->run->reporter, &report);
}

static bool wait_for_upstream(struct sw_effects *effects, struct sw_effect *effect) {
    const struct sw_breaker *breaker = sw__breaker_of(effects, sw_str(effect->request, "up"));
    if (sw__boot_ms() >= breaker->open_until_ms) return false;
    effect->state = SW_EFFECT_LATER;
    effect->at_ms = breaker->open_until_ms;
    zlistx_add_end(effects->later, effect);
    return true;
}

struct starting { /* a few calls of one shard; then the next shard has its turn */
    struct sw_effects *effects;
    struct sw_effect *mark[SW_EFFECTS_AT_ONCE];
    size_t marks;
    unsigned room;
};

/* Those of one queue, while fewer than `most` calls run. */
static void start_some(struct starting *s, zlistx_t *queue, unsigned most) {
    struct sw_effect *effect;
    while (s->room > 0 && s->effects->active + s->marks < most && (effect = pop(queue))) {
        if (wait_for_upstream(s->effects, effect)) continue;
        if (effect->once) {
            s->mark[s->marks++] = effect;
        } else {
            sw__effect_perform(effect);
        }
        s->room--;
    }
}

/* What has time leaves a quarter of the places free, so that a command finds one however slow an upstream is. */
static void start(struct sw_effects *effects, unsigned number) {
    struct starting s = {.effects = effects, .room = SW_EFFECTS_AT_ONCE};
    unsigned calls = (unsigned)effects->run->conf.calls;
    start_some(&s, effects->ready[number], calls);
    start_some(&s, effects->bulk[number], calls - calls / 4);
    if (s.marks) sw__effects_mark(&effects->run->shard[number], s.mark, s.marks);
}

void sw__effects_turn(struct sw_effects *effects) {
    struct sw_run *run = effects->run;
    unsigned first = effects->next_shard++ % SW_SHARDS;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        unsigned number = (first + i) % SW_SHARDS;
        struct sw_shard *shard = &run->shard[number];
        if (shard->state != SW_OURS && shard->state != SW_LEAVING) continue;
        while (zlistx_size(effects->answered[number]) > 0) {
            struct sw_effect *list[SW_EFFECTS_AT_ONCE];
            size_t count = 0;
            while (count < SW_EFFECTS_AT_ONCE && (list[count] = pop(effects->answered[number])))
                count++;
            sw__effects_settle(shard, list, count);
        }
        if (shard->state == SW_OURS && effects->active < (unsigned)run->conf.calls)
            start(effects, number);
    }
}

void sw__effects_tick(struct sw_run *run) {
    struct sw_effects *effects = run->effects;
    int64_t now_ms = sw__boot_ms();
    size_t n = zlistx_size(effects->later);
    while (n-- > 0) {
        struct sw_effect *effect = pop(effects->later);
        if (effect->at_ms > now_ms || effect->lost) {
            zlistx_add_end(effects->later, effect);
        } else if (effect->unsure) {
            sw__effect_unsure(effect);
        } else {
            effect->state = SW_EFFECT_READY;
            zlistx_add_end(sw__effect_queue(effect), effect);
            sw__pump(run);
        }
    }
}

bool sw__effects_marked(const struct sw_shard *shard) {
    if (!shard->calls) return false;
    zhashx_t *known = shard->run->effects->known;
    for (const struct sw_effect *e = zhashx_first(known); e; e = zhashx_next(known)) {
        bool under_way = e->state == SW_EFFECT_MARKING || e->state == SW_EFFECT_RUNNING ||
                         e->state == SW_EFFECT_ANSWERED;
        if (e->shard == shard && e->once && under_way) return true;
    }
    return false;
}
