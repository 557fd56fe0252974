/* up_priv.h -- `slipway up`: every role of one machine as a child process, and a Redis of its own.
 *
 * shapes   child  one process: a role with a number, or Redis
 *          ready  what a role says on SLIPWAY_READY_FD: lines "admin URL" and, ingress, "http URL";
 *                 then it closes it
 *          files  <run_dir>/actors.json, rewritten when a child becomes ready or ends:
 *                 {"ingress", "redis"?: {"pid", "socket"}, "actors": [{"role", "pid", "admin", "http"?}]};
 *                 <run_dir>/replicas, lines role=N, read on SIGHUP
 * units    *_ms on the monotonic clock
 * errors   negative errno; up.c says what failed; a role that ends with 78 (EX_CONFIG)
 *          before all are ready ends all of it, with 78
 * owner    the one thread of `slipway up`; nothing survives it: children have PR_SET_PDEATHSIG
 * source   signalfd(2), prctl(2); OTP supervisor, one_for_one
 * limits   16 replicas of a role; restarts after 200 ms, growing to 5 s while a child does not
 *          become ready
 */
#ifndef SW_UP_PRIV_H
#define SW_UP_PRIV_H

#include "common/conf.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define UP_EX_CONFIG 78 /* of sysexits.h: a role cannot run with its settings */
#define UP_ROLES 7
#define UP_REPLICAS_MAX 16
#define UP_CHILDREN (UP_ROLES * UP_REPLICAS_MAX)

extern const char *const sw__up_role[UP_ROLES]; /* ingress is the first */

struct up_child {
    const char *role;
    unsigned number; /* from 1, within the role */
    bool wanted;     /* started again when it ends */
    bool ready;
    pid_t pid;    /* 0: not running */
    int ready_fd; /* -1: closed */
    int64_t spawned_ms, ready_ms;
    int64_t due_ms;   /* when it is started next */
    int64_t delay_ms; /* the pause before that */
    char admin[128], http[128];
    char line[160]; /* of ready_fd, not yet whole */
    size_t line_bytes;
};

enum up_phase { UP_REDIS, UP_RUNNING, UP_STOPPING, UP_REDIS_STOPPING, UP_GONE };

struct up {
    struct sw_conf conf;
    enum up_phase phase;
    int64_t began_ms, deadline_ms; /* deadline: of the phase, 0 none */
    bool announced;
    int failed; /* the status to end with, 0 none */
    bool own_redis,
        learn_http; /* learn_http: ingress chooses its port, the others wait to hear it */
    char program[4096], redis_socket[4096];
    struct up_child redis;
    struct up_child child[UP_CHILDREN];
    size_t children;
};

int64_t sw__up_now_ms(void);
void sw__up_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* up_child.c */
struct up_child *sw__up_child_add(struct up *up, const char *role, unsigned number);
/* Starts what is due; -1 or the time of the next start. */
int64_t sw__up_child_start_due(struct up *up);
/* argv ends with NULL; `ready_fd` may be NULL. Returns the pid or -errno. */
pid_t sw__up_child_spawn(const struct up *up, const struct up_child *child, char *const argv[],
                         int *ret_ready_fd);
/* Reads what a role says; true when something changed that others see. */
bool sw__up_child_read(struct up *up, struct up_child *child);
/* Takes note of every child that ended; true when something changed. */
bool sw__up_child_reap(struct up *up);
void sw__up_child_signal(struct up *up, int signal);
size_t sw__up_child_running(const struct up *up);

/* up_redis.c */
int sw__up_redis_start(struct up *up);
bool sw__up_redis_answers(const struct up *up);

/* up_conf.c */
/* Settings that nobody gave: directories that this user may write. */
int sw__up_conf_defaults(void);
/* Says which settings are missing for all to work, and what does not work then. */
void sw__up_conf_doubt(const struct sw_conf *conf);
/* "3" or "executor=3"; -EINVAL. */
int sw__up_conf_replicas(struct up *up, const char *text);
int sw__up_conf_replicas_file(struct up *up);
int sw__up_conf_write(const struct up *up);
int sw__up_conf_mkdir(const char *path);
/* Removes the sockets in RUN_DIR that killed children left, those of that age. */
void sw__up_conf_clean(const struct up *up, int64_t least_age_s);

#endif
