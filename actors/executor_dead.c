/* executor_dead.c -- grants that are known to be dead: no plan calls with one again; see
 * executor_priv.h.
 *
 * All plans of a person share what one of them learns: the first refusal, or auth's word that an
 * account is gone, and the others ask auth instead of Heroku. */
#include "actors/executor_priv.h"

#include <string.h>

#define DEAD_TTL_MS (24 * 3600 * 1000LL) /* far longer than any plan keeps a grant */

static const char *const providers[SW__GRANTS] = {
    [SW__GRANT_HEROKU] = "heroku", [SW__GRANT_GITHUB] = "github"};

static char *key_of(const struct sw_msg *in, const char *user, const char *provider) {
    return sw_printf("dead/%s/%s/%s", in->inst, user, provider);
}

int sw__dead_load(struct sw__plan *p, const json_t *who) {
    const char *user = sw_str(who, "user");
    int r = 0;
    for (int i = 0; i < SW__GRANTS && user[0]; i++) {
        SW_AUTO(sw_text) char *key = key_of(p->in, user, providers[i]);
        const json_t *dead = NULL;
        int one = sw_fact(p->out, key, &dead);
        if (one < 0) r = one;
        p->dead[i] = sw_int(dead, "version");
    }
    return r;
}

static void store(struct sw_out *out, const char *key, json_int_t version) {
    sw_store(out, key, json_pack("{s:I}", "version", version), DEAD_TTL_MS);
}

int sw__dead_revoked(const struct sw_msg *in, struct sw_out *out) {
    const char *user = sw_str(in->body, "user"), *provider = sw_str(in->body, "provider");
    json_int_t version = sw_int(in->body, "version");
    for (int i = 0; i < SW__GRANTS && user[0]; i++) {
        if (strcmp(provider, providers[i]) != 0) continue;
        SW_AUTO(sw_text) char *key = key_of(in, user, provider);
        const json_t *dead = NULL;
        int r = sw_fact(out, key, &dead);
        if (r < 0) return r;
        if (sw_int(dead, "version") < version) store(out, key, version);
    }
    return 0; /* executor is given no grant of another provider */
}

enum sw__grant sw__grant_of(const char *up) {
    return strcmp(up, "github") != 0 ? SW__GRANT_HEROKU : SW__GRANT_GITHUB;
}

const char *sw__grant_provider(enum sw__grant grant) {
    return providers[grant];
}

const json_t *sw__grant_held(const struct sw__plan *p, enum sw__grant grant) {
    return json_object_get(p->state, grant == SW__GRANT_GITHUB ? "github" : "grant");
}

static json_int_t version_of(const struct sw__plan *p, enum sw__grant grant) {
    return sw_int(sw__grant_held(p, grant), "version");
}

void sw__dead_note(struct sw__plan *p) {
    enum sw__grant grant = sw__grant_of(sw_str(p->state, "up"));
    const char *user = sw_str(json_object_get(p->state, "who"), "user");
    SW_AUTO(sw_text) char *key = key_of(p->in, user, providers[grant]);
    if (p->dead[grant] >= version_of(p, grant)) return;
    p->dead[grant] = version_of(p, grant);
    store(p->out, key, p->dead[grant]);
}

bool sw__dead_is(const struct sw__plan *p, enum sw__grant grant) {
    return p->dead[grant] > 0 && version_of(p, grant) <= p->dead[grant];
}
