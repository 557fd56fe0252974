/* sim.h -- one request to the sim and the reply a handler writes to it; the seam for the page.
 *
 * shapes   a handler reads path, arg, body, headers and query, then calls exactly one sim_reply_*,
 *          or sim_req_hold() now and one sim_reply_* plus sim_req_release() later
 * units    at_ms since 1970 UTC
 * errors   none; a handler cannot fail, it answers
 * owner    the request belongs to http.c and lives until the answer is sent; replies take their
 *          JSON ("new" in Jansson's words) and copy their texts
 * source   libmicrohttpd manual: suspend/resume
 * limits   body 1 MiB, path 1023 bytes, 8 reply headers
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_upstream {
    SIM_ADMIN,
    SIM_SLACK,
    SIM_SLACK_WEB,
    SIM_HOOKS,
    SIM_HEROKU,
    SIM_HEROKU_ID,
    SIM_GITHUB,
    SIM_GITHUB_WEB,
    SIM_KOLKRABBI,
    SIM_SENTRY,
    SIM_UPSTREAMS /* how many */
};
enum sim_ending { SIM_ANSWER, SIM_SILENCE, SIM_CUT }; /* how the answer leaves, see fault.h */

struct sim;
struct sim_account;
struct sim_github_token;
struct sim_route;

struct sim_reply {
    unsigned status;
    char *body;
    size_t body_len;
    const char *type; /* content type, a literal */
    struct {
        const char *name; /* a literal */
        char *value;
    } header[8];
    size_t headers;
};

struct sim_req {
    struct sim *sim;
    void *conn; /* http.c only */
    const char *method;
    char path[1024];
    const char *shown; /* the path at the platform itself: without /github and the like */
    char split[1024];  /* the path cut into segments; arg[] points into it */
    const char *arg[4];
    char *body; /* never NULL, NUL-terminated */
    size_t body_len, body_size;
    bool too_big;
    unsigned nth_on_connection; /* 1 = first request of its TCP connection */
    int64_t at_ms;
    const struct sim_route *route;
    struct sim_account *account;     /* Heroku calls: whose token it was */
    struct sim_github_token *github; /* GitHub calls: the token; NULL: none was sent */
    const char *fault;               /* kind of the fault that met it, a literal, or NULL */
    enum sim_ending ending;
    enum { SIM_READING, SIM_HELD, SIM_READY } phase;
    bool suspended;
    struct sim_req *prev, *next; /* suspended ones, for the shutdown */
    struct sim_reply reply;
};

const char *sim_req_header(const struct sim_req *req, const char *name); /* NULL when absent */
const char *sim_req_query(const struct sim_req *req, const char *name);
json_t *sim_req_queries(const struct sim_req *req); /* {name: text}, new */
json_t *sim_req_json(const struct sim_req *req);    /* new; NULL when the body is not JSON */
void sim_req_hold(struct sim_req *req);
void sim_req_release(struct sim_req *req);

void sim_reply_json(struct sim_req *req, unsigned status, json_t *json);
void sim_reply_text(struct sim_req *req, unsigned status, const char *type, const char *text);
void sim_reply_data(struct sim_req *req, unsigned status, const char *type, const void *data,
                    size_t len);
void sim_reply_header(struct sim_req *req, const char *name, const char *value);
void sim_reply_error(struct sim_req *req, unsigned status, const char *id, const char *message);

/* GET / and GET /page/...: what a person with a browser sees. Implemented in page.c. */
void sim_page_handle(struct sim *sim, struct sim_req *req);

#endif
