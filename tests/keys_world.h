/* keys_world.h -- a key directory of the test's own.
 *
 * shapes   a file of each kind for each of `roles`; see common/seal.h
 * units    none
 * errors   keys_dir_make: -1
 * owner    keys_dir_make, keys_dir_remove
 * source   common/seal.h sw_keys_make
 * limits   none
 */
#ifndef SW_TESTS_KEYS_WORLD_H
#define SW_TESTS_KEYS_WORLD_H

#include "common/seal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROLES 7
static const char *const roles[ROLES] = {"ingress",   "parser",    "auth",    "executor",
                                         "responder", "refresher", "notifier"};

static inline int keys_dir_make(char ret_path[64]) {
    snprintf(ret_path, 64, "/tmp/slipway-keys-XXXXXX");
    return mkdtemp(ret_path) && sw_keys_make(ret_path) == 0 ? 0 : -1;
}

/* With its files; nothing where there is none. */
static inline void keys_dir_remove(const char *path) {
    DIR *d = opendir(path);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        char file[512];
        snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        unlink(file);
    }
    closedir(d);
    rmdir(path);
}

#endif
