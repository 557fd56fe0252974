/* cli_run.h -- a command of the binary as a shell sees it.
 *
 * shapes   what it wrote to each stream, and the status
 * units    none
 * errors   fail the test; status -1: it ended by a signal
 * owner    nothing is left behind
 * source   none
 * limits   what does not fit is cut
 */
#ifndef SW_TESTS_CLI_RUN_H
#define SW_TESTS_CLI_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct shown {
    int status;
    char out[32768], err[4096];
};

struct cli_started {
    pid_t pid;
    FILE *out, *err;
};

/* argv ends with NULL. */
static inline struct cli_started cli_start(int (*cli)(int argc, char **argv), char **argv) {
    struct cli_started started = {.out = tmpfile(), .err = tmpfile()};
    int argc = 0;
    while (argv[argc])
        argc++;
    assert_true(started.out && started.err);
    (void)fflush(NULL);
    started.pid = fork();
    assert_true(started.pid >= 0);
    if (started.pid == 0) {
        if (dup2(fileno(started.out), 1) < 0 || dup2(fileno(started.err), 2) < 0) _exit(99);
        int status = cli(argc, argv);
        (void)fflush(NULL);
        _exit(status);
    }
    return started;
}

static inline void cli_read_back(FILE *file, char *into, size_t room) {
    rewind(file);
    into[fread(into, 1, room - 1, file)] = '\0';
    (void)fclose(file);
}

static inline struct shown cli_end(struct cli_started started) {
    struct shown shown;
    int status;
    assert_int_equal(waitpid(started.pid, &status, 0), started.pid);
    shown.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    cli_read_back(started.out, shown.out, sizeof(shown.out));
    cli_read_back(started.err, shown.err, sizeof(shown.err));
    return shown;
}

static inline struct shown run_cli(int (*cli)(int argc, char **argv), char **argv) {
    return cli_end(cli_start(cli, argv));
}

#endif
