/* fuzz_msg.c -- whatever comes off the wire is refused, or packs again to what means the same.
 *
 * As a test it replays the corpus, and then changed copies of it for a while. To search for more:
 *   clang -D_GNU_SOURCE -DSW_LIBFUZZER -fsanitize=fuzzer,address,undefined -g -I. \
 *     tests/fuzz/fuzz_msg.c proto/msg.c proto/value.c -lmsgpackc -ljansson -o fuzz_msg
 *   ./fuzz_msg -max_len=65537 tests/fuzz/corpus/msg */
#include "proto/msg.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_msg: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sw_msg *m = NULL, *again = NULL;
    char *packed;
    size_t packed_size;
    if (sw_msg_unpack((const char *)data, size, &m) < 0) {
        check(!m, "a refused envelope was returned");
        return 0;
    }
    /* Longer only where a 32 bit real becomes one of 64 bits. */
    int r = sw_msg_pack(m, &packed, &packed_size);
    if (r < 0) {
        check(size > SW_MSG_MAX_BYTES / 2, "an accepted envelope does not pack");
    } else {
        check(sw_msg_unpack(packed, packed_size, &again) == 0, "what was packed is refused");
        check(strcmp(m->kind, again->kind) == 0 && strcmp(m->cmd, again->cmd) == 0 &&
                  strcmp(m->inst, again->inst) == 0 && m->born_ms == again->born_ms &&
                  json_equal(m->body, again->body) && json_equal(m->boxes, again->boxes),
              "what was packed means something else");
        free(packed);
    }
    sw_msg_destroy(again);
    sw_msg_destroy(m);
    return 0;
}

#ifndef SW_LIBFUZZER

#define INPUT_MAX 65537
#define INPUTS_MAX 512
#define CHANGED 20000

static struct input {
    uint8_t *data;
    size_t size;
} inputs[INPUTS_MAX];
static size_t count;

static void read_corpus(const char *dir) {
    DIR *d = opendir(dir);
    if (!d) {
        perror(dir);
        exit(1);
    }
    for (struct dirent *e; (e = readdir(d)) && count < INPUTS_MAX;) {
        char path[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        FILE *f = fopen(path, "rb");
        check(f != NULL, path);
        inputs[count].data = malloc(INPUT_MAX);
        check(inputs[count].data != NULL, "out of memory");
        inputs[count].size = fread(inputs[count].data, 1, INPUT_MAX, f);
        count++;
        fclose(f);
    }
    closedir(d);
}

/* A copy of exactly its size, so that the sanitizer sees a read beyond it. */
static void run(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    check(exact != NULL, "out of memory");
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void run_changed(unsigned *seed) {
    static uint8_t data[2 * INPUT_MAX];
    const struct input *a = &inputs[(size_t)rand_r(seed) % count];
    const struct input *b = &inputs[(size_t)rand_r(seed) % count];
    size_t size = a->size;
    memcpy(data, a->data, size);
    for (int n = 1 + rand_r(seed) % 4; n > 0 && size; n--) {
        size_t at = (size_t)rand_r(seed) % size;
        switch (rand_r(seed) % 4) {
        case 0:
            data[at] = (uint8_t)rand_r(seed);
            break;
        case 1:
            data[at] ^= (uint8_t)(1 << rand_r(seed) % 8);
            break;
        case 2:
            size = at;
            break;
        default: /* the end of another one */
            if (b->size) {
                size_t from = (size_t)rand_r(seed) % b->size;
                memcpy(data + at, b->data + from, b->size - from);
                size = at + b->size - from;
            }
        }
        if (size > INPUT_MAX) size = INPUT_MAX;
    }
    run(data, size);
}

int main(int argc, char **argv) {
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : (unsigned)time(NULL);
    if (argc < 2) {
        fputs("usage: fuzz_msg CORPUS [SEED]\n", stderr);
        return 2;
    }
    read_corpus(argv[1]);
    check(count > 0, "the corpus is empty");
    printf("%zu inputs, then %d changed ones, seed %u\n", count, CHANGED, seed);
    fflush(stdout);
    for (size_t i = 0; i < count; i++) {
        run(inputs[i].data, inputs[i].size);
    }
    for (int i = 0; i < CHANGED; i++) {
        run_changed(&seed);
    }
    for (size_t i = 0; i < count; i++) {
        free(inputs[i].data);
    }
    return 0;
}

#endif
