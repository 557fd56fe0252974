/* keys_world.h -- a key directory of the test's own.
 *
 * shapes   a file of each kind for each of `roles`; see common/seal.h
 * units    none
 * errors   -1
 * owner    keys_dir_make, keys_dir_remove
 * source   common/seal.h sw_keys_make
 * limits   a file of KEYS_TEXT_BYTES
 */
#ifndef SW_TESTS_KEYS_WORLD_H
#define SW_TESTS_KEYS_WORLD_H

#include "common/seal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS_TEXT_BYTES 1024
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

/* The path of one of its files; valid until the next. */
static inline char *keys_path(const char *dir, const char *name) {
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* The whole file, in place of what was there; -1. */
static inline int keys_write(const char *dir, const char *name, const char *text) {
    FILE *f = fopen(keys_path(dir, name), "w");
    if (!f) return -1;
    int r = fputs(text, f) < 0 ? -1 : 0;
    return fclose(f) == 0 ? r : -1;
}

/* The whole file; -1. */
static inline int keys_read(const char *dir, const char *name, char ret[KEYS_TEXT_BYTES]) {
    FILE *f = fopen(keys_path(dir, name), "r");
    if (!f) return -1;
    ret[fread(ret, 1, KEYS_TEXT_BYTES - 1, f)] = 0;
    return fclose(f);
}

#endif
