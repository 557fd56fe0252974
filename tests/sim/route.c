/* route.c -- which handler answers which path; see state.h.
 *
 * ':' in a pattern is one segment of the path, kept in arg[]; '*' at the end is any rest. '+' is
 * one segment or more (a git ref), kept in arg[] too; what comes after it is plain text that ends
 * the path.
 *
 * GitHub and Kolkrabbi live under a prefix of the one port. Patterns are written without it, and
 * so is `shown`, the path that faults and journal see. */
#include "fault.h"
#include "github.h"
#include "happen.h"
#include "heroku.h"
#include "journal.h"
#include "oauth.h"
#include "sentry.h"
#include "slack_oauth.h"
#include "tokens.h"

#include <string.h>

static void page(struct sim *sim, struct sim_req *req) {
    sim_page_handle(sim, req);
}

static const struct sim_route routes[] = {
    {"POST", "/commands/:/:/:", SIM_HOOKS, false, sim_hooks_post},
    {"POST", "/actions/:/:/:", SIM_HOOKS, false, sim_hooks_post},
    {"POST", "/api/chat.postMessage", SIM_SLACK, false, sim_slack_post},
    {"POST", "/api/chat.update", SIM_SLACK, false, sim_slack_update},
    {"POST", "/api/chat.postEphemeral", SIM_SLACK, false, sim_slack_ephemeral},
    {"POST", "/api/conversations.open", SIM_SLACK, false, sim_slack_open},
    {"*", "/api/conversations.info", SIM_SLACK, false, sim_slack_info},
    {"*", "/api/conversations.list", SIM_SLACK, false, sim_slack_list},
    {"POST", "/api/conversations.join", SIM_SLACK, false, sim_slack_join},
    {"POST", "/api/auth.test", SIM_SLACK, false, sim_slack_auth_test},
    {"POST", "/api/openid.connect.token", SIM_SLACK, false, sim_openid_token},
    {"*", "/api/openid.connect.userInfo", SIM_SLACK, false, sim_openid_user},
    {"POST", "/api/oauth.v2.access", SIM_SLACK, false, sim_install_access},
    {"POST", "/api/auth.revoke", SIM_SLACK, false, sim_slack_revoke},
    {"*", "/api/*", SIM_SLACK, false, sim_slack_unknown},
    {"GET", "/openid/connect/authorize", SIM_SLACK_WEB, false, sim_openid_page},
    {"POST", "/openid/connect/authorize", SIM_SLACK_WEB, false, sim_openid_allow},
    {"GET", "/oauth/v2/authorize", SIM_SLACK_WEB, false, sim_install_page},
    {"POST", "/oauth/v2/authorize", SIM_SLACK_WEB, false, sim_install_allow},

    {"GET", "/pipelines", SIM_HEROKU, true, sim_pipeline_list},
    {"GET", "/pipelines/:", SIM_HEROKU, true, sim_pipeline_get},
    {"GET", "/pipelines/:/pipeline-couplings", SIM_HEROKU, true, sim_pipeline_couplings},
    {"GET", "/pipelines/:/repo", SIM_HEROKU, true, sim_repo_get},
    {"GET", "/pipelines/:/repository", SIM_KOLKRABBI, false, sim_repo_kolkrabbi},
    {"GET", "/apps/:", SIM_HEROKU, true, sim_app_get},
    {"PATCH", "/apps/:", SIM_HEROKU, true, sim_app_patch},
    {"PUT", "/apps/:/pre-authorizations", SIM_HEROKU, true, sim_app_preauth},
    {"GET", "/apps/:/pipeline-couplings", SIM_HEROKU, true, sim_app_coupling},
    {"GET", "/apps/:/releases", SIM_HEROKU, true, sim_app_releases},
    {"POST", "/apps/:/releases", SIM_HEROKU, true, sim_release_post},
    {"GET", "/apps/:/releases/:", SIM_HEROKU, true, sim_app_release},
    {"GET", "/apps/:/slugs/:", SIM_HEROKU, true, sim_app_slug},
    {"POST", "/apps/:/builds", SIM_HEROKU, true, sim_build_post},
    {"GET", "/apps/:/builds", SIM_HEROKU, true, sim_build_list},
    {"GET", "/apps/:/builds/:", SIM_HEROKU, true, sim_build_get},
    {"DELETE", "/apps/:/builds/:", SIM_HEROKU, true, sim_build_delete},
    {"GET", "/apps/:/dynos", SIM_HEROKU, true, sim_dyno_list},
    {"GET", "/apps/:/dynos/:", SIM_HEROKU, true, sim_dyno_get},
    {"DELETE", "/apps/:/dynos", SIM_HEROKU, true, sim_dyno_delete},
    {"DELETE", "/apps/:/dynos/:", SIM_HEROKU, true, sim_dyno_delete},
    {"DELETE", "/apps/:/formations/:", SIM_HEROKU, true, sim_dyno_delete},
    {"GET", "/apps/:/formation", SIM_HEROKU, true, sim_dyno_formation},
    {"POST", "/apps/:/webhooks", SIM_HEROKU, true, sim_hook_post},
    {"GET", "/apps/:/webhooks", SIM_HEROKU, true, sim_hook_list},
    {"GET", "/apps/:/webhooks/:", SIM_HEROKU, true, sim_hook_get},
    {"PATCH", "/apps/:/webhooks/:", SIM_HEROKU, true, sim_hook_patch},
    {"DELETE", "/apps/:/webhooks/:", SIM_HEROKU, true, sim_hook_delete},
    {"GET", "/apps/:/webhook-events", SIM_HEROKU, true, sim_hook_events},
    {"GET", "/apps/:/webhook-events/:", SIM_HEROKU, true, sim_hook_events},
    {"GET", "/apps/:/webhook-deliveries", SIM_HEROKU, true, sim_hook_deliveries},
    {"GET", "/apps/:/webhook-deliveries/:", SIM_HEROKU, true, sim_hook_deliveries},
    {"GET", "/pipelines/:/test-runs", SIM_HEROKU, true, sim_pipeline_runs},
    {"GET", "/pipelines/:/test-runs/:", SIM_HEROKU, true, sim_pipeline_run},
    {"*", "*", SIM_KOLKRABBI, false, sim_heroku_unknown},

    {"POST", "/filters/apps", SIM_HEROKU, true, sim_app_filter},
    {"POST", "/pipeline-promotions", SIM_HEROKU, true, sim_promo_post},
    {"GET", "/pipeline-promotions/:", SIM_HEROKU, true, sim_promo_get},
    {"GET", "/pipeline-promotions/:/promotion-targets", SIM_HEROKU, true, sim_promo_targets},
    {"GET", "/account", SIM_HEROKU, true, sim_account_get},
    {"GET", "/account/rate-limits", SIM_HEROKU, true, sim_account_limits},

    {"GET", "/oauth/authorize", SIM_HEROKU_ID, false, sim_oauth_page},
    {"POST", "/oauth/authorize", SIM_HEROKU_ID, false, sim_oauth_allow},
    {"POST", "/oauth/token", SIM_HEROKU_ID, false, sim_oauth_token},
    {"GET", "/oauth/authorizations", SIM_HEROKU, true, sim_oauth_list},
    {"DELETE", "/oauth/authorizations/:", SIM_HEROKU, true, sim_oauth_delete},

    {"GET", "/user", SIM_GITHUB, false, sim_github_user},
    {"GET", "/repos/:/:", SIM_GITHUB, false, sim_github_repo},
    {"GET", "/repos/:/:/branches/+", SIM_GITHUB, false, sim_github_branch},
    {"GET", "/repos/:/:/rules/branches/+", SIM_GITHUB, false, sim_github_rules},
    {"GET", "/repos/:/:/commits/+/status", SIM_GITHUB, false, sim_github_status},
    {"GET", "/repos/:/:/commits/+/check-runs", SIM_GITHUB, false, sim_github_runs},
    {"GET", "/repos/:/:/commits/+", SIM_GITHUB, false, sim_github_commit},
    {"POST", "/repos/:/:/deployments", SIM_GITHUB, false, sim_deploy_post},
    {"GET", "/repos/:/:/deployments", SIM_GITHUB, false, sim_deploy_list},
    {"GET", "/repos/:/:/deployments/:", SIM_GITHUB, false, sim_deploy_get},
    {"POST", "/repos/:/:/deployments/:/statuses", SIM_GITHUB, false, sim_deploy_status_post},
    {"GET", "/repos/:/:/deployments/:/statuses", SIM_GITHUB, false, sim_deploy_status_list},
    {"GET", "/repos/:/:/tarball", SIM_GITHUB, false, sim_github_tarball},
    {"GET", "/repos/:/:/tarball/+", SIM_GITHUB, false, sim_github_tarball},
    {"POST", "/repos/:/:/hooks", SIM_GITHUB, false, sim_repo_hook_post},
    {"GET", "/repos/:/:/hooks", SIM_GITHUB, false, sim_repo_hook_list},
    {"GET", "/repos/:/:/hooks/:", SIM_GITHUB, false, sim_repo_hook_get},
    {"PATCH", "/repos/:/:/hooks/:", SIM_GITHUB, false, sim_repo_hook_patch},
    {"DELETE", "/repos/:/:/hooks/:", SIM_GITHUB, false, sim_repo_hook_delete},
    {"GET", "/repos/:/:/hooks/:/deliveries", SIM_GITHUB, false, sim_repo_delivery_list},
    {"GET", "/repos/:/:/hooks/:/deliveries/:", SIM_GITHUB, false, sim_repo_delivery_get},
    {"POST", "/repos/:/:/hooks/:/deliveries/:/attempts", SIM_GITHUB, false,
     sim_repo_delivery_again},
    {"DELETE", "/applications/:/grant", SIM_GITHUB, false, sim_github_grant_end},
    {"DELETE", "/applications/:/token", SIM_GITHUB, false, sim_github_token_end},
    {"*", "/*", SIM_GITHUB, false, sim_github_unknown},
    {"GET", "/login/oauth/authorize", SIM_GITHUB_WEB, false, sim_github_page},
    {"POST", "/login/oauth/authorize", SIM_GITHUB_WEB, false, sim_github_allow},
    {"POST", "/login/oauth/access_token", SIM_GITHUB_WEB, false, sim_github_token},
    {"GET", "/archive/:/:/legacy.tar.gz/:", SIM_GITHUB_WEB, false, sim_github_download},
    {"*", "/*", SIM_GITHUB_WEB, false, sim_github_lost},

    {"POST", "/sentry/api/:/envelope/", SIM_SENTRY, false, sim_sentry_post},

    {"GET", "/", SIM_ADMIN, false, page},
    {"GET", "/page/*", SIM_ADMIN, false, page},
    {"GET", "/sim/state", SIM_ADMIN, false, sim_admin_state},
    {"GET", "/sim/view", SIM_ADMIN, false, sim_slack_view},
    {"GET", "/sim/journal", SIM_ADMIN, false, sim_journal_view},
    {"GET", "/sim/sentry", SIM_ADMIN, false, sim_sentry_show},
    {"GET", "/sim/tokens", SIM_ADMIN, false, sim_tokens_show},
    {"GET", "/sim/faults", SIM_ADMIN, false, sim_fault_list},
    {"POST", "/sim/faults", SIM_ADMIN, false, sim_fault_post},
    {"DELETE", "/sim/faults", SIM_ADMIN, false, sim_fault_delete},
    {"GET", "/sim/github", SIM_ADMIN, false, sim_github_show},
    {"POST", "/sim/github/checks", SIM_ADMIN, false, sim_github_checks},
    {"POST", "/sim/github/push", SIM_ADMIN, false, sim_github_push},
    {"POST", "/sim/github/auto_merge", SIM_ADMIN, false, sim_github_merge},
    {"POST", "/sim/github/conflict", SIM_ADMIN, false, sim_github_conflict},
    {"POST", "/sim/github/access", SIM_ADMIN, false, sim_github_access},
    {"POST", "/sim/type", SIM_ADMIN, false, sim_admin_type},
    {"POST", "/sim/channel", SIM_ADMIN, false, sim_channel_do},
    {"GET", "/sim/buttons", SIM_ADMIN, false, sim_happen_buttons},
    {"GET", "/sim/webhooks", SIM_ADMIN, false, sim_event_show},
    {"GET", "/sim/rates", SIM_ADMIN, false, sim_rate_show},
    {"GET", "/sim/bench", SIM_ADMIN, false, sim_bench_show},
    {"POST", "/sim/push", SIM_ADMIN, false, sim_happen_push},
    {"POST", "/sim/pull", SIM_ADMIN, false, sim_happen_pull},
    {"POST", "/sim/crash", SIM_ADMIN, false, sim_happen_crash},
    {"POST", "/sim/vars", SIM_ADMIN, false, sim_happen_vars},
    {"POST", "/sim/uninstall", SIM_ADMIN, false, sim_slack_uninstall},
    {"POST", "/sim/rotation", SIM_ADMIN, false, sim_slack_rotation},
    {"POST", "/sim/click", SIM_ADMIN, false, sim_slack_click},
    {"POST", "/sim/reset", SIM_ADMIN, false, sim_admin_reset},
    {"POST", "/sim/config", SIM_ADMIN, false, sim_admin_config},
    {"POST", "/sim/release", SIM_ADMIN, false, sim_admin_release},
    {"POST", "/sim/revoke", SIM_ADMIN, false, sim_oauth_revoke},
    {"POST", "/sim/expire", SIM_ADMIN, false, sim_oauth_expire},
    {"GET", "/sim/actors", SIM_ADMIN, false, sim_admin_actors},
    {"POST", "/sim/kill", SIM_ADMIN, false, sim_admin_kill},
    {"*", "/sim/*", SIM_ADMIN, false, sim_admin_unknown},
    {"*", "/page/*", SIM_ADMIN, false, sim_admin_unknown},
    {"GET", "/favicon.ico", SIM_ADMIN, false, sim_admin_unknown},
    {"*", "*", SIM_HEROKU, false, sim_heroku_unknown},
};
static const char *const prefixes[SIM_UPSTREAMS] = {
    [SIM_GITHUB] = "/github", [SIM_GITHUB_WEB] = "/github.com", [SIM_KOLKRABBI] = "/kolkrabbi"};
static uint64_t counts[SIM_ARRAY_LEN(routes)];

static bool matches(const char *pattern, const char *path, struct sim_req *req) {
    char *split = req->split;
    size_t args = 0;
    memset(req->arg, 0, sizeof(req->arg));
    while (*pattern != '\0') {
        if (*pattern == '*') return true;
        if (*pattern == ':' || *pattern == '+') {
            size_t len = strcspn(path, "/"), end_len = strlen(pattern + 1);
            if (*pattern == '+') {
                len = strlen(path);
                len = len > end_len ? len - end_len : 0;
            }
            if (len == 0 || args == SIM_ARRAY_LEN(req->arg)) return false;
            memcpy(split, path, len);
            split[len] = '\0';
            req->arg[args++] = split;
            split += len + 1;
            path += len;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

const struct sim_route *sim_route_find(struct sim_req *req) {
    for (size_t i = 0; i < SIM_ARRAY_LEN(routes); i++) {
        const struct sim_route *route = &routes[i];
        const char *prefix = prefixes[route->upstream];
        size_t len = prefix != NULL ? strlen(prefix) : 0;
        if (route->method[0] != '*' && strcmp(route->method, req->method) != 0) continue;
        if (len != 0 && strncmp(req->path, prefix, len) != 0) continue;
        if (!matches(route->pattern, req->path + len, req)) continue;
        req->shown = req->path + len;
        return route;
    }
    return &routes[SIM_ARRAY_LEN(routes) - 1];
}

void sim_route_count(const struct sim_route *route) {
    counts[route - routes]++;
}

void sim_route_forget(void) {
    memset(counts, 0, sizeof(counts));
}

json_t *sim_route_counts(void) {
    json_t *all = json_object();
    for (size_t i = 0; i < SIM_ARRAY_LEN(routes); i++) {
        if (counts[i] == 0 || routes[i].upstream == SIM_ADMIN) continue;
        SIM_FREE char *name = sim_fmt("%s %s", routes[i].method, routes[i].pattern);
        json_object_set_new(all, name, json_integer((json_int_t)counts[i]));
    }
    return all;
}
