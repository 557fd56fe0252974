/* door_priv.h -- the strict header filter in front of libmicrohttpd's lenient parser.
 *
 * shapes   a head: the headers that deciders need, pointing into the connection's memory
 * units    sizes are bytes
 * errors   a status (400, 405, 413, 414, 431, 505) and a reason word; 0 passes.
 *          sw__listen: -EINVAL not an address, else -errno of the socket
 * owner    libmicrohttpd owns the texts for the life of the request
 * source   RFC 9112 2.2, 3, 5, 6; libmicrohttpd 0.9.75 (Debian 12)
 * limits   header block 16 KiB, URI 8 KiB, 8 further X-Slack-* headers
 */
#ifndef SW_DOOR_PRIV_H
#define SW_DOOR_PRIV_H

#include "common/door.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#define SW__HEAD_BYTES 16384
#define SW__URI_BYTES 8192

struct sw__head { /* each "" where absent, never NULL once checked */
    const char *content_type, *cookie, *authorization;
    const char *slack_signature, *slack_timestamp, *heroku_hmac;
    const char *github_event, *github_delivery, *github_signature, *github_hook;
    const char *accept;
};

struct sw__request_line {
    const char *method,
        *version;    /* as libmicrohttpd gives them: both point into the header block */
    const char *uri; /* our copy, raw */
    size_t uri_size;
};

/* Opens a listening socket at host:port. */
int sw__listen(const char *address, int *ret_fd);
/* The port a socket is bound to; 0 where it is none. */
unsigned sw__port(int fd);
/* The peer will send no more: where its end of stream came together with data, libmicrohttpd's epoll has no second edge. */
bool sw__has_left(int fd);
int64_t sw__door_ms(void); /* on a coarse monotonic clock */

/* Takes the body; status becomes 500 where a value cannot be a header. `close`: the last answer here. */
struct MHD_Response *sw__response(struct sw_reply *reply, bool close);

unsigned sw__head_check(struct MHD_Connection *connection, const struct sw__request_line *line,
                        size_t body_bytes, struct sw__head *ret, const char **ret_reason);

#endif
