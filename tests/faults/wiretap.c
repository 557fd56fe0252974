/* wiretap.c -- LD_PRELOAD: writes down each byte that a process sends on an AF_UNIX socket (ZeroMQ's ipc, Redis).
 *
 * shapes   $SW_WIRETAP.<pid>.<fd>, so that what was sent in several pieces stands in one
 * units    none
 * errors   none are told: without the variable, or where a file cannot be opened, nothing is written down
 * owner    the files stay open until the process ends
 * source   ld.so(8), "LD_PRELOAD"
 * limits   descriptors below 4096; tests only
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096

static int tap[FDS]; /* 0: not opened yet, else a descriptor and one more */

/* The symbol of the C library, found once. */
#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static int is_unix(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && address.ss_family == AF_UNIX;
}

static int tap_of(int fd) {
    const char *prefix = getenv("SW_WIRETAP");
    char path[4096];
    if (!prefix || fd < 0 || fd >= FDS || !is_unix(fd)) return -1;
    if (tap[fd] == 0) {
        snprintf(path, sizeof(path), "%s.%d.%d", prefix, (int)getpid(), fd);
        tap[fd] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) + 1;
    }
    return tap[fd] - 1;
}

static void note(int fd, const struct iovec *part, size_t parts, ssize_t sent) {
    int saved = errno, file = sent > 0 ? tap_of(fd) : -1;
    size_t left = (size_t)sent;
    REAL(write);
    for (size_t i = 0; file >= 0 && i < parts && left > 0; i++) {
        size_t n = part[i].iov_len < left ? part[i].iov_len : left;
        if (real(file, part[i].iov_base, n) < 0) break;
        left -= n;
    }
    errno = saved;
}

static void note_one(int fd, const void *data, ssize_t sent) {
    struct iovec part = {(void *)(size_t)data, sent > 0 ? (size_t)sent : 0};
    note(fd, &part, 1, sent);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    ssize_t sent = real(fd, data, size);
    note_one(fd, data, sent);
    return sent;
}

ssize_t writev(int fd, const struct iovec *part, int parts) {
    REAL(writev);
    ssize_t sent = real(fd, part, parts);
    note(fd, part, parts > 0 ? (size_t)parts : 0, sent);
    return sent;
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(send);
    ssize_t sent = real(fd, data, size, flags);
    note_one(fd, data, sent);
    return sent;
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, __CONST_SOCKADDR_ARG to,
               socklen_t to_size) {
    REAL(sendto);
    ssize_t sent = real(fd, data, size, flags, to, to_size);
    note_one(fd, data, sent);
    return sent;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    ssize_t sent = real(fd, message, flags);
    note(fd, message->msg_iov, message->msg_iovlen, sent);
    return sent;
}
