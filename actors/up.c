/* up.c -- `slipway up`: starts everything on one machine and keeps it running; see up_priv.h.
 *
 * Order: Redis until it answers, then the roles, all at once. At the end the roles first (they
 * drain what is under way), then Redis. One loop, woken by signals, by what children say on their
 * pipes, and by the time of the next start. */
#include "actors/cli.h"
#include "actors/up_priv.h"
#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define REDIS_LOOK_MS 4
#define REDIS_START_MS 120000 /* a long journal is replayed first */
#define REDIS_STOP_MS 15000
#define DRAIN_SPARE_MS 5000
#define SOCKET_AGE_S 2
#define LOCK_TRIES 60
#define LOCK_PAUSE_MS 50

const char *const sw__up_role[UP_ROLES] = {"ingress",   "parser",   "auth",     "executor",
                                           "responder", "notifier", "refresher"};

int64_t sw__up_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sw__up_say(const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(stderr, "slipway up: %s\n", line);
}

static void usage(FILE *out) {
    fputs(
        "usage: slipway up [--replicas N] [--replicas ROLE=N]\n\n"
        "Runs ingress, parser, auth, executor, responder, notifier and refresher as child\n"
        "processes, and a private redis-server unless SLIPWAY_REDIS names another. Starts again\n"
        "what dies; ends all of it on SIGTERM or Ctrl-C, and with status 78 when a setting is\n"
        "wrong. On SIGHUP it reads RUN_DIR/replicas (lines ROLE=N) and starts or ends children to\n"
        "match.\n\n"
        "Settings, from the environment:\n",
        out);
    sw_conf_help(out);
}

static int parse_arguments(struct up *up, int argc, char **argv) {
    sw__up_conf_replicas(up, "1");
    for (int i = 1; i < argc; i++) {
        const char *value = strncmp(argv[i], "--replicas=", 11) == 0 ? argv[i] + 11 : NULL;
        if (!value && strcmp(argv[i], "--replicas") == 0 && i + 1 < argc) value = argv[++i];
        if (!value || strcmp(value, "0") == 0 || sw__up_conf_replicas(up, value) < 0) {
            sw__up_say("%s is not understood; --replicas takes N or ROLE=N, up to %d",
                       value ? value : argv[i], UP_REPLICAS_MAX);
            return -EINVAL;
        }
    }
    return 0;
}

/* Two of them on one Redis directory would spoil it. The lock is inherited by Redis on purpose: it
 * is free once that has ended too. */
static int lock_data(const struct up *up) {
    SW_AUTO(sw_text) char *path = sw_printf("%s/lock", up->conf.data_dir);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0) return -errno;
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES) return -errno;
        poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return fd;
}

/* Redis has been filled, and the key of what rests in it is not here: whoever speaks under a new one is
 * unlinked, which nothing brings back. */
static bool lost_keys(const struct up *up) {
    SW_AUTO(sw_text) char *kept = sw_printf("%s/appendonlydir", up->conf.data_dir);
    SW_AUTO(sw_text) char *token = sw_printf("%s/token.key", up->conf.key_dir);
    const char *redis = getenv("SLIPWAY_REDIS");
    if (redis && redis[0]) return false;
    if (access(kept, F_OK) < 0 || access(token, F_OK) == 0) return false;
    sw__up_say(
        "there is no %s, and the tokens in SLIPWAY_DATA_DIR %s rest under it: bring it back; "
        "or `slipway keys init` makes a new one, and everybody links again",
        token, up->conf.data_dir);
    return true;
}

static int prepare_directories(const struct up *up) {
    char error[5000];
    const char *directory[] = {up->conf.run_dir, up->conf.data_dir, up->conf.key_dir};
    for (size_t i = 0; i < sizeof(directory) / sizeof(directory[0]); i++) {
        int r = sw__up_conf_mkdir(directory[i]);
        if (r < 0) {
            sw__up_say("%s cannot be made: %s", directory[i], strerror(-r));
            return r;
        }
    }
    if (lost_keys(up)) return -ENOKEY;
    int r = sw_keys_init(up->conf.key_dir, error, sizeof(error));
    if (r < 0) sw__up_say("SLIPWAY_KEY_DIR: %s", error);
    return r;
}

static int prepare(struct up *up, int *ret_lock_fd) {
    char error[512] = "";
    const char *redis = getenv("SLIPWAY_REDIS"), *base_url = getenv("SLIPWAY_BASE_URL");
    int r = sw__up_conf_defaults();
    if (r >= 0) r = sw_conf_load(&up->conf, error, sizeof(error));
    if (r < 0) {
        sw__up_say("%s", error[0] ? error : strerror(-r));
        return r;
    }
    sw__up_conf_doubt(&up->conf);
    if (!(redis && redis[0]) && !strcmp(up->conf.durability, "replicated")) {
        sw__up_say("SLIPWAY_DURABILITY replicated needs SLIPWAY_REDIS, one with replicas");
        return -EINVAL;
    }
    r = prepare_directories(up);
    if (r < 0) return r;
    const char *colon = strrchr(up->conf.http, ':');
    up->learn_http =
        colon && strcmp(colon, ":0") == 0 && !(base_url && base_url[0]) && up->child[0].wanted;
    if (redis && redis[0]) return 0;

    up->own_redis = true;
    snprintf(up->redis_socket, sizeof(up->redis_socket), "%s/redis.sock", up->conf.run_dir);
    if (strlen(up->redis_socket) > 107) {
        sw__up_say("%s is too long for a socket: 107 characters", up->redis_socket);
        return -ENAMETOOLONG;
    }
    *ret_lock_fd = lock_data(up);
    if (*ret_lock_fd < 0) {
        sw__up_say("%s/lock: %s", up->conf.data_dir,
                   *ret_lock_fd == -EWOULDBLOCK ? "another `slipway up` runs here"
                                                : strerror(-*ret_lock_fd));
        return *ret_lock_fd;
    }
    return setenv("SLIPWAY_REDIS", up->redis_socket, 1) < 0 ? -errno : 0;
}

static void publish(const struct up *up) {
    int r = sw__up_conf_write(up);
    if (r < 0) sw__up_say("%s/actors.json: %s", up->conf.run_dir, strerror(-r));
}

static void announce(struct up *up) {
    const char *http = "";
    for (size_t i = 0; i < up->children; i++) {
        const struct up_child *child = &up->child[i];
        if (child->wanted && !child->ready) return;
        if (!http[0]) http = child->http;
    }
    up->announced = true;
    printf("ready in %d ms  %s\n", (int)(sw__up_now_ms() - up->began_ms), http);
    fflush(stdout);
}

static void begin_stop(struct up *up) {
    if (up->phase < UP_STOPPING) {
        up->phase = UP_STOPPING;
        up->deadline_ms = sw__up_now_ms() + up->conf.drain_ms + DRAIN_SPARE_MS;
        sw__up_child_signal(up, SIGTERM);
    } else if (up->phase == UP_STOPPING) {
        sw__up_child_signal(up, SIGKILL); /* asked twice: somebody does not want to wait */
    }
}

static void rescale(struct up *up) {
    int r = sw__up_conf_replicas_file(up);
    if (r < 0) sw__up_say("%s/replicas: %s", up->conf.run_dir, strerror(-r));
    for (size_t i = 0; i < up->children; i++) {
        struct up_child *child = &up->child[i];
        if (!child->wanted && child->pid > 0) kill(child->pid, SIGTERM);
    }
}

static void take_signals(struct up *up, int signals) {
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            rescale(up);
        } else if (info.ssi_signo != SIGCHLD) {
            begin_stop(up);
        }
    }
    if (!sw__up_child_reap(up)) return;
    sw__up_conf_clean(up, SOCKET_AGE_S);
    publish(up);
}

/* What follows from the state: the next phase, and how long nothing will happen (-1: for ever). */
static int64_t advance(struct up *up) {
    int64_t now_ms = sw__up_now_ms();
    bool late = up->deadline_ms && now_ms >= up->deadline_ms;
    switch (up->phase) {
    case UP_REDIS:
        if (!up->own_redis || sw__up_redis_answers(up)) {
            up->phase = UP_RUNNING;
            up->deadline_ms = 0;
            return sw__up_child_start_due(up);
        }
        if (late || !up->redis.pid) {
            sw__up_say("redis-server did not start; %s/redis.log may say why", up->conf.data_dir);
            up->failed = SW_EXIT_AWAY;
            begin_stop(up);
            return 0;
        }
        return now_ms + REDIS_LOOK_MS;
    case UP_RUNNING:
        if (!up->failed) return sw__up_child_start_due(up);
        begin_stop(up);
        return 0;
    case UP_STOPPING:
        if (sw__up_child_running(up)) {
            if (late) sw__up_child_signal(up, SIGKILL);
            return late ? -1 : up->deadline_ms;
        }
        up->phase = UP_REDIS_STOPPING;
        up->deadline_ms = now_ms + REDIS_STOP_MS;
        if (up->redis.pid) kill(up->redis.pid, SIGTERM);
        return 0;
    case UP_REDIS_STOPPING:
        if (!up->redis.pid) {
            up->phase = UP_GONE;
        } else if (late) {
            kill(up->redis.pid, SIGKILL);
        }
        return late ? -1 : up->deadline_ms;
    case UP_GONE:
        break;
    }
    return 0;
}

static void wait_for_news(struct up *up, int signals, int64_t next_ms) {
    struct pollfd fds[1 + UP_CHILDREN] = {{.fd = signals, .events = POLLIN}};
    struct up_child *reader[1 + UP_CHILDREN];
    nfds_t n = 1;
    for (size_t i = 0; i < up->children; i++) {
        if (up->child[i].ready_fd < 0) continue;
        reader[n] = &up->child[i];
        fds[n++] = (struct pollfd){.fd = up->child[i].ready_fd, .events = POLLIN};
    }
    int64_t wait_ms = next_ms < 0 ? -1 : next_ms - sw__up_now_ms();
    if (next_ms >= 0 && wait_ms < 0) wait_ms = 0;
    if (poll(fds, n, (int)wait_ms) <= 0) return;
    bool changed = false;
    for (nfds_t i = 1; i < n; i++) {
        if (fds[i].revents) changed |= sw__up_child_read(up, reader[i]);
    }
    if (changed) publish(up);
    if (changed && !up->announced && up->phase == UP_RUNNING) announce(up);
    if (fds[0].revents) take_signals(up, signals);
}

/* Returns the status to end with. */
static int run(struct up *up) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) return 1;

    int r = up->own_redis ? sw__up_redis_start(up) : 0;
    up->deadline_ms = sw__up_now_ms() + REDIS_START_MS;
    if (r >= 0) publish(up);
    while (r >= 0 && up->phase != UP_GONE) {
        int64_t next_ms = advance(up);
        if (up->phase != UP_GONE) wait_for_news(up, signals, next_ms);
    }
    close(signals);
    sw__up_conf_clean(up, 0);
    publish(up);
    return r < 0 ? SW_EXIT_FAILED : up->failed;
}

int sw_cli_up(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return sw_cli_written("up");
        }
    }
    static struct up up; /* large, and there is one */
    up.began_ms = sw__up_now_ms();
    up.redis =
        (struct up_child){.role = "redis-server", .number = 1, .wanted = true, .ready_fd = -1};
    int lock_fd = -1;
    ssize_t n = readlink("/proc/self/exe", up.program, sizeof(up.program) - 1);
    if (n < 0) up.program[0] = '\0';
    if (parse_arguments(&up, argc, argv) < 0) return SW_EXIT_USAGE;
    int r = prepare(&up, &lock_fd);
    int status = r == 0              ? run(&up)
                 : r == -EWOULDBLOCK ? SW_EXIT_FAILED /* another one runs here */
                                     : SW_EXIT_SETTING;
    if (lock_fd >= 0) close(lock_fd);
    sw_conf_finish(&up.conf);
    return status;
}
