/* timer.c -- a binary heap of one-shot timers; see util.h. */
#include "state.h"
#include "util.h"

#include <stdlib.h>

#define DELAY_MAX_MS 1000000000 /* delays come from outside; eleven days are for ever here */

struct timer {
    int64_t due_ms;
    uint64_t order; /* equal times fire in the order they were added */
    bool forgettable;
    sim_timer_fn *fn;
    void *arg;
};

struct sim_timers {
    struct timer *heap;
    size_t count, size;
    uint64_t added;
};

struct sim_timers *sim_timers_create(void) {
    return sim_alloc(sizeof(struct sim_timers));
}

static bool before(const struct timer *a, const struct timer *b) {
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void swap(struct timer *a, struct timer *b) {
    struct timer t = *a;
    *a = *b;
    *b = t;
}

static void push(struct sim_timers *t, struct timer timer) {
    if (t->count == t->size) {
        t->size = t->size != 0 ? t->size * 2 : 64;
        t->heap = sim_realloc(t->heap, t->size * sizeof(*t->heap));
    }
    size_t i = t->count++;
    t->heap[i] = timer;
    while (i > 0 && before(&t->heap[i], &t->heap[(i - 1) / 2])) {
        swap(&t->heap[i], &t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static struct timer pop(struct sim_timers *t) {
    struct timer first = t->heap[0];
    t->heap[0] = t->heap[--t->count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < t->count; child++) {
            if (before(&t->heap[child], &t->heap[least])) least = child;
        }
        if (least == i) return first;
        swap(&t->heap[i], &t->heap[least]);
        i = least;
    }
}

void sim_timer_add(struct sim *sim, int64_t delay_ms, bool forgettable, sim_timer_fn *fn,
                   void *arg) {
    if (delay_ms > DELAY_MAX_MS) delay_ms = DELAY_MAX_MS;
    push(sim->timers, (struct timer){.due_ms = sim_mono_ms() + delay_ms,
                                     .order = sim->timers->added++,
                                     .forgettable = forgettable,
                                     .fn = fn,
                                     .arg = arg});
}

int64_t sim_timer_next_ms(const struct sim *sim) {
    const struct sim_timers *t = sim->timers;
    if (t->count == 0) return -1;
    int64_t wait_ms = t->heap[0].due_ms - sim_mono_ms();
    return wait_ms > 0 ? wait_ms : 0;
}

void sim_timer_run(struct sim *sim) {
    while (sim_timer_next_ms(sim) == 0) {
        struct timer timer = pop(sim->timers);
        timer.fn(sim, timer.arg, false);
    }
}

static void drop(struct sim *sim, bool all) {
    struct sim_timers *t = sim->timers;
    struct sim_timers kept = {.added = t->added};
    struct sim_timers gone = *t;
    *t = kept;
    for (size_t i = 0; i < gone.count; i++) {
        if (all || gone.heap[i].forgettable) {
            gone.heap[i].fn(sim, gone.heap[i].arg, true);
        } else {
            push(t, gone.heap[i]);
        }
    }
    free(gone.heap);
}

void sim_timer_forget(struct sim *sim) {
    drop(sim, false);
}

void sim_timers_destroy(struct sim *sim, struct sim_timers *timers) {
    if (timers == NULL) return;
    drop(sim, true);
    free(timers->heap);
    free(timers);
}
