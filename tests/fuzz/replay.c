/* replay.c -- runs a fuzz target over files of its corpus, where libFuzzer is not at hand.
 *
 * usage: fuzz_X FILE_OR_DIRECTORY... */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes in a block of their own size, so that reading past the end is seen by the sanitizers. */
static int replay_file(const char *path) {
    static uint8_t buffer[INPUT_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    size_t size;

    if (!file) {
        perror(path);
        exit(2);
    }
    size = fread(buffer, 1, sizeof buffer, file);
    (void)fclose(file);
    data = malloc(size > 0 ? size : 1);
    if (!data) {
        abort();
    }
    memcpy(data, buffer, size);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay(const char *path) {
    DIR *directory = opendir(path);
    int files = 0;

    if (!directory) {
        return replay_file(path);
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        char inner[4096];

        if (entry->d_name[0] != '.') {
            (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            files += replay_file(inner);
        }
    }
    (void)closedir(directory);
    return files;
}

int main(int argc, char **argv) {
    int files = 0;

    for (int i = 1; i < argc; i++) {
        files += replay(argv[i]);
    }
    (void)printf("%d inputs\n", files);
    return files == 0; /* an empty corpus tests nothing */
}
