/* key_file.c -- reads key files; see key_file.h and seal_priv.h. */
#include "common/key_file.h"

#include "common/seal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEX (2 * SW__KEY_BYTES)
#define FILE_MAX 1024

const char *const sw_standing_names[] = {"current", "added", "former"};
const char *const sw_ring_names[] = {"ingress",
                                     "parser",
                                     "auth",
                                     "executor",
                                     "responder",
                                     "refresher",
                                     "notifier",
                                     "token",
                                     "state",
                                     SW__CURVE "ingress",
                                     SW__CURVE "parser",
                                     SW__CURVE "auth",
                                     SW__CURVE "executor",
                                     SW__CURVE "responder",
                                     SW__CURVE "refresher",
                                     SW__CURVE "notifier",
                                     NULL};

bool sw_ring_is_name(const char *name) {
    for (const char *const *n = sw_ring_names; *n; n++) {
        if (!strcmp(*n, name)) return true;
    }
    return false;
}

int sw__key_file_path(char path[4096], const char *dir, const char *name, const char *ending) {
    int n = snprintf(path, 4096, "%s/%s.%s", dir, name, ending);
    return n < 0 || n >= 4096 ? -ENAMETOOLONG : 0;
}

/* What stands behind the key: nothing, or standing and time. */
static bool parse_marks(char *text, struct sw_ring_key *about) {
    struct tm at = {0};
    if (!text[0]) return true;
    char *time = strchr(text + 1, ' ');
    if (text[0] != ' ' || !time) return false;
    *time++ = 0;
    const char *end = strptime(time, "%Y-%m-%dT%H:%M:%SZ", &at);
    if (!end || *end) return false;
    about->since_ms = timegm(&at) * 1000LL;
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text + 1, sw_standing_names[i]) != 0) continue;
        about->standing = i;
        return true;
    }
    return false;
}

static bool parse_line(char *line, struct sw__key_file *file, int64_t written_ms) {
    size_t bytes = 0, i = file->count;
    struct sw_ring_key *about = &file->about[i];
    about->standing = SW_KEY_FORMER;
    about->since_ms = written_ms;
    if (strspn(line, "0123456789abcdefABCDEF") != HEX || !parse_marks(line + HEX, about))
        return false;
    if (i == 0) about->standing = SW_KEY_CURRENT;
    file->count++;
    return sodium_hex2bin(file->key[i], SW__KEY_BYTES, line, HEX, NULL, &bytes, NULL) == 0;
}

static int parse(char *text, struct sw__key_file *file, int64_t written_ms, const char *path,
                 char *error, size_t room) {
    unsigned number = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        size_t size = strlen(line);
        number++;
        while (size && strchr("\r ", line[size - 1]))
            line[--size] = 0;
        if (!size) continue;
        if (file->count == SW_RING_MAX) {
            snprintf(error, room, "%s: holds more than %d keys", path, SW_RING_MAX);
            return -EINVAL;
        }
        if (parse_line(line, file, written_ms)) continue;
        snprintf(error, room, "%s: line %u: not a key of %d hex digits", path, number, HEX);
        return -EINVAL;
    }
    if (file->count) return 0;
    snprintf(error, room, "%s: not a key of %d hex digits: it is empty", path, HEX);
    return -EINVAL;
}

static int read_all(const char *path, char text[FILE_MAX + 1], int64_t *ret_written_ms) {
    struct stat st;
    size_t size = 0;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int r = fstat(fd, &st) < 0 ? -errno : 0;
    while (r == 0 && size <= FILE_MAX && (n = read(fd, text + size, FILE_MAX + 1 - size)) != 0) {
        if (n < 0 && errno != EINTR) r = -errno;
        if (n > 0) size += (size_t)n;
    }
    close(fd);
    if (r < 0) return r;
    if (size > FILE_MAX || memchr(text, 0, size)) return -EINVAL;
    text[size] = 0;
    *ret_written_ms = st.st_mtim.tv_sec * 1000LL;
    return 0;
}

void sw__key_id(const uint8_t key[SW__KEY_BYTES], bool pair, char ret[SW_KEY_ID_CHARS + 1]) {
    uint8_t pub[SW__KEY_BYTES], hash[32];
    if (pair) crypto_scalarmult_base(pub, key);
    sw_sha256(pair ? pub : key, SW__KEY_BYTES, hash);
    sw_hex(hash, SW_KEY_ID_CHARS / 2, ret);
    sodium_memzero(hash, sizeof(hash));
}

int sw__key_file_read(const char *dir, const char *name, const char *ending,
                      struct sw__key_file *ret, char *error, size_t room) {
    char path[4096], text[FILE_MAX + 1];
    int64_t written_ms = 0;
    memset(ret, 0, sizeof(*ret));
    snprintf(path, sizeof(path), "%s", dir);
    int r = sw__key_file_path(path, dir, name, ending);
    if (r == 0) r = read_all(path, text, &written_ms);
    if (r == -EINVAL) {
        snprintf(error, room, "%s: not a key of %d hex digits", path, HEX);
    } else if (r < 0) {
        snprintf(error, room, "%s: %s", path, strerror(-r));
    } else {
        r = parse(text, ret, written_ms, path, error, room);
    }
    sodium_memzero(text, sizeof(text));
    bool pair = !strcmp(ending, "key") && sw__is_pair(name);
    for (unsigned i = 0; r == 0 && i < ret->count; i++)
        sw__key_id(ret->key[i], pair, ret->about[i].id);
    for (unsigned i = 1; r == 0 && i < ret->count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(ret->about[i].id, ret->about[j].id) != 0) continue;
            snprintf(error, room, "%s: holds key %s twice", path, ret->about[i].id);
            r = -EINVAL;
        }
    }
    if (r < 0) sodium_memzero(ret, sizeof(*ret));
    return r;
}

void sw__key_file_public(const struct sw__key_file *secret, struct sw__key_file *ret) {
    *ret = *secret;
    sodium_memzero(ret->key, sizeof(ret->key));
    for (unsigned i = 0; i < secret->count; i++)
        crypto_scalarmult_base(ret->key[i], secret->key[i]);
}
