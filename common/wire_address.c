/* wire_address.c -- where a process listens, and where others do; see wire_priv.h. */
#include "common/curve.h"
#include "common/wire_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128

/* Of "1.2.3.4:7400", "[::1]:7400" or, as a pod's address comes without brackets, "::1:7400"; numbers only: no name is looked up. */
static bool parse(const char *text, size_t size, struct sockaddr_in6 *ret) {
    char host[INET6_ADDRSTRLEN + 1];
    const bool bracket = size && text[0] == '[';
    const char *end = bracket ? memchr(text, ']', size) : memrchr(text, ':', size);
    const char *from = text + bracket, *port = end ? end + bracket : NULL;
    unsigned number = 0;
    if (!end || (size_t)(end - from) >= sizeof(host) || port >= text + size || *port++ != ':')
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(end - from), from);
    const bool six = bracket || strchr(host, ':');
    if (port == text + size || text + size - port > 5) return false;
    for (const char *p = port; p < text + size; p++) {
        if (*p < '0' || *p > '9') return false;
        number = number * 10 + (unsigned)(*p - '0');
    }
    if (number > 65535) return false;
    memset(ret, 0, sizeof(*ret));
    if (six) {
        ret->sin6_family = AF_INET6;
        ret->sin6_port = htons((uint16_t)number);
        return inet_pton(AF_INET6, host, &ret->sin6_addr) == 1;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)number);
    return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

static bool is_loopback(const struct sockaddr_in6 *a) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)a;
    if (a->sin6_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&a->sin6_addr);
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

static bool is_any(const struct sockaddr_in6 *a) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)a;
    if (a->sin6_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr) &&
                memcmp(a->sin6_addr.s6_addr + 12, "\0\0\0\0", 4) == 0);
    return four->sin_addr.s_addr == 0;
}

static void print(const struct sockaddr_in6 *a, char ret[72]) {
    char host[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *four = (const struct sockaddr_in *)a;
    const bool six = a->sin6_family == AF_INET6;
    inet_ntop(a->sin6_family, six ? (const void *)&a->sin6_addr : &four->sin_addr, host,
              sizeof(host));
    snprintf(ret, 72, six ? "tcp://[%s]:%u" : "tcp://%s:%u", host,
             ntohs(six ? a->sin6_port : four->sin_port));
}

bool sw__wire_address(const char *endpoint, struct sw__wire_address *ret) {
    struct sockaddr_in6 a;
    const char *mark = strchr(endpoint, '#'), *dot = mark ? strchr(mark, '.') : NULL;
    if (strncmp(endpoint, "tcp://", 6) != 0 || !dot || dot - mark - 1 > SW_KEY_ID_CHARS)
        return false;
    if (!parse(endpoint + 6, (size_t)(mark - endpoint - 6), &a) || is_any(&a)) return false;
    print(&a, ret->at);
    snprintf(ret->key, sizeof(ret->key), "%.*s", (int)(dot - mark - 1), mark + 1);
    ret->loopback = is_loopback(&a);
    return true;
}

static int open_socket(struct sockaddr_in6 *a) {
    const int on = 1;
    socklen_t size = a->sin6_family == AF_INET6 ? sizeof(*a) : sizeof(struct sockaddr_in);
    int fd = socket(a->sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    /* The port of the process before may still be busy with the ends of its connections. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)a, size) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)a, &size) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int refuse(const char *setting, const char *what, char *error, size_t room) {
    snprintf(error, room, "SLIPWAY_WIRE %s: %s", setting, what);
    return -EINVAL;
}

int sw__wire_listen(struct sw_wire *wire, const char *setting, const char *name, char *error,
                    size_t room) {
    struct sockaddr_in6 a;
    char at[72];
    if (strncmp(setting, "tcp://", 6) != 0 || !parse(setting + 6, strlen(setting + 6), &a))
        return refuse(setting, "must be ipc, or tcp://ADDRESS:PORT with a numeric address", error,
                      room);
    if (is_any(&a))
        return refuse(setting,
                      "others are told this address, and this one means all of them: name "
                      "one that they reach, in a pod tcp://$(POD_IP):7400",
                      error, room);
    if (!wire->curve && !is_loopback(&a))
        return refuse(setting,
                      "beyond this machine only with keys: `slipway keys curve` makes "
                      "them in SLIPWAY_KEY_DIR",
                      error, room);
    int fd = open_socket(&a);
    if (fd < 0) {
        snprintf(error, room, "SLIPWAY_WIRE %s: %s", setting, strerror(-fd));
        return fd;
    }
    print(&a, at);
    snprintf(wire->endpoint, sizeof(wire->endpoint), "%s#%s.%s", at,
             wire->curve ? sw_curve_id(wire->curve) : "", name);
    sw__wire_set(wire->router, ZMQ_USE_FD, fd);
    if (zmq_bind(wire->router, at) < 0) {
        int r = -zmq_errno();
        snprintf(error, room, "SLIPWAY_WIRE %s: %s", setting, zmq_strerror(-r));
        return r;
    }
    wire->listener = fd;
    return 0;
}
