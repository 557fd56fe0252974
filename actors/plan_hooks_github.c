/* plan_hooks_github.c -- the pipeline's repository has one webhook of ours; see plan_hooks.c, which this is the second half of.
 *
 * It needs an administrator of the repository. Where the GitHub App brings the events there is nothing to do. */
#include "actors/pages.h"
#include "actors/plan_tend.h"
#include "actors/providers.h"

#include <string.h>

#define PATH "/webhooks/github"

static const char *const events[] = {
    "push",       "pull_request",      "status",  "check_run", "check_suite", "workflow_run",
    "deployment", "deployment_status", "release", "create",    "delete",      "repository",
};
#define EVENTS (sizeof events / sizeof *events)

static int done(struct sw__plan *p, const char *how) {
    sw__set(json_object_get(p->state, "hooks"), "github", json_string(how));
    json_object_del(p->state, "hook_id");
    json_object_del(p->state, "hook_again");
    return sw__plan_next(p);
}

int sw__hooks_github(struct sw__plan *p) {
    const struct sw_conf *conf = p->ctx->conf;
    const char *known = sw_str(json_object_get(p->state, "hooks"), "github");
    /* Nobody can sign in there. */
    if (!strcmp(known, "no_account") && !sw_provider_set_up(SW_GITHUB, conf))
        return done(p, "none");
    if (known[0]) return sw__plan_next(p); /* there is no repository to be seen */
    if (!strcmp(conf->github_hooks, "app")) return done(p, "app");
    if (!sw_conf_secret(conf, "github_webhook_secret")) return done(p, "no_secret");
    sw__plan_go(p, "gh_hooks");
    return 0;
}

/* All of them are on one page: a repository may have twenty for an event. */
void sw__gh_hooks_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request_github("GET",
                                        "id active events config.url config.content_type "
                                        "config.insecure_ssl",
                                        "/repos/%s/hooks?per_page=100", sw__repo_name(p)));
}

char *sw__gh_id(const json_t *one) {
    json_int_t id = sw_int(one, "id");
    return id > 0 ? sw_printf("%lld", (long long)id) : NULL;
}

const json_t *sw__gh_hook_ours(const struct sw__plan *p, const json_t *list) {
    SW_AUTO(sw_text) char *url = sw_public_url(p->ctx->conf, PATH);
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        const json_t *config = json_object_get(one, "config");
        if (!strcmp(sw_str(config, "url"), url) && sw_int(one, "id") > 0) return one;
    }
    return NULL;
}

static bool is_right(const json_t *ours) {
    const json_t *list = json_object_get(ours, "events");
    const json_t *config = json_object_get(ours, "config");
    bool same = json_array_size(list) == EVENTS && sw__hook_brings(list, events, EVENTS);
    return same && json_is_true(json_object_get(ours, "active")) &&
           !strcmp(sw_str(config, "content_type"), "json") &&
           strcmp(sw_str(config, "insecure_ssl"), "1") != 0;
}

int sw__gh_hooks_said(struct sw__plan *p, const struct sw__said *said) {
    const json_t *ours = sw__gh_hook_ours(p, said->json);
    SW_AUTO(sw_text) char *id = sw__gh_id(ours);
    if (sw__tend_scarce(p, said)) return 0;
    bool rotates = p->ctx->conf->github_webhook_secret.previous != NULL;
    if (ours && is_right(ours) && !rotates) return done(p, "ok");
    if (id) sw__set(p->state, "hook_id", json_string(id));
    sw__plan_go(p, id ? "gh_hook_patch" : "gh_hook_post");
    return 0;
}

static void write(struct sw__plan *p, json_t *request, bool new) {
    json_t *list = json_array();
    for (size_t i = 0; i < EVENTS; i++)
        json_array_append_new(list, json_string(events[i]));
    SW_AUTO(sw_text) char *url = sw_public_url(p->ctx->conf, PATH);
    json_t *body = json_pack("{s:b, s:o, s:{s:s, s:s, s:s, s:{s:s}}}", "active", 1, "events", list,
                             "config", "url", url, "content_type", "json", "insecure_ssl", "0",
                             "secret", "$conf", "github_webhook_secret");
    if (new) sw__set(body, "name", json_string("web"));
    sw__set(request, "json", body);
    sw__plan_write(p, request, false);
}

void sw__gh_hook_post_call(struct sw__plan *p) {
    write(p, sw__request_github("POST", "id", "/repos/%s/hooks", sw__repo_name(p)), true);
}

void sw__gh_hook_patch_call(struct sw__plan *p) {
    write(p,
          sw__request_github("PATCH", "id", "/repos/%s/hooks/%s", sw__repo_name(p),
                             sw_str(p->state, "hook_id")),
          false);
}

int sw__gh_hook_write_said(struct sw__plan *p, const struct sw__said *said) {
    (void)said;
    return done(p, "ok");
}

/* GitHub says 404 to who may see the repository and not its webhooks. An address that it does not take (422), as one that
 * only this machine reaches, is nobody's missing right. */
void sw__gh_hook_trouble(struct sw__plan *p, const struct sw__said *said) {
    bool no = said->kind == SW__SAID_NO;
    bool denied = no && (said->status == 404 || said->status == 403 || said->status == 401);
    if (said->kind == SW__SAID_AWAY && sw__plan_kind(p)->silent) {
        sw__plan_trouble(p, said);
    } else if (no && said->status == 422 && !json_object_get(p->state, "hook_again")) {
        sw__set(p->state, "hook_again", json_true()); /* perhaps somebody made it just now */
        sw__plan_go(p, "gh_hooks");
    } else {
        done(p, denied ? "denied" : "none");
    }
}

enum sw__seen sw__gh_hook_seen(struct sw__plan *p, const struct sw__said *said) {
    const json_t *ours = sw__gh_hook_ours(p, said->json);
    return ours && is_right(ours) ? SW__SEEN_YES : SW__SEEN_NOT;
}

int sw__gh_hook_found(struct sw__plan *p) {
    return done(p, "ok");
}

void sw__gh_hook_lost(struct sw__plan *p, const char *why, const char *reason) {
    (void)why;
    (void)reason;
    json_object_del(p->state, "write");
    done(p, "none");
}
