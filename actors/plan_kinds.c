/* plan_kinds.c -- every kind of plan and every step, once; see executor_priv.h.
 *
 * A kind is read from top to bottom: its phases are what happens, in that order. */
#include "actors/plan_change.h"

#include <string.h>

static sw__phase_fn *const pipelines[] = {sw__find_start, NULL};
static sw__phase_fn *const info[] = {
    sw__find_start,                                  /* pipeline, stages, apps */
    sw__repo_start, sw__ref_start, sw__checks_start, /* its repository, and what must be green */
    sw__info_start, NULL,
};
static sw__phase_fn *const releases[] = {sw__find_start, sw__releases_start, NULL};
static sw__phase_fn *const promote[] = {
    sw__find_start,     /* pipeline, stages, apps */
    sw__promote_choose, /* source and targets */
    sw__source_start,   /* the release that is promoted */
    sw__repo_start,     /* the repository, if there is one */
    sw__ref_start,      /* the commit that it was built from */
    sw__checks_start,   /* what must be green is green */
    sw__lock_start,     /* nobody else works on the targets */
    sw__promote_tell,   /* the parent, the thread */
    sw__before_start,   /* what the targets run now */
    sw__hub_start,      /* a deployment at GitHub for each target */
    sw__post_start,     /* the promotion */
    sw__watch_start,    /* release phases */
    sw__promote_finish, NULL,
};
static sw__phase_fn *const deploy[] = {
    sw__find_start,     /* pipeline, stages, apps */
    sw__deploy_choose,  /* the app */
    sw__preauth_start,  /* its second factor, while the code is fresh */
    sw__repo_start,     /* the repository */
    sw__ref_start,      /* the commit that the ref means */
    sw__checks_start,   /* what must be green is green */
    sw__lock_start,     /* nobody else works on it */
    sw__deploy_tell,    /* the parent, the thread */
    sw__before_start,   /* what it runs now */
    sw__hub_start,      /* a deployment at GitHub */
    sw__archive_start,  /* the link to the source */
    sw__build_start,    /* the build */
    sw__building_start, /* until it has ended */
    sw__releasing_start, sw__dynos_start, sw__deploy_finish, NULL,
};

static sw__phase_fn *const rollback[] = {
    sw__find_start,    /* pipeline, stages, apps */
    sw__change_choose, /* the app */
    sw__lock_start,    /* nobody else works on it */
    sw__back_start,    /* what it runs, and the release to go back to */
    sw__back_tell,     /* the parent, the thread */
    sw__back_write,    /* the new release */
    sw__watch_start,   /* its release phase */
    sw__promote_finish, NULL,
};
static sw__phase_fn *const restart[] = {
    sw__find_start,    /* pipeline, stages, apps */
    sw__change_choose, /* the app */
    sw__restart_start, /* the dynos that are meant; the parent */
    sw__restart_write, /* the restart */
    sw__restart_watch, /* until new ones are up */
    NULL,
};
static sw__phase_fn *const maintenance[] = {
    sw__find_start,        /* pipeline, stages, apps */
    sw__change_choose,     /* the app */
    sw__maintenance_start, /* how it is now; the parent */
    sw__maintenance_write, NULL,
};
static sw__phase_fn *const ps[] = {sw__find_start, sw__ps_start, NULL};

static sw__phase_fn *const lock[] = {sw__find_start, sw__hold_lock, NULL};
static sw__phase_fn *const unlock[] = {sw__find_start, sw__hold_unlock, NULL};
static sw__phase_fn *const locks[] = {sw__hold_list, NULL};
static sw__phase_fn *const status[] = {sw__status_start, NULL};
static sw__phase_fn *const cancel[] = {sw__cancel_start, NULL};
static sw__phase_fn *const wait[] = {sw__wait_start, NULL};

static const struct sw__kind all[] = {
    {.name = "pipelines", .handler = "pipelines", .phases = pipelines},
    {.name = "info", .handler = "pipelines", .phases = info},
    {.name = "releases", .handler = "releases", .phases = releases},
    {.name = "deploy",
     .handler = "deploy",
     .acts = true,
     .phases = deploy,
     .describe = sw__deploy_describe,
     .unknown = sw__deploy_unknown,
     .cancel = sw__deploy_cancel},
    {.name = "promote",
     .handler = "promote",
     .acts = true,
     .phases = promote,
     .describe = sw__promote_describe},
    {.name = "rollback",
     .handler = "rollback",
     .acts = true,
     .phases = rollback,
     .describe = sw__back_describe,
     .unknown = sw__change_unknown},
    {.name = "restart",
     .handler = "restart",
     .acts = true,
     .still = true,
     .phases = restart,
     .describe = sw__restart_describe,
     .unknown = sw__change_unknown},
    {.name = "maintenance",
     .handler = "maintenance",
     .acts = true,
     .still = true,
     .phases = maintenance,
     .describe = sw__maintenance_describe,
     .unknown = sw__change_unknown},
    {.name = "ps", .handler = "ps", .phases = ps},
    {.name = "lock", .handler = "lock", .audited = true, .phases = lock},
    {.name = "unlock", .handler = "unlock", .audited = true, .phases = unlock},
    {.name = "locks", .handler = "locks", .phases = locks},
    {.name = "status", .handler = "status", .phases = status},
    {.name = "cancel", .handler = "cancel", .phases = cancel},
    {.name = "wait", .handler = "wait", .phases = wait},
};

const struct sw__kind *sw__kind_find(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!strcmp(all[i].name, name)) return &all[i];
    }
    return NULL;
}

const struct sw__kind *sw__kind_of(const json_t *command) {
    const char *handler = sw_str(command, "handler");
    if (!strcmp(handler, "pipelines") && sw_str(command, "pipeline")[0]) handler = "info";
    return sw__kind_find(handler);
}

static const struct sw__step steps[] = {
    {.name = "pipelines", .list = true, .call = sw__find_pages_call, .said = sw__find_pages_said},
    {.name = "couplings",
     .list = true,
     .call = sw__find_couplings_call,
     .said = sw__find_couplings_said},
    {.name = "apps", .list = true, .call = sw__find_apps_call, .said = sw__find_apps_said},
    {.name = "info",
     .list = true,
     .call = sw__info_call,
     .said = sw__info_said,
     .trouble = sw__info_trouble},
    {.name = "releases", .list = true, .call = sw__releases_call, .said = sw__releases_said},
    {.name = "source", .list = true, .call = sw__source_call, .said = sw__source_said},
    {.name = "before", .list = true, .call = sw__before_call, .said = sw__before_said},
    {.name = "post",
     .write = true,
     .id = true,
     .call = sw__post_call,
     .said = sw__post_said,
     .look = sw__post_look,
     .seen = sw__post_seen,
     .found = sw__post_found,
     .lost = sw__report_unknown},
    {.name = "preauth", .any = true, .call = sw__preauth_call, .said = sw__preauth_said},
    {.name = "archive", .link = true, .call = sw__archive_call, .said = sw__archive_said},
    {.name = "build",
     .write = true,
     .id = true,
     .call = sw__build_call,
     .said = sw__build_said,
     .look = sw__build_look,
     .seen = sw__build_seen,
     .found = sw__build_found,
     .lost = sw__deploy_unknown},
    {.name = "build_status",
     .call = sw__building_call,
     .said = sw__building_said,
     .trouble = sw__deploy_trouble},
    {.name = "build_cancel",
     .write = true,
     .any = true,
     .call = sw__build_cancel_call,
     .said = sw__build_cancel_said,
     .trouble = sw__build_cancel_trouble,
     .look = sw__building_call,
     .look_object = true,
     .seen = sw__build_cancel_seen,
     .found = sw__build_cancel_found,
     .lost = sw__build_cancel_lost},
    {.name = "build_release",
     .call = sw__build_release_call,
     .said = sw__build_release_said,
     .trouble = sw__deploy_trouble},
    {.name = "dynos",
     .list = true,
     .call = sw__dynos_call,
     .said = sw__dynos_said,
     .trouble = sw__deploy_trouble},
    {.name = "deploy_pause", .call = sw__watch_wait, .due = sw__deploy_round},
    {.name = "repo", .call = sw__repo_call, .said = sw__repo_said, .trouble = sw__repo_trouble},
    {.name = "repo_old",
     .call = sw__repo_old_call,
     .said = sw__repo_old_said,
     .trouble = sw__repo_old_trouble},
    {.name = "slug", .call = sw__slug_call, .said = sw__slug_said, .trouble = sw__slug_trouble},
    {.name = "branch",
     .call = sw__branch_call,
     .said = sw__branch_said,
     .trouble = sw__branch_trouble},
    {.name = "ref", .call = sw__ref_call, .said = sw__ref_said, .trouble = sw__ref_trouble},
    {.name = "protection",
     .call = sw__protection_call,
     .said = sw__protection_said,
     .trouble = sw__protection_trouble},
    {.name = "rules",
     .list = true,
     .call = sw__rules_call,
     .said = sw__rules_said,
     .trouble = sw__rules_trouble},
    {.name = "commit_states",
     .call = sw__commit_states_call,
     .said = sw__commit_states_said,
     .trouble = sw__checks_trouble},
    {.name = "runs", .call = sw__runs_call, .said = sw__runs_said, .trouble = sw__checks_trouble},
    {.name = "offer", .call = sw__offer_call, .due = sw__offer_due, .go = sw__offer_go},
    {.name = "green", .call = sw__poll_wait, .due = sw__checks_ask},
    {.name = "gh_deployment",
     .write = true,
     .call = sw__hub_call,
     .said = sw__hub_said,
     .trouble = sw__hub_trouble,
     .look = sw__hub_look,
     .seen = sw__hub_seen,
     .found = sw__hub_found,
     .lost = sw__hub_lost},
    {.name = "gh_status",
     .write = true,
     .any = true,
     .quiet = true,
     .call = sw__say_call,
     .said = sw__say_said,
     .trouble = sw__say_trouble,
     .look = sw__say_look,
     .seen = sw__say_seen,
     .found = sw__say_found,
     .lost = sw__say_lost},
    {.name = "back_list",
     .list = true,
     .call = sw__back_list_call,
     .said = sw__back_list_said,
     .trouble = sw__change_trouble},
    {.name = "back_one",
     .call = sw__back_one_call,
     .said = sw__back_one_said,
     .trouble = sw__back_one_trouble},
    {.name = "back",
     .write = true,
     .id = true,
     .call = sw__back_call,
     .said = sw__back_said,
     .trouble = sw__change_trouble,
     .look = sw__back_look,
     .seen = sw__back_seen,
     .found = sw__back_found,
     .lost = sw__change_unknown},
    {.name = "restart_before",
     .list = true,
     .call = sw__restart_dynos_call,
     .said = sw__restart_before_said,
     .trouble = sw__change_trouble},
    {.name = "restart_types",
     .list = true,
     .call = sw__restart_types_call,
     .said = sw__restart_types_said,
     .trouble = sw__change_trouble},
    {.name = "restart",
     .write = true,
     .any = true,
     .call = sw__restart_call,
     .said = sw__restart_said,
     .trouble = sw__change_trouble,
     .look = sw__restart_dynos_call,
     .seen = sw__restart_seen,
     .found = sw__restart_found,
     .lost = sw__change_unknown},
    {.name = "restart_watch",
     .list = true,
     .call = sw__restart_dynos_call,
     .said = sw__restart_watch_said,
     .trouble = sw__restart_watch_trouble},
    {.name = "restart_pause", .call = sw__watch_wait, .due = sw__restart_due},
    {.name = "maintenance_before",
     .call = sw__maintenance_look,
     .said = sw__maintenance_before_said,
     .trouble = sw__change_trouble},
    {.name = "maintenance",
     .write = true,
     .any = true,
     .call = sw__maintenance_call,
     .said = sw__maintenance_said,
     .trouble = sw__change_trouble,
     .look = sw__maintenance_look,
     .look_object = true,
     .seen = sw__maintenance_seen,
     .found = sw__maintenance_found,
     .lost = sw__change_unknown},
    {.name = "ps_app",
     .call = sw__ps_app_call,
     .said = sw__ps_app_said,
     .trouble = sw__change_trouble},
    {.name = "ps_types",
     .list = true,
     .call = sw__ps_types_call,
     .said = sw__ps_types_said,
     .trouble = sw__change_trouble},
    {.name = "ps_dynos",
     .list = true,
     .call = sw__ps_dynos_call,
     .said = sw__ps_dynos_said,
     .trouble = sw__change_trouble},
    {.name = "look",
     .list = true,
     .call = sw__look_call,
     .said = sw__look_said,
     .trouble = sw__look_trouble},
    {.name = "look_wait", .call = sw__look_wait, .due = sw__look_due},
    {.name = "targets",
     .list = true,
     .call = sw__targets_call,
     .said = sw__targets_said,
     .trouble = sw__watch_trouble},
    {.name = "release",
     .call = sw__release_call,
     .said = sw__release_said,
     .trouble = sw__release_trouble},
    {.name = "missing",
     .list = true,
     .call = sw__missing_call,
     .said = sw__missing_said,
     .trouble = sw__watch_trouble},
    {.name = "round", .call = sw__watch_next},
    {.name = "pause", .call = sw__watch_wait, .due = sw__watch_round},
};

const struct sw__step *sw__step_find(const char *name) {
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (!strcmp(steps[i].name, name)) return &steps[i];
    }
    return NULL;
}
