/* client.c -- starting a sim and talking to it; see client.h. */
#include "client.h"

#include "util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void client_start(struct client *client, const char *const *options) {
    const char *binary = getenv("SLIPWAY_SIM");
    assert_non_null(binary);
    char *argv[32] = {(char *)(uintptr_t)binary, sim_strdup("--quiet")};
    size_t argc = 2;
    for (; options != NULL && *options != NULL; options++) {
        argv[argc++] = (char *)(uintptr_t)*options;
    }
    int out[2];
    assert_int_equal(pipe(out), 0);
    client->pid = fork();
    assert_true(client->pid >= 0);
    if (client->pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execv(binary, argv);
        _exit(127);
    }
    free(argv[1]);
    close(out[1]);
    FILE *in = fdopen(out[0], "r");
    char line[128] = "";
    assert_non_null(fgets(line, sizeof(line), in));
    assert_int_equal(sscanf(line, "sim %63s", client->base), 1);
    fclose(in);
    client->curl = curl_easy_init();
    client->token = NULL;
}

void client_stop(struct client *client) {
    int status = 0;
    curl_easy_cleanup(client->curl);
    kill(client->pid, SIGTERM);
    assert_int_equal(waitpid(client->pid, &status, 0), client->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

struct client sim;

int client_set_up(void **state) {
    (void)state;
    client_start(&sim, NULL);
    return 0;
}

int client_tear_down(void **state) {
    (void)state;
    client_stop(&sim);
    if (sim.ingress != NULL) ingress_stop(sim.ingress);
    sim.ingress = NULL;
    return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg) {
    sim_buf_add(arg, data, size * n);
    return size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg) {
    struct client_reply *reply = arg;
    size_t len = strlen(reply->headers);
    if (len + size * n < sizeof(reply->headers)) {
        memcpy(reply->headers + len, data, size * n);
    }
    return size * n;
}

struct client_reply client_call(struct client *client, const char *method, const char *path,
                                const char *const *headers, const char *body) {
    struct client_reply reply = {0};
    struct sim_buf in = {0};
    struct curl_slist *list = NULL;
    SIM_FREE char *url = sim_fmt("%s%s", client->base, path);
    curl_easy_reset(client->curl);
    for (; headers != NULL && *headers != NULL; headers++) {
        list = curl_slist_append(list, *headers);
    }
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, 20000L);
    curl_easy_setopt(client->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &in);
    curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, &reply);
    if (body != NULL) curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    reply.code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(list);
    sim_buf_add(&in, "", 0);
    reply.body = in.data;
    reply.body_len = in.len;
    reply.json = json_loadb(in.data, in.len, JSON_DECODE_ANY, NULL);
    return reply;
}

struct client_reply client_get(struct client *client, const char *path) {
    return client_call(client, "GET", path, NULL, NULL);
}

struct client_reply client_post(struct client *client, const char *path, const char *json) {
    const char *headers[] = {"Content-Type: application/json", NULL};
    return client_call(client, "POST", path, headers, json);
}

void client_tell(struct client *client, const char *path, const char *json) {
    REPLY reply = client_post(client, path, json);
    if (reply.status != 200) fail_msg("%s answered %ld: %s", path, reply.status, reply.body);
}

struct client_reply client_api(struct client *client, const char *method, const char *path,
                               const char *header, const char *body) {
    SIM_FREE char *auth = sim_fmt("Authorization: Bearer %s", client->token);
    const char *headers[] = {"Accept: application/vnd.heroku+json; version=3", auth,
                             "Content-Type: application/json", header, NULL};
    return client_call(client, method, path, headers, body);
}

struct client_reply client_slack(struct client *client, const char *method, const char *json) {
    const char *headers[] = {"Authorization: Bearer xoxb-test",
                             "Content-Type: application/json; charset=utf-8", NULL};
    SIM_FREE char *path = sim_fmt("/api/%s", method);
    return client_call(client, "POST", path, headers, json);
}

void client_reply_finish(struct client_reply *reply) {
    free(reply->body);
    json_decref(reply->json);
}

const char *client_header(const struct client_reply *reply, const char *name, char *ret,
                          size_t size) {
    SIM_FREE char *needle = sim_fmt("\n%s: ", name);
    const char *at = strstr(reply->headers, needle);
    ret[0] = '\0';
    if (at == NULL) return ret;
    at += strlen(needle);
    snprintf(ret, size, "%.*s", (int)strcspn(at, "\r\n"), at);
    return ret;
}

const char *client_text(const json_t *json, const char *key) {
    const char *text = sim_json_text(json, key);
    if (text == NULL) fail_msg("no text %s", key);
    return text;
}

long client_state(struct client *client, const char *key) {
    REPLY state = client_get(client, "/sim/state");
    assert_non_null(state.json);
    return (long)sim_json_int(state.json, key, -1);
}

json_t *client_view(struct client *client, const char *viewer) {
    SIM_FREE char *path = sim_fmt("/sim/view?team=T0SIM1&channel=C0DEPLOY&viewer=%s", viewer);
    REPLY reply = client_get(client, path);
    assert_int_equal(reply.status, 200);
    return json_incref(json_object_get(reply.json, "messages"));
}

static void consent(struct client *client, const char *page, const char *account,
                    const char *challenge, char ret[64]) {
    struct sim_buf form = {0};
    sim_form_add(&form, "account", account, strlen(account));
    sim_buf_printf(&form, "&client_id=cid&response_type=code&state=a%%2Bb&scope=repo"
                          "&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A9%%2Fcb");
    if (challenge != NULL) {
        sim_buf_printf(&form, "&code_challenge_method=S256&code_challenge=%s", challenge);
    }
    REPLY reply = client_call(client, "POST", page, NULL, form.data);
    sim_buf_free(&form);
    assert_int_equal(reply.status, 302);
    char location[512];
    client_header(&reply, "Location", location, sizeof(location));
    const char *start = "http://127.0.0.1:9/cb?code=";
    assert_memory_equal(location, start, strlen(start));
    assert_non_null(strstr(location, "&state=a%2Bb"));
    assert_null(strstr(location, "iss="));
    snprintf(ret, 64, "%.*s", (int)strcspn(location + strlen(start), "&"),
             location + strlen(start));
}

void client_code(struct client *client, const char *email, const char *challenge, char ret[64]) {
    consent(client, "/oauth/authorize", email, challenge, ret);
}

void client_github_code(struct client *client, const char *login, const char *challenge,
                        char ret[64]) {
    consent(client, "/github.com/login/oauth/authorize", login, challenge, ret);
}

json_t *client_github_sign_in(struct client *client, const char *login) {
    char code[64];
    client_github_code(client, login, NULL, code);
    const char *headers[] = {"Accept: application/json", NULL};
    SIM_FREE char *form = sim_fmt("client_id=cid&client_secret=csec&code=%s", code);
    REPLY reply =
        client_call(client, "POST", "/github.com/login/oauth/access_token", headers, form);
    assert_int_equal(reply.status, 200);
    assert_non_null(sim_json_text(reply.json, "access_token"));
    return json_incref(reply.json);
}

static void enter(struct client *client, json_t *tokens) {
    snprintf(client->own, sizeof(client->own), "%s", client_text(tokens, "access_token"));
    client->token = client->own;
    json_decref(tokens);
}

void client_github_enter(struct client *client, const char *login) {
    enter(client, client_github_sign_in(client, login));
}

struct client_reply client_github(struct client *client, const char *method, const char *path,
                                  const char *body) {
    SIM_FREE char *auth = sim_fmt("Authorization: Bearer %s", client->token);
    SIM_FREE char *whole = sim_fmt("/github%s", path);
    const char *headers[] = {"Accept: application/vnd.github+json",
                             "X-GitHub-Api-Version: 2022-11-28", "User-Agent: slipway-test", auth,
                             NULL};
    return client_call(client, method, whole, headers, body);
}

json_t *client_sign_in(struct client *client, const char *email) {
    char code[64];
    client_code(client, email, NULL, code);
    SIM_FREE char *form = sim_fmt("grant_type=authorization_code&client_secret=csec&code=%s", code);
    REPLY reply = client_call(client, "POST", "/oauth/token", NULL, form);
    assert_int_equal(reply.status, 200);
    return json_incref(reply.json);
}

void client_enter(struct client *client, const char *email) {
    enter(client, client_sign_in(client, email));
}
