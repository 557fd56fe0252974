/* post.c -- in which order and how often webhooks leave, and which did; see happen.h. */
#include "happen.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 2000

/* splitmix64: the same seed gives the same delays. */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int64_t sim_event_delay_ms(struct sim *sim) {
    if (sim->conf.shuffle_seed == 0) return 0;
    uint64_t span_ms = (uint64_t)sim->conf.event_ms * SIM_SHUFFLE_STEPS + 1;
    return (int64_t)(next(&sim->shuffle) % span_ms);
}

/* What makes an event of this type another one. */
static const char *detail_of(const json_t *payload) {
    static const char *const parts[] = {"check_run", "deployment_status", "data"};
    static const char *const keys[] = {"conclusion", "state", "status"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(parts); i++) {
        for (size_t k = 0; k < SIM_ARRAY_LEN(keys); k++) {
            const char *text = sim_json_text2(payload, parts[i], keys[k]);
            if (text != NULL) return text;
        }
    }
    const char *state = sim_json_text(payload, "state");
    return state != NULL ? state : sim_json_text(payload, "action");
}

void sim_event_told(struct sim *sim, const char *who, const char *type, const json_t *payload,
                    long status) {
    if (sim->told == NULL) sim->told = json_array();
    if (json_array_size(sim->told) == KEPT) json_array_remove(sim->told, 0);
    json_array_append_new(
        sim->told, json_pack("{s:I, s:I, s:s, s:s, s:s?, s:i}", "n", (json_int_t)++sim->told_n,
                             "at_ms", (json_int_t)sim_now_ms(), "who", who, "type", type, "detail",
                             detail_of(payload), "status", (int)status));
}

void sim_event_show(struct sim *sim, struct sim_req *req) {
    const char *since = sim_req_query(req, "since");
    json_int_t after = since != NULL ? strtoll(since, NULL, 10) : 0;
    json_t *list = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(sim->told, i, one) {
        if (sim_json_int(one, "n", 0) > after) json_array_append(list, one);
    }
    sim_reply_json(req, 200,
                   json_pack("{s:i, s:o}", "stories", (int)sim->stories, "webhooks", list));
}
