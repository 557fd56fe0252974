/* out.h -- requests the sim itself makes: slash commands, webhooks, /metrics of the actors.
 *
 * shapes   one request, one callback; status 0 means that no answer came
 * units    timeout_ms for the whole exchange
 * errors   none: the callback is always called exactly once, also when the sim stops
 * owner    the one thread of the sim; texts and headers are copied
 * source   libcurl: curl_multi
 * limits   answers are cut at 1 MiB
 */
#ifndef SIM_OUT_H
#define SIM_OUT_H

#include "state.h"

struct sim_out_req {
    const char *method, *url;
    const char *const *headers; /* NULL-terminated "Name: value" */
    const char *body;
    size_t body_len;
    long timeout_ms;
};
struct sim_out_answer {
    long status; /* 0: none */
    bool timed_out;
    const char *body; /* never NULL */
    size_t body_len;
    const char *type; /* content type or NULL */
    double ms;
};
typedef void sim_out_fn(struct sim *sim, void *arg, const struct sim_out_answer *answer);

struct sim_out *sim_out_create(void);
void sim_out_destroy(struct sim *sim, struct sim_out *out);
void sim_out_start(struct sim *sim, const struct sim_out_req *req, sim_out_fn *fn, void *arg);
/* A platform's webhook: a POST of JSON, which has ten seconds. Nothing leaves this machine: elsewhere nobody
 * answers. */
void sim_out_hook(struct sim *sim, const char *url, const char *const *headers, const char *body,
                  sim_out_fn *fn, void *arg);
/* Moves transfers, then sleeps at most wait_ms or until one of the two descriptors is readable. */
void sim_out_run(struct sim *sim, int fd, int signal_fd, int64_t wait_ms);

#endif
