/* story.c -- the entries of a story; see story.h. Written on the way of every command: plain text, no tree of values. */
#include "common/story.h"

#include "common/effects_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <inttypes.h>
#include <string.h>

#define PROCESS_CHARS 8
#define FINAL_RANK 1000000

struct text {
    char data[SW_STORY_BYTES];
    size_t used;
};

/* One more word; what is no visible ASCII is not shown, and what does not fit is left out whole. */
static void put(struct text *t, char mark, const char *value) {
    size_t size = strlen(value), at = t->used;
    if (size == 0) value = "-", size = 1;
    if (size > 200 || at + size + 3 > sizeof(t->data)) return;
    if (at) t->data[at++] = ' ';
    if (mark) t->data[at++] = mark;
    for (size_t i = 0; i < size; i++)
        t->data[at++] = value[i] > ' ' && value[i] < 0x7f ? value[i] : '_';
    t->data[at] = 0;
    t->used = at;
}

static void put_int(struct text *t, char mark, int64_t number) {
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, number);
    put(t, mark, digits);
}

static void put_pair(struct text *t, char mark, const char *name, const char *value) {
    char pair[200];
    snprintf(pair, sizeof(pair), "%s=%s", name, value);
    put(t, mark, pair);
}

static void put_process(struct text *t, const struct sw_run *run) {
    char process[PROCESS_CHARS + 1];
    snprintf(process, sizeof(process), "%.*s", PROCESS_CHARS, run->nonce);
    put(t, 0, process);
}

/* What nobody typed, notices above all, is many and has its own place. */
static bool told(const struct sw_run *run, unsigned lane, const struct sw_msg *m) {
    if (run->conf.story_max == 0 || lane != 0 || !m) return false;
    const json_t *who = json_object_get(m->body, "who");
    return !who || sw_str(who, "user")[0];
}

static void put_reply(struct text *t, const json_t *body) {
    bool final = json_is_true(json_object_get(body, "final")) || sw_int(body, "rank") >= FINAL_RANK;
    put_pair(t, final ? 'R' : 'r', sw_str(body, "to"), sw_str(body, "template"));
}

static void put_op(struct text *t, const struct sw_op *op, unsigned n) {
    char number[16];
    switch (op->kind) {
    case SW_OP_SEND:
        if (!strcmp(op->m->kind, SW_KIND_REPLY)) put_reply(t, op->m->body);
        break;
    case SW_OP_AFTER:
        put_int(t, 't', op->ms);
        break;
    case SW_OP_HTTP:
    case SW_OP_PASS:
        snprintf(number, sizeof(number), "%u", n);
        put_pair(t, 'f', number, op->kind == SW_OP_PASS ? "ledger" : sw_str(op->value, "up"));
        break;
    case SW_OP_AUDIT:
        put(t, 'a', sw_str(op->value, "outcome"));
        break;
    case SW_OP_ANSWER:
        put_int(t, 'p', sw_int(op->value, "status"));
        break;
    default:
        break;
    }
}

char *sw__story_hop(const struct sw_run *run, const struct sw_entry *entry,
                    const struct sw_out *out, const char *dead) {
    const struct sw_msg *m = entry->m;
    struct text t = {.used = 0};
    char id[48];
    if (!told(run, entry->lane, m)) return NULL;
    snprintf(id, sizeof(id), "%" PRIu64 "-%" PRIu64, entry->id.gen, entry->id.seq);
    put(&t, 0, "h");
    put(&t, 0, m->cmd);
    put(&t, 0, m->inst);
    put(&t, 0, run->role);
    put(&t, 0, m->kind);
    put(&t, 0, id);
    put_int(&t, 0, m->born_ms);
    put_int(&t, 0, entry->handled_ms);
    put_int(&t, 0, entry->took_us);
    put_int(&t, 0, entry->attempt ? entry->attempt : 1);
    put_process(&t, run);
    if (dead) put(&t, 'x', dead);
    for (unsigned n = 0; n < out->count; n++)
        put_op(&t, &out->ops[n], n);
    return sw_strdup(t.data);
}

char *sw__story_effect(const struct sw_effect *effect, const char *outcome, int status) {
    const struct sw_run *run = effect->shard->run;
    const struct sw_msg *m = effect->m;
    const char *lane = strchr(effect->id, '.');
    struct text t = {.used = 0};
    char path[SW_PATH_CHARS];
    if (effect->bulk || !told(run, lane ? (unsigned)atoi(lane + 1) : 0, m)) return NULL;
    /* One that another began, or that was refused before, never began here. */
    int64_t took_ms = effect->began_at_ms ? sw__boot_ms() - effect->began_at_ms : 0;
    sw_path_template(sw_str(effect->request, "path"), path);
    put(&t, 0, "e");
    put(&t, 0, m->cmd);
    put(&t, 0, m->inst);
    put(&t, 0, run->role);
    put(&t, 0, effect->id);
    put(&t, 0, sw_str(effect->request, "up"));
    put(&t, 0, sw_str(effect->request, "method"));
    put(&t, 0, path);
    put(&t, 0, outcome);
    put_int(&t, 0, status);
    put_int(&t, 0, effect->tries);
    put_int(&t, 0, sw__now_ms(run) - took_ms);
    put_int(&t, 0, took_ms);
    put_process(&t, run);
    put(&t, 0, effect->once ? "once" : "safe");
    return sw_strdup(t.data);
}

/* Words of the paths of Slack, Heroku and GitHub that handlers call, and of ingress; each between blanks. */
static const char path_words[] =
    " access_token account applications apps attempts authorizations branches builds callback "
    "chat.postEphemeral chat.postMessage chat.update check-runs check-suites commands commits "
    "compare conversations.info conversations.join conversations.open deliveries deployments "
    "dynos events filters formation formations git github heroku hooks install interactive link "
    "login oauth oauth.v2.access openid.connect.token pipeline-couplings pipeline-promotions "
    "pipelines pre-authorizations promotion-targets protection releases repo repos repository "
    "required_status_checks rules slack slugs status statuses tarball test-runs token user "
    "webhook-deliveries webhook-events webhooks ";

static bool is_word(const char *part, size_t size) {
    char word[32];
    if (size + 2 >= sizeof(word)) return false;
    snprintf(word, sizeof(word), " %.*s ", (int)size, part);
    return size > 0 && !memchr(part, ' ', size) && strstr(path_words, word);
}

void sw_path_template(const char *path, char ret[SW_PATH_CHARS]) {
    size_t used = 0;
    ret[0] = 0;
    while (*path == '/') {
        const char *part = path + 1;
        size_t size = strcspn(part, "/?#");
        const char *shown = is_word(part, size) ? part : ":x";
        size_t shows = shown == part ? size : 2;
        if (size && used + 1 + shows < SW_PATH_CHARS) {
            ret[used++] = '/';
            memcpy(ret + used, shown, shows);
            used += shows;
            ret[used] = 0;
        }
        path = part + size;
    }
}
