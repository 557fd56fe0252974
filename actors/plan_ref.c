/* plan_ref.c -- which commit: what a ref means now, or what a promotion's source was built from.
 *
 * A ref is asked for once: what was shown is deployed, wherever the branch has gone since. See
 * plan_priv.h. */
#include "actors/plan_priv.h"

#include <string.h>

#define REF_BYTES_MAX 250
#define UNRESERVED "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~"

char *sw__escape(const char *text, const char *keep) {
    static const char hex[] = "0123456789ABCDEF";
    char *escaped = sw_malloc(strlen(text) * 3 + 1), *to = escaped;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (strchr(UNRESERVED, *text) || strchr(keep, *text)) {
            *to++ = *text;
        } else {
            *to++ = '%';
            *to++ = hex[byte >> 4];
            *to++ = hex[byte & 15];
        }
    }
    *to = '\0';
    return escaped;
}

static bool sha_valid(const char *sha) {
    size_t size = strspn(sha, "0123456789abcdef");
    return sha[size] == '\0' && (size == 40 || size == 64);
}

/* Git has no other refs either; a part that begins with a dot could be another path. */
static bool ref_valid(const char *ref) {
    if (!ref[0] || strlen(ref) > REF_BYTES_MAX) return false;
    for (const char *at = ref;; at = strchr(at, '/') + 1) {
        if (*at == '.' || *at == '/' || *at == '\0') return false;
        if (!strchr(at, '/')) return true;
    }
}

int sw__ref_start(struct sw__plan *p) {
    if (!json_object_get(p->state, "repo")) return sw__plan_next(p);
    if (sw__is_deploy(p) || !sw__plan_kind(p)->acts) {
        sw__plan_go(p, "branch");
        return 0;
    }
    if (!sw__id_valid(sw_str(json_object_get(p->state, "from"), "slug")))
        return sw__repo_without(p, "no_commit");
    sw__plan_go(p, "slug");
    return 0;
}

/* ---- the commit of a promotion ---- */

void sw__slug_call(struct sw__plan *p) {
    const json_t *from = json_object_get(p->state, "from");
    sw__plan_call(p, sw__request("GET", "commit", "/apps/%s/slugs/%s", sw_str(from, "id"),
                                 sw_str(from, "slug")));
}

int sw__slug_said(struct sw__plan *p, const struct sw__said *said) {
    const char *commit = sw_str(said->json, "commit");
    if (!sha_valid(commit)) return sw__repo_without(p, "no_commit");
    sw__set(p->state, "sha", json_string(commit));
    sw__set(p->state, "ref", json_string(commit));
    sw__plan_go(p, "branch");
    return 0;
}

void sw__slug_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (sw__repo_spared(p, said))
        sw__repo_without(p, "no_commit");
    else
        sw__plan_trouble(p, said);
}

/* ---- the default branch ---- */

void sw__branch_call(struct sw__plan *p) {
    sw__plan_call(p, sw__request_github("GET", "default_branch permissions.push", "/repos/%s",
                                        sw__repo_name(p)));
}

static void tell_unknown(struct sw__plan *p, const char *ref) {
    sw__plan_fail(
        p, "error.unknown_ref",
        json_pack("{s:s, s:o}", "repo", sw__repo_name(p), "ref", sw__text(ref, REF_BYTES_MAX)));
}

int sw__branch_said(struct sw__plan *p, const struct sw__said *said) {
    const char *branch = sw_str(said->json, "default_branch"), *typed = sw__word(p, "branch");
    if (ref_valid(branch))
        sw__set(json_object_get(p->state, "repo"), "branch", json_string(branch));
    if (!sw__is_deploy(p)) return sw__plan_next(p);
    if (json_is_false(json_object_get(json_object_get(said->json, "permissions"), "push"))) {
        sw__repo_closed(p, true); /* now, before anything is shown as begun */
        return 0;
    }
    if (!ref_valid(typed[0] ? typed : branch)) {
        tell_unknown(p, typed[0] ? typed : branch);
        return 0;
    }
    sw__set(p->state, "ref", json_string(typed[0] ? typed : branch));
    sw__plan_go(p, "ref");
    return 0;
}

void sw__repo_closed(struct sw__plan *p, bool write) {
    const json_t *login = json_object_get(json_object_get(p->state, "github"), "login");
    const char *task = sw__word(p, "task"), *line = sw_str(p->state, "line");
    size_t size = strlen(task);
    json_t *type = NULL; /* a deploy cannot do without */
    if (!sw__is_deploy(p) && !strncmp(line, task, size))
        type = json_sprintf("%s!%s", task, line + size);
    sw__set(p->state, "reason", json_string("The GitHub account may not do that."));
    sw__plan_fail(p, "error.repo_closed",
                  json_pack("{s:s, s:o, s:O*, s:b, s:o*}", "repo", sw__repo_name(p), "url",
                            json_sprintf("%s/%s", p->ctx->conf->github_web, sw__repo_name(p)),
                            "login", login, "write", (int)write, "type", type));
}

/* GitHub tells nobody whether what is not theirs to see exists. */
static bool is_closed(const struct sw__said *said) {
    return said->kind == SW__SAID_NO && (said->status == 404 || said->status == 403);
}

void sw__branch_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (sw__repo_spared(p, said))
        sw__repo_without(p, said->kind == SW__SAID_NO ? "no_access" : "away");
    else if (is_closed(said))
        sw__repo_closed(p, false);
    else
        sw__plan_trouble(p, said);
}

/* ---- what the ref of a deploy means ---- */

/* Of its files only one: they are not needed, and there may be many. */
void sw__ref_call(struct sw__plan *p) {
    SW_AUTO(sw_text) char *ref = sw__escape(sw_str(p->state, "ref"), "/");
    sw__plan_call(p, sw__request_github("GET", "sha", "/repos/%s/commits/%s?per_page=1",
                                        sw__repo_name(p), ref));
}

int sw__ref_said(struct sw__plan *p, const struct sw__said *said) {
    const char *sha = sw_str(said->json, "sha");
    if (!sha_valid(sha)) {
        tell_unknown(p, sw_str(p->state, "ref"));
        return 0;
    }
    sw__set(p->state, "sha", json_string(sha));
    return sw__plan_next(p);
}

void sw__ref_trouble(struct sw__plan *p, const struct sw__said *said) {
    if (said->kind == SW__SAID_NO && (said->status == 404 || said->status == 422))
        tell_unknown(p, sw_str(p->state, "ref"));
    else
        sw__plan_trouble(p, said);
}
