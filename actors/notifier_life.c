/* notifier_life.c -- a commit that is deployed to an app again is told anew, and not far up in the channel; see
 * notifier_priv.h.
 *
 * All lives of a subject are kept under its one key, so that nobody who names the subject (a dyno's link, a pipeline that shares
 * it) need know of them. What comes late goes to the life that knows its id, else to the oldest that had not ended when it
 * began, else to the newest. */
#include "actors/notifier_priv.h"
#include "proto/value.h"

#define OLDER_MAX 4 /* what comes later than this is of the oldest that is kept */

static const json_t *life_at(const json_t *kept, size_t index) {
    const json_t *older = json_object_get(kept, "older");
    return index < json_array_size(older) ? json_array_get(older, index) : kept;
}

static json_int_t number_of(const json_t *life) {
    json_int_t number = sw_int(life, "life");
    return number > 1 ? number : 1;
}

struct sw__life sw__life_of(const json_t *kept, const json_t *event) {
    size_t newest = json_array_size(json_object_get(kept, "older"));
    if (!kept) return (struct sw__life){.number = 1};
    for (size_t i = 0; i <= newest; i++) {
        const json_t *life = life_at(kept, i);
        if (sw_subject_knows(json_object_get(life, "state"), event))
            return (struct sw__life){life, number_of(life), i};
    }
    for (size_t i = 0; i <= newest; i++) {
        const json_t *life = life_at(kept, i);
        int past = sw_subject_is_past(json_object_get(life, "state"), event);
        if (past == 0 || (past < 0 && i == newest))
            return (struct sw__life){life, number_of(life), i};
    }
    return (struct sw__life){NULL, number_of(kept) + 1, newest + 1};
}

/* Without those before it. */
static json_t *alone(const json_t *life) {
    json_t *copy = json_copy((json_t *)life);
    json_object_del(copy, "older");
    return copy;
}

json_t *sw__life_put(const json_t *kept, const struct sw__life *life, json_t *value) {
    const json_t *was = json_object_get(kept, "older");
    json_t *older = was ? json_copy((json_t *)was) : json_array();
    size_t newest = json_array_size(older);
    if (life->number > 1) json_object_set_new(value, "life", json_integer(life->number));
    if (kept && life->index < newest) {
        json_array_set_new(older, life->index, value);
        value = alone(kept);
    }
    if (kept && life->index > newest) {
        json_array_append_new(older, alone(kept));
        if (json_array_size(older) > OLDER_MAX) json_array_remove(older, 0);
    }
    if (json_array_size(older) > 0) json_object_set(value, "older", older);
    json_decref(older);
    return value;
}
