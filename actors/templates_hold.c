/* templates_hold.c -- locks of people, and what runs; see templates.h. */
#include "actors/templates_priv.h"
#include "proto/value.h"

#include <string.h>

#define WHERE "{pipeline:bold}[ ({stage})]"

static void put_lock(struct sw_mrkdwn *m, const json_t *lock, const json_t *data) {
    (void)data;
    sw_mrkdwn_fill(m, SW__BULLET WHERE " by {by:user} since {since_ms:date}[: {reason}]", lock);
}

static const char *mark_of(const json_t *op) {
    const char *state = sw_str(op, "state");
    if (!json_object_get(op, "end_ms")) return SW__BUSY;
    if (!strcmp(state, "success")) return SW__GOOD;
    return !strcmp(state, "unknown") || !strcmp(state, "cancelled") ? SW__DOUBT : SW__BAD;
}

static void put_op(struct sw_mrkdwn *m, const json_t *op, const json_t *data) {
    bool over = json_object_get(op, "end_ms") != NULL;
    (void)data;
    sw_mrkdwn_put(m, mark_of(op));
    sw_mrkdwn_fill(m,
                   over ? "{user:user} {line:typed}: {state}, ended {end_ms:date}" SW__DOT
                          "{id:code}"
                        : "{user:user} {line:typed} since {since_ms:date}" SW__DOT "{id:code}",
                   op);
}

static void list(struct sw__card *card, const struct sw_template_in *in, const char *key,
                 const char *title,
                 void (*put)(struct sw_mrkdwn *m, const json_t *item, const json_t *data),
                 json_int_t left) {
    const json_t *items = json_object_get(in->data, key);
    if (json_array_size(items) == 0) return;
    if (title) sw__card_more(card, json_string(title));
    sw__card_list(
        card, &(struct sw__list){
                  .items = items, .put = put, .line_chars = 700, .more = left, .data = in->data});
}

static void more(struct sw__card *card, const struct sw_template_in *in) {
    sw__card_more(card,
                  sw_filled("[{?more}And {more} more, in other channels or too many to list.]",
                            in->data, SW_SECTION_MAX));
}

static void locks(const struct sw_template_in *in, struct sw__card *card) {
    bool none = json_array_size(json_object_get(in->data, "locks")) == 0;
    sw__card_lead(card,
                  json_string(none ? "Nothing is locked by anybody."
                                   : "Locked, so that nobody else deploys or promotes there:"));
    list(card, in, "locks", NULL, put_lock, 0);
    list(card, in, "running", "At work now, one operation at a time on an app:", put_op, 0);
    more(card, in);
}

static void status(const struct sw_template_in *in, struct sw__card *card) {
    bool none = json_array_size(json_object_get(in->data, "running")) == 0;
    sw__card_lead(card, json_string(none ? "Nothing of this channel or of yours is at work."
                                         : "At work now:"));
    list(card, in, "running", NULL, put_op, 0);
    more(card, in);
    list(card, in, "ended", "Ended last:", put_op, 0);
}

static void put_target(struct sw_mrkdwn *m, const json_t *app, const json_t *data) {
    (void)data;
    sw__put_app(m, app);
}

static void one(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *op = json_object_get(in->data, "op");
    struct sw_mrkdwn m;
    sw_mrkdwn_init(&m, SW_SECTION_MAX);
    put_op(&m, op, in->data);
    sw__card_lead(card, sw_mrkdwn_end(&m));
    sw__card_more(card,
                  sw_filled("[{pipeline:bold}][, {stage}][: {apps:list}]", op, SW_SECTION_MAX));
    sw__card_list(card, &(struct sw__list){.items = json_object_get(op, "targets"),
                                           .put = put_target,
                                           .line_chars = 700,
                                           .data = in->data});
}

static void ended(const struct sw_template_in *in, struct sw__card *card) {
    const json_t *op = json_object_get(in->data, "op");
    sw__card_lead(card,
                  sw_filled("{id:code} has ended at {end_ms:date} ({state}): there is nothing "
                            "left to do.",
                            op, SW_SECTION_MAX));
}

#define ROW(name, words, more_words)                                                               \
    { .id = name, .lead = words, .more = more_words }

const struct sw__template sw__templates_hold[] = {
    ROW("lock.done",
        "{user:user} has locked " WHERE
        "[: {reason}]. [{?again}It was so before. ][{!others}Only {user:user} "
        "can deploy, promote and roll back there now.][{?others}Stages that others have locked "
        "stay theirs.]",
        "[{?others}`/h locks` lists them.]"),
    ROW("lock.none", WHERE " is not locked.", "`/h locks` lists what is."),
    ROW("lock.too_many",
        "There are {max} locks already, and no room for another. Nothing was done.",
        "`/h locks` lists them; `/h unlock` takes one of yours away."),
    ROW("lock.taken", "{by:user} took away your lock of " WHERE "[: {reason}].",
        "[You had set it at {since_ms:date}][: {was}]"),
    ROW("unlock.done",
        "{user:user} has unlocked " WHERE
        "[, which {owner:user} had locked][ ({was})][: {reason}].",
        NULL),
    {.id = "locks.list", .build = locks},
    {.id = "status.list", .build = status},
    {.id = "status.one", .build = one},
    ROW("cancel.asked", SW__BUSY "I stop {of:typed} if that is still possible.",
        "Its message in the channel tells what becomes of it."),
    ROW("wait.asked", SW__BUSY "{of:typed} goes on as soon as its checks are green.",
        "Its message in the channel tells what becomes of it."),
    ROW("wait.nothing", "{of:typed} does not wait for checks: nothing was changed.", NULL),
    {.id = "error.op_ended", .build = ended},
    {0},
};
