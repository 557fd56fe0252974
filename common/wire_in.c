/* wire_in.c -- what comes in by wire; see wire_priv.h. */
#include "common/wire_priv.h"

#include <endian.h>
#include <errno.h>

#define READS_A_TURN 256
#define FRAMES 4 /* the sender's number, tag, head, envelope */

int sw__wire_frames(void *socket, zmq_msg_t *frame, int most) {
    int count = 0, more = 1, over = 0;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            break;
        }
        more = zmq_msg_more(&part);
        if (count < most) {
            frame[count++] = part;
        } else {
            zmq_msg_close(&part);
            over = 1;
        }
    }
    while (over && count > 0)
        zmq_msg_close(&frame[--count]);
    return over ? -E2BIG : count;
}

/* False: nothing that is said on this wire. */
static bool deliver(struct sw_wire *wire, const char *from, zmq_msg_t *frame, int frames) {
    if (frames < 3 || zmq_msg_size(&frame[1]) != 1) return false;
    const char *tag = zmq_msg_data(&frame[1]);
    const char *data = zmq_msg_data(&frame[2]);
    size_t size = zmq_msg_size(&frame[2]);
    if (*tag == 'T' && frames == 3) {
        wire->events.tell(wire->events.arg, from, data, size);
    } else if (*tag == 'H' && frames == 3 && size == 1) {
        if (from && strcmp(from, wire->role) != 0) return false;
        wire->events.handed(wire->events.arg, (unsigned char)data[0]);
    } else if (*tag == 'L' && frames == FRAMES && size == sizeof(struct sw__wire_head)) {
        struct sw__wire_head head;
        uint64_t id[2];
        memcpy(&head, data, sizeof(head));
        memcpy(id, head.id, sizeof(id));
        wire->events.entry(wire->events.arg, from, head.shard, head.lane, be64toh(id[0]),
                           be64toh(id[1]), zmq_msg_data(&frame[3]), zmq_msg_size(&frame[3]));
    } else {
        return false;
    }
    return true;
}

static void take(struct sw_wire *wire, zmq_msg_t *frame, int frames) {
    char role[SW__ROLE_CHARS + 1];
    const char *from = NULL;
    /* All frames of a message came under one key; a single one is the sender's number and nothing else. */
    if (wire->curve && frames > 1 && !(from = sw__gate_speaker(wire, &frame[1], role))) return;
    if (!deliver(wire, from, frame, frames)) sw_wire_refuse(wire, "frames", from);
}

/* ZeroMQ sockets signal edges: read until there is nothing left, but let others have their turn. */
static void read_all(struct sw_wire *wire) {
    for (int n = 0; n < READS_A_TURN; n++) {
        zmq_msg_t frame[FRAMES];
        int frames = sw__wire_frames(wire->router, frame, FRAMES);
        if (frames == 0) return;
        if (frames < 0) sw_wire_refuse(wire, "frames", NULL);
        if (frames > 0) take(wire, frame, frames);
        for (int i = 0; i < frames; i++)
            zmq_msg_close(&frame[i]);
    }
}

int sw__wire_on_readable(zloop_t *loop, zmq_pollitem_t *item, void *arg) {
    struct sw_wire *wire = arg;
    (void)loop;
    (void)item;
    read_all(wire);
    wire->events.turn(wire->events.arg);
    return 0;
}
