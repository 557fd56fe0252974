/* crash.c -- see crash.h. */
#include "common/crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if SW_CRASH_POINTS

static const char *crash_role = "";

void sw_crash_role(const char *role) {
    crash_role = role;
}

void sw_crash_point(const char *point) {
    static unsigned seen;
    const char *trace = getenv("SLIPWAY_CRASH_TRACE");
    if (trace) {
        /* Short lines in append mode: several processes share the file. */
        FILE *out = fopen(trace, "ae");
        if (out) {
            fprintf(out, "%s %s\n", crash_role, point);
            fclose(out);
        }
    }
    char role[32], want[64];
    unsigned n;
    const char *path = getenv("SLIPWAY_CRASH_FILE");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file) return;
    int fields = fscanf(file, "%31s %63s %u", role, want, &n);
    fclose(file);
    if (fields != 3 || strcmp(role, crash_role) != 0 || strcmp(want, point) != 0) return;
    /* Whoever removes the file dies: of several replicas exactly one. */
    if (++seen >= n && unlink(path) == 0) kill(getpid(), SIGKILL);
}
#else
typedef int sw_crash_points_are_off; /* a file may not be empty */
#endif
