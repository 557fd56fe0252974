/* house.c -- a door in a thread of its own; see house.h. */
#include "tests/house.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static void note(struct house *h) {
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
}

static void on_refused(void *arg, const char *reason) {
    struct house *h = arg;
    pthread_mutex_lock(&h->mutex);
    snprintf(h->reason, sizeof(h->reason), "%s", reason);
    note(h);
}

static void release_held(struct house *h) {
    for (size_t i = 0; i < h->held_count; i++) {
        struct sw_reply reply = {.status = 200, .body = sw_strdup("released")};
        sw_door_answer(h->held[i], &reply);
    }
    h->held_count = 0;
}

static void on_request(void *arg, struct sw_waiting *waiting, const struct sw_request *r) {
    struct house *h = arg;
    struct sw_reply reply = {.status = 200};
    pthread_mutex_lock(&h->mutex);
    h->asked++;
    snprintf(h->seen, sizeof(h->seen), "%s|%s|%s|%zu|%.80s|%s|%s|%s|%s|%s|%s%s%s%s%s%s", r->method,
             r->path, r->query, r->body_size, r->body, r->content_type, r->cookie, r->authorization,
             r->slack_signature, r->slack_timestamp, r->heroku_hmac, r->github_event,
             r->github_delivery, r->github_signature, r->github_hook, r->accept);
    if (!strcmp(r->path, "/later")) {
        h->held[h->held_count++] = waiting;
        note(h);
        return;
    }
    if (!strcmp(r->path, "/release")) release_held(h);
    if (!strcmp(r->path, "/quiesce")) sw_door_quiesce(h->door);
    if (!strcmp(r->path, "/echo")) reply.body = sw_strdup(h->seen);
    if (!strcmp(r->path, "/big")) {
        reply.body = sw_malloc(400001);
        memset(reply.body, 'b', 400000);
        reply.body[400000] = '\0';
    }
    if (!strcmp(r->path, "/page")) {
        reply.type = "text/html; charset=utf-8";
        reply.body = sw_strdup("<p>hello</p>");
        reply.cookie = sw_strdup("a=b; HttpOnly");
        strcpy(reply.id, "01b");
    }
    if (!strcmp(r->path, "/away")) {
        reply.status = 302;
        reply.location = sw_strdup("https://example.com/");
    }
    if (!strcmp(r->path, "/split")) {
        reply.status = 302;
        reply.location = sw_strdup("/\r\nSet-Cookie: evil=1");
    }
    sw_door_answer(waiting, &reply);
    note(h);
}

static int on_stop(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    (void)loop;
    (void)item;
    (void)arg;
    return -1;
}

static void *live(void *arg) {
    struct house *h = arg;
    zloop_start(h->loop);
    sw_door_destroy(h->door);
    pthread_mutex_lock(&h->mutex);
    release_held(h); /* into the void */
    note(h);
    zloop_destroy(&h->loop);
    return NULL;
}

struct house *house_open(const struct sw_door_limits *limits) {
    static const struct sw_door_limits usual = {
        .body_bytes = HOUSE_BODY_MAX, .connections = 100, .idle_s = 20};
    struct house *h = sw_zalloc(sizeof(*h));
    pthread_mutex_init(&h->mutex, NULL);
    pthread_cond_init(&h->changed, NULL);
    h->loop = zloop_new();
    assert_int_equal(sw_door_create(h->loop, "127.0.0.1:0", limits ? limits : &usual, on_request,
                                    on_refused, h, &h->door),
                     0);
    assert_int_equal(pipe(h->stop), 0);
    zmq_pollitem_t item = {.fd = h->stop[0], .events = ZMQ_POLLIN};
    zloop_poller(h->loop, &item, on_stop, NULL);
    pthread_create(&h->thread, NULL, live, h);
    return h;
}

void house_close(struct house *h) {
    assert_int_equal(write(h->stop[1], "s", 1), 1);
    pthread_join(h->thread, NULL);
    close(h->stop[0]);
    close(h->stop[1]);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}

int dial_port(unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int dial(struct house *h) {
    int fd = dial_port(sw_door_port(h->door));
    assert_true(fd >= 0);
    return fd;
}

void say(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0) return; /* the peer closed: what it said is looked at elsewhere */
        data += n;
        size -= (size_t)n;
    }
}

void say_text(int fd, const char *text) {
    say(fd, text, strlen(text));
}

/* Byte by byte, so that nothing of the next answer is lost. */
struct answer hear(int fd) {
    struct answer a = {0};
    size_t n = 0;
    while (n + 1 < sizeof(a.head) && recv(fd, a.head + n, 1, 0) == 1) {
        n++;
        if (n >= 4 && !memcmp(a.head + n - 4, "\r\n\r\n", 4)) break;
    }
    if (n < 12) return a;
    a.status = atoi(a.head + 9);
    const char *length = strcasestr(a.head, "Content-Length: ");
    a.size = length ? strtoul(length + 16, NULL, 10) : 0;
    return a;
}

void hear_body(int fd, struct answer *a) {
    for (size_t n = 0; n < a->size; n++) {
        char c;
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        if (n + 1 < sizeof(a->body)) a->body[n] = c;
    }
}

struct answer ask(int fd, const char *request) {
    say_text(fd, request);
    struct answer a = hear(fd);
    if (!strstr(request, "HEAD ")) hear_body(fd, &a);
    return a;
}

bool closes(int fd, size_t *ret_answers) {
    char data[4096], *at = data;
    size_t used = 0;
    ssize_t n;
    while (used + 1 < sizeof(data) && (n = recv(fd, data + used, sizeof(data) - used - 1, 0)) > 0) {
        used += (size_t)n;
    }
    data[used] = '\0';
    *ret_answers = 0;
    while ((at = strstr(at, "HTTP/1.1 "))) {
        at += 9;
        (*ret_answers)++;
    }
    return n == 0 || errno == ECONNRESET;
}

bool is_closed(int fd) {
    size_t answers;
    return closes(fd, &answers) && answers == 0;
}

void wait_asked(struct house *h, size_t asked) {
    pthread_mutex_lock(&h->mutex);
    while (h->asked < asked) {
        pthread_cond_wait(&h->changed, &h->mutex);
    }
    pthread_mutex_unlock(&h->mutex);
}

void assert_reason(struct house *h, const char *reason) {
    pthread_mutex_lock(&h->mutex);
    assert_string_equal(h->reason, reason);
    h->reason[0] = '\0';
    pthread_mutex_unlock(&h->mutex);
}
