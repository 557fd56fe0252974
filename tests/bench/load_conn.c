/* load_conn.c -- sockets that do not block, and where an HTTP message ends; see load.h. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384

static void *grown(void *p, size_t bytes) {
    p = realloc(p, bytes);
    if (!p) abort();
    return p;
}

static int watch(struct load *load, struct conn *conn, int op, bool out) {
    struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = conn};
    conn->watched_out = out;
    return epoll_ctl(load->epoll, op, conn->fd, &event) < 0 ? -errno : 0;
}

int conn_listen(struct load *load, unsigned *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct conn *conn = &load->listener;
    conn->kind = CONN_LISTENER;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0) return -errno;
    if (bind(conn->fd, (struct sockaddr *)&address, size) < 0 || listen(conn->fd, 4096) < 0 ||
        getsockname(conn->fd, (struct sockaddr *)&address, &size) < 0) {
        return -errno;
    }
    *ret_port = ntohs(address.sin_port);
    return watch(load, conn, EPOLL_CTL_ADD, false);
}

int conn_open(struct load *load, struct conn *conn, enum conn_kind kind, const char *url) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port;
    int on = 1;
    if (sscanf(url, "http://127.0.0.1:%u", &port) != 1 || port > 65535) return -EINVAL;
    address.sin_port = htons((uint16_t)port);
    conn->kind = kind;
    conn->busy = false;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0) return -errno;
    /* On this machine a connection is made at once or not at all, so this may block. */
    if (connect(conn->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) {
        int r = -errno;
        conn_close(conn);
        return r;
    }
    return watch(load, conn, EPOLL_CTL_ADD, false);
}

void conn_accept(struct load *load) {
    int fd;
    while ((fd = accept4(load->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *conn = calloc(1, sizeof(*conn));
        if (!conn) abort();
        conn->kind = CONN_HOOK;
        conn->fd = fd;
        if (watch(load, conn, EPOLL_CTL_ADD, false) < 0) abort();
    }
}

void conn_close(struct conn *conn) {
    if (conn->fd >= 0) close(conn->fd);
    free(conn->in);
    free(conn->out);
    *conn = (struct conn){.kind = conn->kind, .fd = -1};
}

int conn_flush(struct load *load, struct conn *conn) {
    while (conn->out_done < conn->out_size) {
        ssize_t n = send(conn->fd, conn->out + conn->out_done, conn->out_size - conn->out_done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) return -errno;
        if (n < 0) return conn->watched_out ? 0 : watch(load, conn, EPOLL_CTL_MOD, true);
        conn->out_done += (size_t)n;
    }
    conn->out_done = conn->out_size = 0;
    return conn->watched_out ? watch(load, conn, EPOLL_CTL_MOD, false) : 0;
}

int conn_send(struct load *load, struct conn *conn, const char *data, size_t size) {
    if (conn->out_size + size > conn->out_room) {
        conn->out_room = (conn->out_size + size) * 2;
        conn->out = grown(conn->out, conn->out_room);
    }
    memcpy(conn->out + conn->out_size, data, size);
    conn->out_size += size;
    return conn_flush(load, conn);
}

int conn_message(const struct conn *conn, struct http *ret) {
    const char *end = conn->in_size ? memmem(conn->in, conn->in_size, "\r\n\r\n", 4) : NULL;
    if (!end) return 0;
    const char *length = strcasestr(conn->in, "\r\ncontent-length:");
    size_t head = (size_t)(end - conn->in) + 4;
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (conn->in_size - head < body) return 0;
    *ret = (struct http){.first = conn->in,
                         .first_size = strcspn(conn->in, "\r"),
                         .body = conn->in + head,
                         .body_size = body,
                         .whole = head + body};
    return 1;
}

/* Reads what is there; the buffer stays a C string. */
int conn_read(struct conn *conn) {
    struct http unused;
    for (;;) {
        if (conn->in_room - conn->in_size < READ_BYTES + 1) {
            conn->in_room = conn->in_size * 2 + READ_BYTES + 1;
            conn->in = grown(conn->in, conn->in_room);
        }
        size_t room = conn->in_room - conn->in_size - 1;
        ssize_t n = recv(conn->fd, conn->in + conn->in_size, room, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) return -errno;
        if (n == 0) return -ECONNRESET;
        if (n > 0) conn->in_size += (size_t)n;
        conn->in[conn->in_size] = 0;
        if (n < 0 || (size_t)n < room) return conn_message(conn, &unused);
    }
}

void conn_consume(struct conn *conn, size_t size) {
    conn->in_size -= size;
    memmove(conn->in, conn->in + size, conn->in_size + 1);
}
