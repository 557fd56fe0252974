/* decision.c -- releases what a decision holds; see door.h. */
#include "common/door.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

void sw_reply_finish(struct sw_reply *reply) {
    free(reply->body);
    free(reply->location);
    free(reply->cookie);
    memset(reply, 0, sizeof(*reply));
}

struct sw_append *sw_decision_add(struct sw_decision *d) {
    size_t n = d->appends++;
    bool full = (n & (n - 1)) == 0; /* room for 1, 2, 4, ... */
    if (full) {
        struct sw_append *more = sw_malloc((n ? 2 * n : 1) * sizeof(*more));
        if (n) memcpy(more, d->append, n * sizeof(*more));
        free(d->append);
        d->append = more;
    }
    memset(&d->append[n], 0, sizeof(d->append[n]));
    return &d->append[n];
}

void sw_decision_finish(struct sw_decision *d) {
    for (size_t i = 0; i < d->appends; i++) {
        sw_msg_destroy(d->append[i].m);
    }
    free(d->append);
    json_decref(d->record);
    d->append = NULL;
    d->record = NULL;
    d->appends = 0;
    sw_reply_finish(&d->reply);
    sw_reply_finish(&d->duplicate);
    sw_reply_finish(&d->shed);
    sw_reply_finish(&d->away);
}
