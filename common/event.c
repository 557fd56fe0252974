/* event.c -- an event.v1 for each installation that its source concerns; see door.h.
 *
 * Ingress, the stream's port and whoever writes records outside make the same message with the same dedupe key, so what comes by
 * two ways is there once. */
#include "common/door.h"

#include "common/mem.h"
#include "common/seal.h"

#include <stdio.h>
#include <string.h>

#define DEDUPE_MS (4 * 24 * 3600 * 1000LL) /* Heroku retries, GitHub offers to, for three days */
#define AHEAD_MS (3600 * 1000LL)           /* clocks differ */
#define TIME_CHARS 10                      /* of base32: 50 bits of milliseconds */
#define WORD_MAX 100
#define DEDUPE_MAX 140 /* with an installation's id it fits into struct sw_append */

void sw_command_id(const struct sw_ctx *ctx, unsigned number, char ret[SW_COMMAND_CHARS + 1]) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t random[SW_COMMAND_CHARS - TIME_CHARS];
    char label[32];
    uint64_t ms = (uint64_t)ctx->now_ms;
    snprintf(label, sizeof(label), "command/%u", number);
    sw_derive(ctx->seed, label, random, sizeof(random));
    for (int i = TIME_CHARS - 1; i >= 0; i--) {
        ret[i] = digits[ms & 31];
        ms >>= 5;
    }
    for (int i = TIME_CHARS; i < SW_COMMAND_CHARS; i++)
        ret[i] = digits[random[i - TIME_CHARS] & 31];
    ret[SW_COMMAND_CHARS] = '\0';
}

static bool is_word(const char *text, size_t most) {
    size_t size =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/");
    return size > 0 && size <= most && !text[size];
}

const char *sw_event_fault(const json_t *record, const char *key, int64_t now_ms) {
    const json_t *dedupe = json_object_get(record, "dedupe");
    if (!json_is_object(record)) return "not_an_object";
    if (sw_int(record, "v") != 1) return "version";
    if (strcmp(sw_str(record, "source"), key) != 0) return "source_is_not_key";
    /* Of what somebody may do, and never by the stream: auth's. */
    if (!is_word(key, SW_EVENT_SOURCE_MAX) || !strncmp(key, "github/user/", 12)) return "source";
    if (!is_word(sw_str(record, "type"), WORD_MAX)) return "type";
    if (!is_word(sw_str(record, "event_id"), WORD_MAX)) return "event_id";
    /* The newest wins, so nothing that happens would be newer. */
    if (sw_int(record, "at_ms") > now_ms + AHEAD_MS) return "at_ms";
    if (dedupe && !is_word(sw_str(record, "dedupe"), DEDUPE_MAX)) return "dedupe";
    return NULL;
}

static void dedupe_key(const json_t *record, const char *inst, struct sw_append *append) {
    const char *own = sw_str(record, "dedupe");
    /* Two installations may live in one shard: each has the event once. */
    if (*own) {
        snprintf(append->dedupe, sizeof(append->dedupe), "%s:%s", own, inst);
    } else {
        snprintf(append->dedupe, sizeof(append->dedupe), "ev:%s:%s:%s", sw_str(record, "source"),
                 sw_str(record, "event_id"), inst);
    }
    append->dedupe_ms = DEDUPE_MS;
}

void sw_event_append(const struct sw_ctx *ctx, const char *actor, const json_t *record,
                     const char *inst, unsigned number, struct sw_append *ret) {
    char id[SW_COMMAND_CHARS + 1];
    sw_command_id(ctx, number, id);
    memset(ret, 0, sizeof(*ret));
    ret->actor = actor;
    ret->m = sw_msg_create(SW_KIND_EVENT, id, inst, ctx->now_ms);
    json_object_update(ret->m->body, (json_t *)record);
    json_object_del(ret->m->body, "dedupe");
    dedupe_key(record, inst, ret);
}

void sw_decision_route(const struct sw_ctx *ctx, const char *actor, bool bulk, const json_t *record,
                       const json_t *installations, struct sw_decision *d) {
    size_t i;
    json_t *inst;
    json_array_foreach((json_t *)installations, i, inst) {
        if (!sw_is_slack_id(json_string_value(inst), json_string_length(inst))) continue;
        unsigned number = (unsigned)d->appends;
        struct sw_append *append = sw_decision_add(d);
        sw_event_append(ctx, actor, record, json_string_value(inst), number, append);
        append->bulk = bulk;
    }
    if (d->appends == 0) d->refused = "unrouted";
}
