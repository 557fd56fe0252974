/* load.c -- the closed loop; see load.h. */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS 256
#define POLL_NS 5000000LL /* how often the sim is asked how many arrived */
#define PATIENCE_NS 10000000000LL

static const char hook_answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                  "Content-Length: 2\r\n\r\nok";
static const char sim_question[] = "GET /sim/journal?limit=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static bool counts(const struct run *run, int64_t now_ns) {
    return now_ns >= run->from_ns && now_ns < run->to_ns;
}

/* ---- typing ---- */

static uint64_t in_flight(const struct run *run) {
    return run->sent - run->arrived - run->told - run->refused - run->broken;
}

static void type_one(struct load *load, struct conn *conn) {
    struct run *run = &load->run;
    char request[4096];
    if (conn->fd < 0 && conn_open(load, conn, CONN_INGRESS, run->ingress) < 0) return;
    if (run->sent == run->sent_room) {
        run->sent_room = run->sent_room ? run->sent_room * 2 : 65536;
        run->sent_ns = realloc(run->sent_ns, run->sent_room * sizeof(*run->sent_ns));
        if (!run->sent_ns) abort();
    }
    size_t size = load_request(load, run, load->next_number, request, sizeof(request));
    if (size == 0) abort();
    load->next_number++;
    conn->busy = true;
    conn->sent_ns = run->sent_ns[run->sent++] = load_now_ns();
    if (conn_send(load, conn, request, size) < 0) {
        run->broken++;
        conn_close(conn);
    }
}

static void type_more(struct load *load) {
    struct run *run = &load->run;
    if (load_now_ns() >= run->to_ns || (run->sim[0] && !run->sim_known)) return;
    for (size_t i = 0; i < run->connections && in_flight(run) < run->flight; i++) {
        if (!load->ingress[i].busy) type_one(load, &load->ingress[i]);
    }
}

/* ---- what comes back ---- */

static void on_ack(struct load *load, const struct conn *conn, const struct http *http) {
    struct run *run = &load->run;
    int64_t now_ns = load_now_ns();
    bool ok = http->first_size > 12 && !strncmp(http->first + 9, "200", 3);
    if (ok && http->body_size == 0) {
        run->acked++;
        if (counts(run, now_ns)) samples_add(&run->ack, now_ns - conn->sent_ns);
        return;
    }
    if (run->told + run->refused == 0)
        fprintf(stderr, "load: %.*s: %.*s\n", (int)http->first_size, http->first,
                (int)http->body_size, http->body);
    run->told += ok;
    run->refused += !ok;
}

static void note_arrivals(struct run *run, uint64_t n, int64_t now_ns) {
    run->arrived += n;
    if (n) run->progress_ns = now_ns;
    if (!n || !counts(run, now_ns)) return;
    /* The first look only starts the clock: when its own arrivals came is not known. */
    if (run->first_counted_ns) {
        run->counted += n;
    } else {
        run->first_counted_ns = now_ns;
    }
    run->last_counted_ns = now_ns;
}

/* POST /commands/TEAM/NUMBER/... */
static void on_hook(struct load *load, const struct http *http) {
    struct run *run = &load->run;
    int64_t now_ns = load_now_ns();
    uint64_t number;
    if (sscanf(http->first, "POST /commands/%*[^/]/%" SCNu64 "/", &number) != 1 ||
        number < run->first || number - run->first >= run->sent || http->body_size == 0) {
        run->strange++;
        return;
    }
    int64_t *sent_ns = &run->sent_ns[number - run->first];
    if (*sent_ns < 0) {
        run->doubled++;
        return;
    }
    if (counts(run, now_ns)) samples_add(&run->whole, now_ns - *sent_ns);
    *sent_ns = -1;
    note_arrivals(run, 1, now_ns);
}

/* The newest journal line's number is how many requests the platforms had; {"entries":[]}: none yet. */
static void on_sim(struct load *load, struct conn *conn, const struct http *http) {
    struct run *run = &load->run;
    const char *n = memmem(http->body, http->body_size, "\"n\":", 4);
    uint64_t number = n ? strtoull(n + 4, NULL, 10) : 0;
    conn->busy = false;
    if (!run->sim_known) {
        run->sim_base = number;
        run->sim_known = true;
    } else if (number >= run->sim_base + run->arrived) {
        note_arrivals(run, number - run->sim_base - run->arrived, load_now_ns());
    }
}

static void ask_sim(struct load *load) {
    struct run *run = &load->run;
    int64_t now_ns = load_now_ns();
    if (!run->sim[0] || load->sim.busy || now_ns - run->polled_ns < POLL_NS) return;
    run->polled_ns = now_ns;
    if (load->sim.fd < 0 && conn_open(load, &load->sim, CONN_SIM, run->sim) < 0) return;
    load->sim.busy = true;
    if (conn_send(load, &load->sim, sim_question, sizeof(sim_question) - 1) < 0)
        conn_close(&load->sim);
}

static void ended(struct load *load, struct conn *conn) {
    if (conn->kind == CONN_INGRESS && conn->busy) load->run.broken++;
    bool mine = conn->kind == CONN_HOOK;
    conn_close(conn);
    if (mine) free(conn);
}

static void on_ready(struct load *load, struct conn *conn) {
    struct http http;
    int r = conn_read(conn);
    while (r > 0 && conn_message(conn, &http) == 1) {
        if (conn->kind == CONN_HOOK) {
            on_hook(load, &http);
            if (conn_send(load, conn, hook_answer, sizeof(hook_answer) - 1) < 0) r = -EPIPE;
        } else if (conn->kind == CONN_SIM) {
            on_sim(load, conn, &http);
        } else {
            on_ack(load, conn, &http);
            conn->busy = false;
        }
        conn_consume(conn, http.whole);
    }
    if (r < 0) ended(load, conn);
}

static void wait_and_serve(struct load *load, int wait_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(load->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        struct conn *conn = events[i].data.ptr;
        if (conn->kind == CONN_LISTENER) {
            conn_accept(load);
        } else if ((events[i].events & EPOLLOUT) && conn_flush(load, conn) < 0) {
            ended(load, conn);
        } else {
            on_ready(load, conn);
        }
    }
}

/* ---- a run ---- */

static void report(struct run *run) {
    double seconds = (double)(run->last_counted_ns - run->first_counted_ns) / 1e9;
    printf("{\"sent\": %" PRIu64 ", \"acked\": %" PRIu64 ", \"arrived\": %" PRIu64
           ", \"told\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"broken\": %" PRIu64
           ", \"missing\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"strange\": %" PRIu64,
           run->sent, run->acked, run->arrived, run->told, run->refused, run->broken,
           in_flight(run), run->doubled, run->strange);
    printf(", \"per_s\": %.1f, \"samples\": %zu, \"p50_us\": %u, \"p99_us\": %u"
           ", \"ack_p50_us\": %u, \"ack_p99_us\": %u}\n",
           seconds > 0 ? (double)run->counted / seconds : 0, run->whole.count,
           samples_at(&run->whole, 0.5), samples_at(&run->whole, 0.99), samples_at(&run->ack, 0.5),
           samples_at(&run->ack, 0.99));
    fflush(stdout);
}

static void do_run(struct load *load) {
    struct run *run = &load->run;
    int64_t now_ns = load_now_ns();
    run->first = load->next_number;
    run->from_ns = now_ns + run->warmup_ms * 1000000;
    run->to_ns = run->from_ns + run->run_ms * 1000000;
    run->progress_ns = now_ns;
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
        load->ingress[i] = (struct conn){.kind = CONN_INGRESS, .fd = -1};
    load->sim = (struct conn){.kind = CONN_SIM, .fd = -1};
    for (;;) {
        ask_sim(load);
        type_more(load);
        wait_and_serve(load, run->sim[0] ? 1 : 100);
        now_ns = load_now_ns();
        if (now_ns >= run->to_ns && in_flight(run) == 0) break;
        if (now_ns - run->progress_ns > PATIENCE_NS) break;
    }
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
        conn_close(&load->ingress[i]);
    conn_close(&load->sim);
    report(run);
    free(run->sent_ns);
    free(run->ack.us);
    free(run->whole.us);
}

static bool set_teams(struct run *run, char *value) {
    run->teams = 0;
    for (char *team = strtok(value, ","); team; team = strtok(NULL, ",")) {
        if (run->teams == LOAD_TEAMS || strlen(team) >= sizeof(run->team[0])) return false;
        strcpy(run->team[run->teams++], team);
    }
    return run->teams > 0;
}

static bool set_word(struct run *run, const char *name, char *value) {
    char *end;
    size_t size = strlen(value);
    if (!strcmp(name, "ingress") && size < sizeof(run->ingress)) return strcpy(run->ingress, value);
    if (!strcmp(name, "sim") && size < sizeof(run->sim)) return strcpy(run->sim, value);
    if (!strcmp(name, "text") && size < sizeof(run->text)) return strcpy(run->text, value);
    if (!strcmp(name, "teams")) return set_teams(run, value);
    long n = strtol(value, &end, 10);
    if (*end || end == value || n < 0 || n > 86400000) return false;
    if (!strcmp(name, "flight")) return (run->flight = (size_t)n) > 0;
    if (!strcmp(name, "connections"))
        return (run->connections = (size_t)n) > 0 && n <= LOAD_CONNECTIONS;
    if (!strcmp(name, "warmup_ms")) return (run->warmup_ms = n) >= 0;
    if (!strcmp(name, "run_ms")) return (run->run_ms = n) > 0;
    return false;
}

static bool parse_run(struct run *run, char *line) {
    char *rest = NULL;
    *run = (struct run){.text = "help",
                        .team = {"T0SIM1"},
                        .teams = 1,
                        .flight = 256,
                        .connections = 64,
                        .warmup_ms = 1000,
                        .run_ms = 5000};
    for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        char *value = strchr(word, '=');
        if (!value) return false;
        *value++ = 0;
        if (!set_word(run, word, value)) return false;
    }
    return run->ingress[0] != 0;
}

int main(void) {
    static struct load load;
    char line[4096];
    load.secret = getenv("SLACK_SECRET");
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.next_number = 1;
    signal(SIGPIPE, SIG_IGN);
    if (!load.secret || sodium_init() < 0 || load.epoll < 0 || conn_listen(&load, &load.port) < 0) {
        fputs("load: SLACK_SECRET must be set, and a port of 127.0.0.1 be free\n", stderr);
        return 1;
    }
    printf("hooks http://127.0.0.1:%u\n", load.port);
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        if (!parse_run(&load.run, line)) {
            fputs("load: that is not a run; see load.h\n", stderr);
            return 2;
        }
        do_run(&load);
    }
    return 0;
}
