/* notifier_tend.c -- what is done by the clock, in the name of a pipeline's owner, and who people are; see notifier_priv.h.
 *
 * Two timers a pipeline: "missed" fetches webhooks that did not arrive, "check" looks at owner, channels, apps and webhooks.
 * They are durable, so what fell due during a downtime is done when it ends, which is when it matters most. */
#include "actors/notifier_priv.h"
#include "common/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MISSED "missed"
#define CHECK "check"
#define SIGN_IN_MS 30000 /* from one account to the other, in a browser */

static void arm(const struct sw__notify *n, const char *what, const char *pipeline, int64_t ms) {
    SW_AUTO(sw_text) char *name = sw__kept_key(n, what, pipeline);
    json_t *body = json_pack("{s:s, s:s, s:s}", "job", "tend", "what", what, "pipeline", pipeline);
    struct sw_msg *m = sw_after(n->out, name, ms, SW_KIND_NOTIFIER_TIMER, body);
    json_object_clear(m->boxes);
}

/* The last `part` percent of a period are left to chance: pipelines that began together do not fall due together. */
static int64_t delay(const struct sw__notify *n, const char *what, int64_t period_ms, int part) {
    uint32_t random;
    sw_derive(n->ctx->seed, what, &random, sizeof(random));
    int64_t range_ms = period_ms * part / 100;
    return period_ms - (range_ms > 0 ? (int64_t)(random % (uint64_t)range_ms) : 0);
}

void sw__clock_arm(const struct sw__notify *n, const char *pipeline) {
    arm(n, MISSED, pipeline, delay(n, MISSED, n->ctx->conf->tend_ms, 50));
    arm(n, CHECK, pipeline, delay(n, CHECK, n->ctx->conf->check_ms, 50));
}

void sw__clock_stop(const struct sw__notify *n, const char *pipeline) {
    static const char *const whats[] = {MISSED, CHECK};
    for (size_t i = 0; i < 2; i++) {
        SW_AUTO(sw_text) char *name = sw__kept_key(n, whats[i], pipeline);
        sw_cancel(n->out, name);
    }
}

/* A command of its own, as if typed now: two of them share nothing. */
static struct sw_msg *command(const struct sw__notify *n, const char *kind, const char *label) {
    uint8_t random[10];
    char id[24 + 2 * sizeof(random)];
    snprintf(id, sizeof(id), "%011llx-", (unsigned long long)n->ctx->now_ms);
    sw_derive(n->ctx->seed, label, random, sizeof(random));
    sw_hex(random, sizeof(random), id + strlen(id));
    return sw_msg_create(kind, id, n->in->inst, n->ctx->now_ms);
}

static json_t *owner_of(const json_t *pipe) {
    json_t *who = json_copy(json_object_get(pipe, "owner"));
    json_object_del(who, "email");
    return who;
}

static struct sw_msg *ask_auth(const struct sw__notify *n, const json_t *pipe, const char *what) {
    const char *id = sw_str(json_object_get(pipe, "pipeline"), "id");
    struct sw_msg *m = command(n, SW_KIND_COMMAND, what);
    json_object_update_new(m->body, json_pack("{s:o, s:s, s:{s:s, s:s, s:b, s:s, s:s, s:I}}", "who",
                                              owner_of(pipe), "line", "", "command", "task", "tend",
                                              "handler", "tend", "valid", 1, "pipeline", id, "what",
                                              what, "since_ms", sw_int(pipe, "missed_ms")));
    sw_resume(n->out, "auth", m);
    return m;
}

void sw__clock_ask(const struct sw__notify *n, const json_t *pipe, const char *channel) {
    struct sw_msg *m = command(n, SW_KIND_CHANNEL, channel);
    json_object_update_new(m->body, json_pack("{s:o, s:s, s:s, s:b}", "who", owner_of(pipe),
                                              "channel", channel, "from", "notifier", "join", 1));
    sw_resume(n->out, "responder", m);
}

/* Of what is paused only an archived channel goes on by itself. The others are left alone: to ask is to join, and who
 * removed the bot does not want it back each day. */
static void ask_channels(const struct sw__notify *n, const json_t *pipe) {
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        const char *paused = sw_str(route, "paused");
        if (!paused[0] || !strcmp(paused, "archived"))
            sw__clock_ask(n, pipe, sw_str(route, "channel"));
    }
}

int sw__clock_due(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body), *what = sw_str(n->in->body, "what");
    bool missed = !strcmp(what, MISSED);
    const json_t *pipe;
    int r = id[0] ? sw__kept_get(n, "pipe", id, &pipe) : -EBADMSG;
    if (r < 0 || !pipe) return r;
    const struct sw_conf *conf = n->ctx->conf;
    const struct sw_msg *m = ask_auth(n, pipe, what);
    if (missed) {
        /* From now on, unless it turns out that nobody could be asked (sw__clock_away). */
        json_t *next = json_copy((json_t *)pipe);
        json_object_set_new(next, "before",
                            json_pack("{s:s, s:I}", "op", m->cmd, "ms", sw_int(pipe, "missed_ms")));
        json_object_set_new(next, "missed_ms", json_integer(n->ctx->now_ms));
        sw__kept_put(n, "pipe", id, next, 0);
    } else {
        ask_channels(n, pipe);
    }
    arm(n, missed ? MISSED : CHECK, id,
        delay(n, what, missed ? conf->tend_ms : conf->check_ms, 10));
    return 0;
}

/* Nobody could be asked, or not for all of it: what was missed is still to be fetched. Nothing else is known. */
int sw__clock_away(const struct sw__notify *n) {
    const char *id = sw__pipeline_id(n->in->body);
    const json_t *pipe;
    int r = id[0] ? sw__kept_get(n, "pipe", id, &pipe) : -EBADMSG;
    if (r < 0) return r;
    const json_t *before = json_object_get(pipe, "before");
    if (!before || strcmp(sw_str(before, "op"), sw_str(n->in->body, "op")) != 0) return 0;
    json_t *next = json_copy((json_t *)pipe);
    json_object_set(next, "missed_ms", json_object_get(before, "ms"));
    json_object_del(next, "before");
    sw__kept_put(n, "pipe", id, next, 0);
    return 0;
}

int sw__clock_hurry(const struct sw__notify *n) {
    const char *user = sw_str(n->in->body, "user");
    const json_t *pipelines;
    size_t i = (size_t)sw_int(n->in->body, "from"), to = i + SW__STEP;
    int r = sw__kept_name(user) ? sw__kept_get(n, "owner", user, &pipelines) : -EBADMSG;
    if (r < 0) return r;
    for (; i < json_array_size(pipelines) && i < to; i++)
        arm(n, CHECK, json_string_value(json_array_get(pipelines, i)), sw_int(n->in->body, "ms"));
    if (json_array_size(pipelines) > to)
        sw__tell_self(n, json_pack("{s:s, s:s, s:I, s:I}", "job", "hurry", "user", user, "ms",
                                   sw_int(n->in->body, "ms"), "from", (json_int_t)to));
    return 0;
}

/* A login that is a number would be taken for an id. */
static bool is_number(const char *text) {
    return text[strspn(text, "0123456789")] == '\0';
}

static void lower(char *text) {
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + 'a' - 'A');
}

/* "<provider>/<name>" as people are kept; NULL: not one that can be. */
static char *person_name(const char *provider, const char *name) {
    char *key = sw_printf("%s/%s", provider, name);
    lower(key);
    if (name[0] && sw__kept_name(key)) return key;
    free(key);
    return NULL;
}

/* *ret_news: it was not known before. */
static int person_set(const struct sw__notify *n, const char *provider, const char *name,
                      bool *ret_news) {
    const char *user = sw_str(n->in->body, "user");
    bool gone = json_is_true(json_object_get(n->in->body, "gone"));
    const json_t *known;
    SW_AUTO(sw_text) char *key = person_name(provider, name);
    if (!key) return 0;
    int r = sw__kept_get(n, "person", key, &known);
    if (r < 0) return r;
    bool same = !strcmp(sw_str(known, "user"), user);
    if (gone && same) sw__kept_drop(n, "person", key);
    if (!gone && !same) sw__kept_put(n, "person", key, json_pack("{s:s}", "user", user), 0);
    *ret_news |= gone == same;
    return 0;
}

int sw__person_v1(const struct sw__notify *n) {
    const json_t *body = n->in->body, *id = json_object_get(body, "id");
    const char *provider = sw_str(body, "provider"), *name = sw_str(body, "name");
    const char *user = sw_str(body, "user");
    SW_AUTO(sw_text)
    char *text = json_is_integer(id) ? sw_printf("%lld", (long long)json_integer_value(id))
                                     : sw_strdup(sw_str(body, "id"));
    bool heroku = !strcmp(provider, "heroku"), news = false;
    if ((!heroku && strcmp(provider, "github")) || !sw__kept_name(user)) return -EBADMSG;
    int r = person_set(n, provider, text, &news);
    int second = is_number(name) ? 0 : person_set(n, provider, name, &news);
    if (r < 0 || second < 0) return r < 0 ? r : second;
    /* Signed out: what is reported by those rights stops. Signed in again: it goes on, once they are through with the
     * other account as well. */
    int64_t ms = json_is_true(json_object_get(body, "gone")) ? 0 : SIGN_IN_MS;
    if (ms > n->ctx->conf->check_ms) ms = n->ctx->conf->check_ms;
    if (news)
        sw__tell_self(
            n, json_pack("{s:s, s:s, s:I}", "job", "hurry", "user", user, "ms", (json_int_t)ms));
    return 0;
}

int sw__people_here(const struct sw__notify *n, const json_t *people, json_t **ret) {
    json_t *here = json_object(), *one;
    size_t i;
    int result = 0;
    json_array_foreach((json_t *)people, i, one) {
        const json_t *known = NULL;
        SW_AUTO(sw_text) char *key = person_name(sw_str(one, "provider"), sw_str(one, "id"));
        int r = key ? sw__kept_get(n, "person", key, &known) : 0;
        if (r < 0) result = r; /* ask for all of them before waiting */
        if (r < 0 || !known) continue;
        SW_AUTO(sw_text)
        char *as = sw_printf("%s/%s", sw_str(one, "provider"), sw_str(one, "id"));
        json_object_set_new(here, as, json_string(sw_str(known, "user")));
    }
    *ret = here;
    return result;
}
