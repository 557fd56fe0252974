/* decision.c -- releases what a decision holds; see door.h. */
#include "common/door.h"

#include <stdlib.h>
#include <string.h>

void sw_reply_finish(struct sw_reply *reply) {
    free(reply->body);
    free(reply->location);
    free(reply->cookie);
    memset(reply, 0, sizeof(*reply));
}

void sw_decision_finish(struct sw_decision *d) {
    for (size_t i = 0; i < d->appends; i++) {
        sw_msg_destroy(d->append[i].m);
        d->append[i].m = NULL;
    }
    d->appends = 0;
    sw_reply_finish(&d->reply);
    sw_reply_finish(&d->duplicate);
    sw_reply_finish(&d->shed);
    sw_reply_finish(&d->away);
}
