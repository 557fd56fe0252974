/* run.c -- the process; see run.h. One thread, one loop: a heart for what is due, and a pump for what is queued. */
#include "common/run.h"

#include "common/admin.h"
#include "common/crash.h"
#include "common/intake.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/otlp.h"
#include "common/report.h"
#include "common/seal.h"
#include "common/stream_in.h"
#include "common/watchdog.h"
#include "common/wire.h"

#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEART_MS 20
#define ROUNDS 4
#define TIDY_MS 10000
#define FILES_MAX 16384
#define REPORTS_MS 2000 /* the last reports are waited for no longer */

struct process {
    struct sw_run run;
    struct sw_intake *intake;
    struct sw_stream_in *stream; /* NULL: no Kafka, or not notifier */
    struct sw_door *admin;
    int signals;
    bool stop, told_ready;
    int64_t tidied_at_ms;
};

int64_t sw__boot_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sw__boot_ms(void) {
    return sw__boot_us() / 1000;
}

_Noreturn void sw__die(const struct sw_run *run, const char *why) {
    sw_log(SW_LOG_ERROR, why, SW_S("role", run->role));
    sw_trace_close(false);
    _exit(75);
}

static int on_soon(zloop_t *loop, int timer, void *arg) {
    (void)loop;
    (void)timer;
    sw__turn_end(arg);
    return 0;
}

/* Each source of events calls this when it has delivered what it had. A few rounds at most: what is left then waits for the
 * loop's next turn, so that no queue keeps the loop from its other sources. */
void sw__turn_end(void *arg) {
    struct process *p = arg; /* run is the first member of its process */
    struct sw_run *run = &p->run;
    if (run->turning) return;
    run->turning = true;
    for (unsigned round = 0; round == 0 || (run->pump_wanted && round < ROUNDS); round++) {
        if (run->pump_wanted) {
            run->pump_wanted = false;
            if (p->intake) sw__intake_turn(p->intake);
            if (p->stream) sw__stream_in_turn(p->stream);
            if (run->actor) {
                sw__turn(run);
                sw__effects_turn(run->effects);
            }
        }
        sw__ledgers_flush(run);
        if (p->intake) sw__intake_flush(p->intake);
    }
    sw_log_flush();
    run->turning = false;
    if (run->pump_wanted) zloop_timer(run->loop, 0, 1, on_soon, run);
}

void sw__pump(struct sw_run *run) {
    run->pump_wanted = true;
}

static void tell_ready(struct process *p) {
    const char *fd_text = getenv("SLIPWAY_READY_FD");
    p->told_ready = true;
    sw_log(SW_LOG_INFO, "ready", SW_I("admin_port", sw_door_port(p->admin)),
           SW_S("version", SW_VERSION));
    if (!fd_text) return;
    int fd = atoi(fd_text);
    dprintf(fd, "admin http://127.0.0.1:%u\n", sw_door_port(p->admin));
    if (p->intake) dprintf(fd, "http http://127.0.0.1:%u\n", sw__intake_port(p->intake));
    close(fd);
}

static bool drained(struct process *p) {
    struct sw_run *run = &p->run;
    bool late = sw__boot_ms() > run->drain_at_ms - run->conf.drain_ms + REPORTS_MS;
    bool left = sw_otlp_drained(run->otlp) || late;
    if (p->intake) return sw__intake_drained(p->intake) && left;
    left = left && (sw_reporter_drained(run->reporter) || late);
    if (p->stream && !sw__stream_in_drained(p->stream)) left = false;
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        struct sw_shard *shard = &run->shard[i];
        if (shard->state == SW_OURS) sw__lease_leave(shard);
        left = left && shard->state == SW_FREE;
    }
    return left;
}

static int on_heart(zloop_t *loop, int timer, void *arg) {
    struct process *p = arg;
    struct sw_run *run = &p->run;
    (void)loop;
    (void)timer;
    sw__reload_tick(run);
    sw__ledgers_tick(run);
    sw__lease_tick(run);
    if (p->intake) sw__intake_tick(p->intake);
    if (p->stream) sw__stream_in_tick(p->stream);
    if (run->actor && sw__ledgers_up(run)) {
        sw__timers_tick(run);
        sw__effects_tick(run);
    }
    if (sw__boot_ms() - p->tidied_at_ms > TIDY_MS) {
        p->tidied_at_ms = sw__boot_ms();
        sw_wire_tidy(run->wire);
        if (run->effects) sw__effects_tidy(run->effects);
    }
    sw_reporter_tick(run->reporter, sw__boot_ms());
    sw_otlp_tick(run->otlp, sw__boot_ms());
    if (!p->told_ready && sw__ready(run)) tell_ready(p);
    sw__turn_end(run);
    /* Without Redis an actor has nothing to hand over; a door still owes its answers. */
    if (run->draining && (drained(p) || (run->actor && !sw__ledgers_up(run)) ||
                          sw__boot_ms() > run->drain_at_ms + 500)) {
        p->stop = true;
        return -1;
    }
    return 0;
}

static int on_signal(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct process *p = arg;
    struct signalfd_siginfo info;
    (void)loop;
    (void)item;
    if (read(p->signals, &info, sizeof(info)) != sizeof(info) || p->run.draining) return 0;
    sw_log(SW_LOG_INFO, "draining", SW_I("signal", info.ssi_signo));
    p->run.draining = true;
    p->run.drain_at_ms = sw__boot_ms() + p->run.conf.drain_ms;
    if (p->intake) sw__intake_leave(p->intake);
    sw__lease_gone(&p->run);
    return 0;
}

static void on_entry(void *arg, const char *from, unsigned number, unsigned lane, uint64_t gen,
                     uint64_t seq, const char *data, size_t size) {
    struct process *p = arg;
    if (number >= SW_SHARDS || lane >= SW_LANES || !p->run.actor) return;
    struct sw_shard *shard = &p->run.shard[number];
    if (shard->state == SW_OURS)
        sw__mailbox_hear(shard, from, lane, (struct sw_id){gen, seq}, data, size);
}

static void on_tell(void *arg, const char *from, const char *data, size_t size) {
    struct process *p = arg;
    struct sw_msg *m = NULL;
    int r = sw_msg_unpack(data, size, &m);
    if (from && (r < 0 || !sw_kind_may(m->kind, from, p->run.role))) {
        sw_wire_refuse(p->run.wire, "kind", from);
    } else if (r == 0 && p->intake && !strcmp(m->kind, SW_KIND_PAGE)) {
        sw__intake_page(p->intake, m);
    }
    sw_msg_destroy(m);
}

static void on_handed(void *arg, unsigned number) {
    struct process *p = arg;
    if (number >= SW_SHARDS || !p->run.actor) return;
    struct sw_shard *shard = &p->run.shard[number];
    shard->retry_at_ms = 1;
    /* Somebody leaves: the share may have grown. */
    if (sw__boot_ms() - shard->ledger->live_at_ms >= HEART_MS) shard->ledger->live_at_ms = 0;
    sw__lease_tick(&p->run);
}

static void harden(void) {
    struct rlimit none = {0, 0}, files;
    setrlimit(RLIMIT_CORE, &none);
    /* Among many others the wire alone needs more than the thousand that a process begins with. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MAX) {
        files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
    /* Memory of a burst stays here for the next one: giving it back and faulting it in again costs more than the work. */
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
}

static int block_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* 0, or the exit status after one clear line. */
static int open_everything(struct process *p) {
    struct sw_run *run = &p->run;
    char name[64], error[512];
    uint8_t nonce[16];
    sw__reload_begin(run);
    int r = sw_keys_load(run->conf.key_dir, run->role, &run->keys, error, sizeof(error));
    if (r < 0) {
        fprintf(stderr, "slipway %s: %s\n", run->role, error);
        return 78;
    }
    randombytes_buf(nonce, sizeof(nonce));
    sw_hex(nonce, sizeof(nonce), run->nonce);
    snprintf(name, sizeof(name), "%s-%.8s", run->role, run->nonce);
    struct sw_wire_events wire_events = {on_entry, on_tell, on_handed, sw__turn_end, p};
    if (mkdir(run->conf.run_dir, 0700) < 0 && errno != EEXIST) {
        fprintf(stderr, "slipway %s: SLIPWAY_RUN_DIR %s: %s\n", run->role, run->conf.run_dir,
                strerror(errno));
        return 78;
    }
    if (sw_wire_create(run->loop, &run->conf, run->role, name, &wire_events, &run->wire, error,
                       sizeof(error)) < 0) {
        fprintf(stderr, "slipway %s: %s\n", run->role, error);
        return 78;
    }
    if ((r = sw__admin_create(run, &p->admin)) < 0) {
        fprintf(stderr, "slipway %s: SLIPWAY_ADMIN %s: %s\n", run->role, run->conf.admin,
                strerror(-r));
        return 78;
    }
    return 0;
}

static void close_everything(struct process *p) {
    struct sw_run *run = &p->run;
    bool released = true;
    sw__ledgers_close(run);
    for (unsigned i = 0; i < SW_SHARDS; i++)
        released = released && run->shard[i].state == SW_FREE;
    sw_trace_close(released);
    for (unsigned i = 0; i < SW_SHARDS; i++) {
        sw__shard_reset(&run->shard[i]);
        sw__shard_finish(&run->shard[i]);
    }
    sw__effects_destroy(run->effects);
    sw_reporter_destroy(run->reporter);
    sw_otlp_destroy(run->otlp);
    sw__intake_destroy(p->intake);
    sw__stream_in_destroy(p->stream);
    sw_door_destroy(p->admin);
    sw_wire_destroy(run->wire);
    sw_keys_destroy(run->keys);
    sw_conf_finish(&run->conf);
    zloop_destroy(&run->loop);
    close(p->signals);
}

/* Where messages come in: ingress' HTTP, notifier's stream. */
static int open_doors(struct process *p, sw_decide_fn *decide, char *error, size_t room) {
    struct sw_run *run = &p->run;
    if (decide) return sw__intake_create(run, decide, &p->intake, error, room);
    if (!run->conf.kafka[0] || strcmp(run->role, "notifier") != 0) return 0;
    return sw__stream_in_create(run, &p->stream, error, room);
}

static int serve(struct process *p, sw_decide_fn *decide) {
    struct sw_run *run = &p->run;
    p->signals = block_signals();
    run->loop = zloop_new();
    zloop_set_nonstop(run->loop, true);
    for (unsigned i = 0; i < SW_SHARDS; i++)
        sw__shard_init(run, &run->shard[i], i);
    char error[512];
    struct sw_redis_map map;
    if (sw_redis_map_parse(run->conf.redis, &map, error, sizeof(error)) < 0) abort(); /* checked */
    sw__ledgers_init(run, &map);
    int r = open_everything(p);
    if (r == 0) r = open_doors(p, decide, error, sizeof(error));
    if (r < 0) {
        fprintf(stderr, "slipway %s: %s\n", run->role, error);
        r = 78;
    }
    if (r == 0) {
        run->otlp =
            sw_otlp_create(run->loop, run->conf.otlp, run->role, run->nonce, sw__turn_end, run);
        if (run->actor) {
            run->effects = sw__effects_create(run);
            run->reporter = sw_reporter_create(run->loop, run->role, run->conf.sentry_dsn.current,
                                               run->conf.report_gap_ms, sw__turn_end, run);
            sw_metric_add(SW_M_STALE, sw_trace_open(run->conf.run_dir, run->role, run->nonce));
        }
        zmq_pollitem_t item = {NULL, p->signals, ZMQ_POLLIN, 0};
        zloop_poller(run->loop, &item, on_signal, p);
        zloop_timer(run->loop, HEART_MS, 0, on_heart, p);
        sw__ledgers_open(run, &map);
        sw_watchdog_start();
        while (!p->stop)
            zloop_start(run->loop); /* the watchdog's signal ends a poll, not the loop */
        sw_log(SW_LOG_INFO, "drained");
    }
    close_everything(p);
    sw_log_flush();
    return r;
}

static void usage(const char *role, FILE *out) {
    fprintf(out,
            "usage: slipway %s [--help]\n\nRuns the %s of Slipway until SIGTERM. Settings, from "
            "the environment:\n\n",
            role, role);
    sw_conf_help(out);
}

int sw_run(const char *role, const struct sw_actor *actor, sw_decide_fn *decide, int argc,
           char **argv) {
    char error[512];
    if (argc > 1) {
        bool help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
        usage(role, help ? stdout : stderr);
        return help ? 0 : 64;
    }
    struct process *p = sw_zalloc(sizeof(*p));
    p->run.role = role;
    p->run.actor = actor;
    /* Nonces and seeds from a generator in the process: a system call for each would be a tenth of the work. */
    randombytes_set_implementation(&randombytes_internal_implementation);
    if (sodium_init() < 0) return 70;
    harden();
    sw_crash_role(role);
    zsys_handler_set(NULL);
    if (sw_conf_load_role(&p->run.conf, role, error, sizeof(error)) < 0) {
        fprintf(stderr, "slipway %s: %s\n", role, error);
        free(p);
        return 78;
    }
    sw_log_init(role, p->run.conf.log);
    sw_log_buffer();
    int r = serve(p, decide);
    free(p);
    return r;
}
