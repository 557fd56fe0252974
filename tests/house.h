/* house.h -- a door in a thread of its own, and the words to talk to it, for the tests of doors.
 *
 * shapes   the decider answers by path: /empty, /echo (what it saw), /page, /away, /split, /big at once; /later when
 *          somebody asks /release; /quiesce starts the drain
 * units    sizes are bytes
 * errors   none: a test that goes wrong fails
 * owner    house_open .. house_close; the caller closes what it dialled
 * source   common/door.h
 * limits   8 requests held; every read waits at most 10 s
 */
#ifndef HOUSE_H
#define HOUSE_H

#include "common/door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <czmq.h>
#include <pthread.h>
#include <stdbool.h>

#define HOUSE_BODY_MAX 65536
#define HOUSE_HELD_MAX 8
#define HOST "Host: x\r\n"
#define POST "POST /echo HTTP/1.1\r\n" HOST
#define NONE "Content-Length: 0\r\n\r\n"

/* The loop thread and what it saw. */
struct house {
    zloop_t *loop;
    struct sw_door *door;
    pthread_t thread;
    int stop[2];
    struct sw_waiting *held[HOUSE_HELD_MAX];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t held_count, asked; /* under the mutex, as all below */
    char reason[64], seen[512];
};

struct answer {
    int status; /* 0: closed without one */
    size_t size;
    char head[2048], body[512];
};

/* NULL: usual limits. */
struct house *house_open(const struct sw_door_limits *limits);
void house_close(struct house *h);
/* -1 where nobody listens. */
int dial_port(unsigned port);
int dial(struct house *h);
void say(int fd, const char *data, size_t size);
void say_text(int fd, const char *text);
/* The head of one answer; its body is read by hear_body. */
struct answer hear(int fd);
void hear_body(int fd, struct answer *a);
struct answer ask(int fd, const char *request);
/* True when the peer closes; whatever it says before is counted as answers. */
bool closes(int fd, size_t *ret_answers);
/* Closed without another word. */
bool is_closed(int fd);
void wait_asked(struct house *h, size_t asked);
void assert_reason(struct house *h, const char *reason);

#endif
