/* load.h -- the load of the conversation figures: people who type `/h help`, and where their answers arrive.
 *
 * shapes   standard output, first line: hooks http://127.0.0.1:PORT (the origin of its own response_urls)
 *          standard input, a line a run: ingress=URL [sim=URL] [text=help] [teams=A,B] [flight=256]
 *          [connections=64] [warmup_ms=1000] [run_ms=5000]; with sim= answers arrive there, not here
 *          standard output, a line a run: one JSON object, see report() in load.c
 * units    *_ns of CLOCK_MONOTONIC inside, *_us in reports
 * errors   a line that is not understood ends the process with status 2
 * owner    one thread, one epoll; struct load is the process
 * source   Slack "Verifying requests", RFC 9112; closed loop: `flight` commands are on their way, no more
 * limits   bodies by Content-Length only; a command that stays away for 10 s counts as missing
 */
#ifndef SW_LOAD_H
#define SW_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_TEAMS 64
#define LOAD_CONNECTIONS 256

enum conn_kind { CONN_LISTENER, CONN_HOOK, CONN_INGRESS, CONN_SIM };

struct conn {
    enum conn_kind kind;
    int fd;    /* -1: closed */
    bool busy; /* a request is on its way */
    bool watched_out;
    int64_t sent_ns;
    char *in, *out;
    size_t in_size, in_room, out_size, out_done, out_room;
};

/* One whole HTTP message in a connection's buffer. */
struct http {
    const char *first; /* request line or status line, up to its CR */
    size_t first_size;
    const char *body;
    size_t body_size, whole;
};

struct samples {
    uint32_t *us;
    size_t count, room;
};

struct run {
    char ingress[64], sim[64], text[128];
    char team[LOAD_TEAMS][24];
    size_t teams, flight, connections;
    int64_t warmup_ms, run_ms;

    uint64_t first;   /* the number of its first command */
    int64_t *sent_ns; /* by number - first; 0: not sent, -1: arrived */
    size_t sent_room;
    uint64_t sent, arrived, acked, told, refused, broken, doubled, strange;
    uint64_t counted; /* arrived within the measured span */
    int64_t from_ns, to_ns, first_counted_ns, last_counted_ns, progress_ns, polled_ns;
    uint64_t sim_base; /* the sim's journal number before the run */
    bool sim_known;
    struct samples ack, whole;
};

struct load {
    int epoll;
    unsigned port;
    const char *secret;
    struct conn listener;
    uint64_t next_number;
    struct run run;
    struct conn ingress[LOAD_CONNECTIONS], sim;
};

int64_t load_now_ns(void);

/* Connections. open: 0 or -errno; send copies; read: 1 a whole message is there, 0 not yet, -errno it ended. */
int conn_listen(struct load *load, unsigned *ret_port);
int conn_open(struct load *load, struct conn *conn, enum conn_kind kind, const char *url);
void conn_accept(struct load *load);
void conn_close(struct conn *conn);
int conn_send(struct load *load, struct conn *conn, const char *data, size_t size);
int conn_flush(struct load *load, struct conn *conn);
int conn_read(struct conn *conn);
int conn_message(const struct conn *conn, struct http *ret);
void conn_consume(struct conn *conn, size_t size);

/* A whole signed request for command `number`; returns its size, at most `room`. */
size_t load_request(const struct load *load, const struct run *run, uint64_t number, char *into,
                    size_t room);

void samples_add(struct samples *samples, int64_t ns);
/* Sorts; 0 where there is none. */
uint32_t samples_at(struct samples *samples, double quantile);

#endif
