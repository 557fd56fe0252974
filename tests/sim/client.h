/* client.h -- what the sim's own tests need: a running sim, a client for it, a small ingress.
 *
 * shapes   client_call: one HTTP exchange over a kept-alive connection
 * units    none
 * errors   a sim that does not start fails the test; client_reply.code says what curl met
 * owner    the test; client_reply_finish frees what a call returned
 * source   none
 * limits   reply headers 4 KiB; the ingress keeps 64 requests
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include <curl/curl.h>
#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#define REPLY __attribute__((cleanup(client_reply_finish))) struct client_reply

struct client {
    pid_t pid;
    char base[64];
    CURL *curl;
    const char *token;       /* Bearer of client_api and client_github */
    char own[128];           /* `token` after client_enter or client_github_enter */
    struct ingress *ingress; /* NULL: none; client_tear_down stops it */
    char ingress_url[64];
};
struct client_reply {
    CURLcode code;
    long status;
    char *body;
    size_t body_len;
    char headers[4096];
    json_t *json; /* or NULL */
};

void client_start(struct client *client, const char *const *options); /* options: NULL-terminated */
void client_stop(struct client *client);

/* One test's sim, and how cmocka starts and stops it; without options. */
extern struct client sim;
int client_set_up(void **state);
int client_tear_down(void **state);

struct client_reply client_call(struct client *client, const char *method, const char *path,
                                const char *const *headers, const char *body);
struct client_reply client_get(struct client *client, const char *path);
struct client_reply client_post(struct client *client, const char *path, const char *json);
/* The same where 200 is the answer; fails the test when it is not. */
void client_tell(struct client *client, const char *path, const char *json);
struct client_reply client_api(struct client *client, const char *method, const char *path,
                               const char *header, const char *body); /* Heroku, with the token */
struct client_reply client_slack(struct client *client, const char *method, const char *json);
void client_reply_finish(struct client_reply *reply);
const char *client_header(const struct client_reply *reply, const char *name, char *ret,
                          size_t size);                       /* "" when absent */
const char *client_text(const json_t *json, const char *key); /* fails the test when absent */
long client_state(struct client *client, const char *key);
json_t *client_view(struct client *client, const char *viewer); /* messages of #deploys; new */

/* The pages of id.heroku.com: a code, then {access_token, refresh_token}; new. */
void client_code(struct client *client, const char *email, const char *challenge, char ret[64]);
json_t *client_sign_in(struct client *client, const char *email);
void client_enter(struct client *client, const char *email); /* to go on with that token */

/* The pages of github.com: the same, for a login; and a call of its API with client->token. */
void client_github_code(struct client *client, const char *login, const char *challenge,
                        char ret[64]);
json_t *client_github_sign_in(struct client *client, const char *login);
void client_github_enter(struct client *client, const char *login);
struct client_reply client_github(struct client *client, const char *method, const char *path,
                                  const char *body);

struct ingress_request {
    char path[128], signature[128], stamp[32], event[64], delivery[64]; /* the last two: GitHub's */
    char retry[8], reason[32];                                          /* of Slack's event */
    char body[16384];
};
struct ingress;
struct ingress *ingress_start(char ret_url[64]);
void ingress_start_of(struct client *client); /* client->ingress; the sim is told where it is */
void ingress_stop(struct ingress *ingress);
void ingress_answer(struct ingress *ingress, unsigned status, const char *type, const char *body);
struct ingress_request ingress_wait(struct ingress *ingress, unsigned nth); /* 0 = the first */
unsigned ingress_count(struct ingress *ingress);

#endif
