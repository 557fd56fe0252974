/* A handler that does not come back ends its process, also where that is the first of its namespace, as in a pod: there the kernel
 * takes no signal that the process sends itself and has no handler for. */
#include "common/watchdog.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LEAST_S 10
#define MOST_S 15

static _Noreturn void hang(void) {
    const struct rlimit none = {0, 0};
    static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}; /* by cmocka */
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        signal(caught[i], SIG_DFL);
    sw_watchdog_start();
    for (;;) {
        sw_watchdog_begin(); /* one that comes back */
        sw_watchdog_end();
        sw_watchdog_begin();
        for (;;)
            pause();
    }
}

static time_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void ends_in_time(pid_t pid, time_t began_s) {
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_in_range(seconds() - began_s, LEAST_S - 1, MOST_S + 5);
}

static void a_handler_that_hangs_ends_its_process(void **state) {
    (void)state;
    time_t began_s = seconds();
    pid_t plain = fork();
    if (plain == 0) hang();
    assert_true(plain > 0);
    bool first = unshare(CLONE_NEWPID) == 0;
    pid_t init = first ? fork() : 0;
    if (first && init == 0) hang();
    ends_in_time(plain, began_s);
    if (first) ends_in_time(init, began_s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_handler_that_hangs_ends_its_process)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
