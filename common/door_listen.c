/* door_listen.c -- the listening socket of a door; see door_priv.h. */
#include "common/door_priv.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOST_MAX 255

/* "host:port" or "[v6]:port"; an empty host is every address. */
static int split(const char *address, char host[HOST_MAX + 1], const char **ret_port) {
    const char *colon = strrchr(address, ':');
    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1)) return -EINVAL;
    if (strlen(colon + 1) > 5 || atoi(colon + 1) > 65535) return -EINVAL;
    size_t size = (size_t)(colon - address);
    if (size >= 2 && address[0] == '[' && address[size - 1] == ']') {
        address++;
        size -= 2;
    } else if (memchr(address, ':', size)) {
        return -EINVAL;
    }
    if (size > HOST_MAX) return -EINVAL;
    memcpy(host, address, size);
    host[size] = '\0';
    *ret_port = colon + 1;
    return 0;
}

static int open_at(const struct addrinfo *at) {
    const int yes = 1;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int sw__listen(const char *address, int *ret_fd) {
    char host[HOST_MAX + 1];
    const char *port;
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int r = split(address, host, &port);
    if (r < 0) return r;
    if (getaddrinfo(*host ? host : NULL, port, &hints, &list) != 0) return -EINVAL;
    r = open_at(list);
    freeaddrinfo(list);
    if (r < 0) return r;
    *ret_fd = r;
    return 0;
}

unsigned sw__port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name;
    socklen_t size = sizeof(name);
    if (getsockname(fd, &name.any, &size) < 0) return 0;
    if (name.any.sa_family == AF_INET) return ntohs(name.v4.sin_port);
    return name.any.sa_family == AF_INET6 ? ntohs(name.v6.sin6_port) : 0;
}

int64_t sw__door_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

bool sw__has_left(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}
