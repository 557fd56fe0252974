/* age.c -- see age.h. */
#include "common/age.h"

#include "common/run_priv.h"

static void drop_first(struct sw_age *age) {
    memmove(&age->seen[0], &age->seen[1], --age->count * sizeof(age->seen[0]));
    age->inherited = false;
}

/* Every second one; the first stays, since what is oldest is what matters. */
static void thin(struct sw_age *age) {
    unsigned kept = 1;
    for (unsigned i = 2; i < age->count; i += 2)
        age->seen[kept++] = age->seen[i];
    age->step_ms = 2 * (age->seen[kept - 1].at_ms - age->seen[0].at_ms) / SW_AGES;
    age->count = kept;
}

/* The last one moves along until it is far enough from the one before. */
static void append(struct sw_age *age, struct sw_id newest, int64_t now_ms) {
    if (age->count < 2 || now_ms - age->seen[age->count - 2].at_ms >= age->step_ms) {
        if (age->count == SW_AGES) thin(age);
        age->count++;
    }
    age->seen[age->count - 1].id = newest;
    age->seen[age->count - 1].at_ms = now_ms;
}

void sw_age_note(struct sw_age *age, struct sw_id oldest, struct sw_id newest, int64_t now_ms) {
    bool empty = !oldest.gen && !oldest.seq;
    if (!age->noted_at_ms) age->inherited = !empty;
    age->oldest = oldest;
    age->noted_at_ms = now_ms;
    age->age_ms = 0;
    if (empty) {
        age->count = 0;
        age->inherited = false;
        return;
    }
    while (age->count && sw__id_compare(age->seen[0].id, oldest) < 0)
        drop_first(age);
    if (!age->count) age->step_ms = 0;
    if (!age->count || sw__id_compare(age->seen[age->count - 1].id, newest) < 0)
        append(age, newest, now_ms);
    age->age_ms = now_ms - age->seen[0].at_ms;
}

int64_t sw_age_ms(const struct sw_age *age, int64_t now_ms, int64_t silent_ms) {
    int64_t since_ms = now_ms - age->noted_at_ms;
    if (!age->count) return 0;
    return age->age_ms + (since_ms > silent_ms ? since_ms : 0);
}
