/* span.c -- see span.h. */
#include "common/span.h"

#include "common/door.h"
#include "common/effects_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <inttypes.h>
#include <string.h>

#define AFRESH_MS 3600000

static struct sw_span *begin(const struct sw_run *run, enum sw_span_kind kind,
                             const struct sw_msg *m) {
    struct sw_span *span = sw_malloc(sizeof(*span));
    sw_span_begin(span, kind, m->parent, sw__now_ms(run) - m->born_ms > AFRESH_MS);
    snprintf(span->cmd, sizeof(span->cmd), "%s", m->cmd);
    snprintf(span->inst, sizeof(span->inst), "%s", m->inst);
    return span;
}

struct sw_span *sw__span_message(const struct sw_shard *shard, struct sw_entry *entry) {
    struct sw_msg *m = entry->m;
    if (!shard->run->otlp || !m) return NULL;
    struct sw_span *span = begin(shard->run, SW_SPAN_CONSUMER, m);
    snprintf(span->message, sizeof(span->message), "%s", m->kind);
    snprintf(span->entry, sizeof(span->entry), "%" PRIu64 "-%" PRIu64, entry->id.gen,
             entry->id.seq);
    span->shard = (int)shard->number;
    span->attempt = entry->attempt;
    memcpy(span->was, m->parent, sizeof(span->was));
    sw_span_context(span, m->parent);
    return span;
}

void sw__span_undo(struct sw_span *span, struct sw_entry *entry) {
    if (!span) return;
    memcpy(entry->m->parent, span->was, sizeof(span->was));
    free(span);
}

/* Of "https://api.heroku.com:443/x". */
static void split(const char *url, struct sw_span *span) {
    bool secure = !strncmp(url, "https://", 8);
    const char *host = strstr(url, "://");
    if (!host) return;
    host += 3;
    size_t size = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    snprintf(span->host, sizeof(span->host), "%.*s", (int)size, host);
    span->port = host[size] == ':' ? atoi(host + size + 1) : secure ? 443 : 80;
}

struct sw_span *sw__span_effect(const struct sw_effect *effect) {
    const struct sw_run *run = effect->shard->run;
    const char *up = sw_str(effect->request, "up");
    if (!run->otlp || !strcmp(up, "ledger")) return NULL;
    struct sw_span *span = begin(run, SW_SPAN_CLIENT, effect->m);
    const char *method = sw_str(effect->request, "method");
    snprintf(span->up, sizeof(span->up), "%s", up);
    snprintf(span->method, sizeof(span->method), "%s", method[0] ? method : "_OTHER");
    sw_path_template(sw_str(effect->request, "path"), span->path);
    const char *base = sw_request_base(&run->conf, up);
    split(base ? base : run->conf.hooks, span);
    return span;
}

void sw__span_answer(struct sw_effect *effect, const char *outcome, int status) {
    /* What another process began and nobody knows of was not begun here. */
    if (!effect->span) effect->span = sw__span_effect(effect);
    struct sw_span *span = effect->span;
    if (!span) return;
    span->status = status;
    span->resends = effect->tries > 1 ? effect->tries - 1 : 0;
    if (!strcmp(outcome, "refused") && status >= 400) {
        snprintf(span->error, sizeof(span->error), "%d", status);
    } else if (strcmp(outcome, "ok") != 0) {
        snprintf(span->error, sizeof(span->error), "%s", outcome);
    }
    sw_span_end(span);
    sw_span_context(span, effect->m->parent);
}

struct sw_span *sw__span_request(const struct sw_run *run, const char *path,
                                 struct sw_decision *d) {
    if (!run->otlp || d->appends == 0) return NULL;
    struct sw_span *span = begin(run, SW_SPAN_SERVER, d->append[0].m);
    /* A browser's GET has a body of its own kind; what is taken in else was posted. */
    const char *method = sw_str(d->append[0].m->body, "method");
    snprintf(span->method, sizeof(span->method), "%s", method[0] ? method : "POST");
    sw_path_template(path, span->path);
    for (size_t i = 0; i < d->appends; i++)
        sw_span_context(span, d->append[i].m->parent);
    return span;
}
