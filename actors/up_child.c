/* up_child.c -- processes: starting, hearing that they are ready, starting again; see up_priv.h.
 *
 * A child that had become ready and lived for a second starts again after 200 ms. One that keeps
 * dying before that waits twice as long each time, so that a wrong setting costs no processor. */
#include "actors/up_priv.h"
#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DELAY_MIN_MS 200
#define DELAY_MAX_MS 5000
#define LIVED_MS 1000

struct up_child *sw__up_child_add(struct up *up, const char *role, unsigned number) {
    struct up_child *child = &up->child[up->children++];
    *child = (struct up_child){.role = role, .number = number, .wanted = true, .ready_fd = -1};
    return child;
}

/* In the child, between fork and exec. */
static void become(const struct up *up, const struct up_child *child, char *const argv[],
                   pid_t parent, int ready_fd) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Not in the terminal's foreground group: Ctrl-C is for `up`, which knows the right order. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1); /* it died before the line above */
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, STDIN_FILENO);
    if (ready_fd < 0) {
        execvp(argv[0], argv);
        fprintf(stderr, "slipway up: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    char number[16];
    snprintf(number, sizeof(number), "%d", ready_fd);
    setenv("SLIPWAY_READY_FD", number, 1);
    if (child->number > 1 && strcmp(child->role, sw__up_role[0]) == 0) {
        setenv("SLIPWAY_HTTP", "127.0.0.1:0", 1); /* the first has the configured port */
    }
    fcntl(ready_fd, F_SETFD, 0);
    execv(up->program, argv);
    execv("/proc/self/exe", argv); /* the file is being replaced: the one we run still exists */
    fprintf(stderr, "slipway up: %s: %s\n", up->program, strerror(errno));
    _exit(127);
}

pid_t sw__up_child_spawn(const struct up *up, const struct up_child *child, char *const argv[],
                         int *ret_ready_fd) {
    int ends[2] = {-1, -1};
    if (ret_ready_fd && pipe2(ends, O_CLOEXEC) < 0) return -errno;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) become(up, child, argv, parent, ends[1]);
    int r = pid < 0 ? -errno : 0;
    if (ends[1] >= 0) close(ends[1]);
    if (r < 0) {
        if (ends[0] >= 0) close(ends[0]);
        return r;
    }
    if (ret_ready_fd) {
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        *ret_ready_fd = ends[0];
    }
    return pid;
}

static void start(struct up *up, struct up_child *child) {
    char *argv[] = {"slipway", (char *)child->role, NULL};
    int ready_fd = -1;
    child->spawned_ms = sw__up_now_ms();
    pid_t pid = sw__up_child_spawn(up, child, argv, &ready_fd);
    if (pid < 0) {
        sw__up_say("%s %u cannot be started: %s", child->role, child->number, strerror((int)-pid));
        child->due_ms = child->spawned_ms + DELAY_MAX_MS;
        return;
    }
    child->pid = pid;
    child->ready_fd = ready_fd;
    child->ready = false;
    child->line_bytes = 0;
    child->admin[0] = child->http[0] = '\0';
}

int64_t sw__up_child_start_due(struct up *up) {
    int64_t now_ms = sw__up_now_ms(), next_ms = -1;
    if (up->own_redis && up->redis.pid == 0) {
        if (up->redis.due_ms <= now_ms && sw__up_redis_start(up) < 0) {
            up->redis.due_ms = now_ms + DELAY_MAX_MS;
        }
        if (up->redis.pid == 0) next_ms = up->redis.due_ms;
    }
    for (size_t i = 0; i < up->children; i++) {
        struct up_child *child = &up->child[i];
        if (child->pid || !child->wanted) continue;
        if (up->learn_http && strcmp(child->role, sw__up_role[0]) != 0) continue;
        if (child->due_ms <= now_ms) start(up, child);
        if (!child->pid && (next_ms < 0 || child->due_ms < next_ms)) next_ms = child->due_ms;
    }
    return next_ms;
}

static void take_line(struct up_child *child, const char *line) {
    if (strncmp(line, "admin ", 6) == 0) {
        snprintf(child->admin, sizeof(child->admin), "%s", line + 6);
    } else if (strncmp(line, "http ", 5) == 0) {
        snprintf(child->http, sizeof(child->http), "%s", line + 5);
    }
}

/* What ingress chose is kept: after a restart it has the same address, and all know it. */
static void learn_http(struct up *up, const struct up_child *ingress) {
    const char *address = strstr(ingress->http, "://");
    if (!address) return;
    setenv("SLIPWAY_HTTP", address + 3, 1);
    setenv("SLIPWAY_BASE_URL", ingress->http, 1);
    up->learn_http = false;
}

bool sw__up_child_read(struct up *up, struct up_child *child) {
    char *end;
    ssize_t n = read(child->ready_fd, child->line + child->line_bytes,
                     sizeof(child->line) - 1 - child->line_bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n > 0) {
        child->line_bytes += (size_t)n;
        child->line[child->line_bytes] = '\0';
        while ((end = strchr(child->line, '\n'))) {
            *end = '\0';
            take_line(child, child->line);
            child->line_bytes -= (size_t)(end + 1 - child->line);
            memmove(child->line, end + 1, child->line_bytes + 1);
        }
        if (child->line_bytes < sizeof(child->line) - 1) return false;
    }
    close(child->ready_fd);
    child->ready_fd = -1;
    child->ready = child->admin[0] != '\0';
    child->ready_ms = sw__up_now_ms();
    /* The first one's address is everybody's: the others get another port at each start. */
    if (child->ready && up->learn_http && child->http[0] && child->number == 1)
        learn_http(up, child);
    return child->ready;
}

static void say_end(const struct up *up, const struct up_child *child, int status) {
    if (WIFSIGNALED(status)) {
        sw__up_say("%s %u was killed by signal %d, starts again in %d ms", child->role,
                   child->number, WTERMSIG(status), (int)child->delay_ms);
    } else if (up->failed && WEXITSTATUS(status) == UP_EX_CONFIG) {
        sw__up_say("%s %u ended with status %d: a setting is wrong, it is not started again",
                   child->role, child->number, WEXITSTATUS(status));
    } else {
        sw__up_say("%s %u ended with status %d, starts again in %d ms", child->role, child->number,
                   WEXITSTATUS(status), (int)child->delay_ms);
    }
}

static void note_end(struct up *up, struct up_child *child, int status) {
    int64_t now_ms = sw__up_now_ms();
    /* It may have said that it is ready and died before that was read; then it was not for long. */
    bool lived = child->ready && now_ms - child->ready_ms >= LIVED_MS;
    child->pid = 0;
    child->ready = false;
    if (child->ready_fd >= 0) close(child->ready_fd);
    child->ready_fd = -1;
    child->delay_ms = lived || !child->delay_ms ? DELAY_MIN_MS : child->delay_ms * 2;
    if (child->delay_ms > DELAY_MAX_MS) child->delay_ms = DELAY_MAX_MS;
    child->due_ms = now_ms + child->delay_ms;
    if (!child->wanted || up->phase > UP_RUNNING) return;
    /* Another start would find the same settings. Once all were ready they were right: then it is
     * a file or Redis, which somebody may put right while the others serve. */
    if (child != &up->redis && !up->announced && WIFEXITED(status) &&
        WEXITSTATUS(status) == UP_EX_CONFIG)
        up->failed = UP_EX_CONFIG;
    say_end(up, child, status);
}

bool sw__up_child_reap(struct up *up) {
    bool changed = false;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == up->redis.pid) {
            note_end(up, &up->redis, status);
            changed = true;
        }
        for (size_t i = 0; i < up->children; i++) {
            if (up->child[i].pid != pid) continue;
            note_end(up, &up->child[i], status);
            changed = true;
        }
    }
    return changed;
}

void sw__up_child_signal(struct up *up, int signal) {
    for (size_t i = 0; i < up->children; i++) {
        if (up->child[i].pid > 0) kill(up->child[i].pid, signal);
    }
}

size_t sw__up_child_running(const struct up *up) {
    size_t n = 0;
    for (size_t i = 0; i < up->children; i++) {
        n += up->child[i].pid > 0;
    }
    return n;
}
