/* plan_kinds.c -- every kind of plan, once; see executor_priv.h.
 *
 * A kind is read from top to bottom: its phases are what happens, in that order. */
#include "actors/plan_change.h"
#include "actors/plan_tend.h"

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

static sw__phase_fn *const route[] = {
    sw__find_start,          /* pipeline, stages, apps */
    sw__repo_start,          /* its repository, if there is one */
    sw__route_repo_start,    /* as this person sees it at GitHub */
    sw__route_channel_start, /* the bot may post there */
    sw__hooks_start,         /* webhooks */
    sw__route_add,           NULL,
};
static sw__phase_fn *const route_resume[] = {
    sw__find_start, sw__repo_start, sw__route_repo_start, sw__hooks_start, sw__route_resume, NULL,
};
static sw__phase_fn *const route_list[] = {sw__route_list, NULL};
static sw__phase_fn *const route_test[] = {sw__route_test, NULL};
static sw__phase_fn *const unroute[] = {sw__unroute, NULL};
static sw__phase_fn *const why[] = {sw__why, NULL};

static sw__phase_fn *const lock[] = {sw__find_start, sw__hold_lock, NULL};
static sw__phase_fn *const unlock[] = {sw__find_start, sw__hold_unlock, NULL};
static sw__phase_fn *const locks[] = {sw__hold_list, NULL};
static sw__phase_fn *const status[] = {sw__status_start, NULL};
static sw__phase_fn *const cancel[] = {sw__cancel_start, NULL};
static sw__phase_fn *const wait[] = {sw__wait_start, NULL};

/* Nobody typed these. */
static sw__phase_fn *const tend[] = {
    sw__tend_start,       /* pipeline, stages, apps */
    sw__repo_start,       /* its repository, if there is one */
    sw__route_repo_start, /* as this person sees it at GitHub */
    sw__hooks_start,      /* their webhooks */
    sw__tend_finish,      NULL,
};
static sw__phase_fn *const missed[] = {
    sw__tend_missed,     /* apps */
    sw__missed_start,    /* what Heroku could not deliver */
    sw__test_runs_start, /* its CI, which has no webhook */
    sw__repo_start,      /* the repository */
    sw__again_start,     /* what GitHub could not deliver */
    sw__missed_finish,   NULL,
};

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
     .sets = true,
     .phases = maintenance,
     .describe = sw__maintenance_describe,
     .unknown = sw__change_unknown},
    {.name = "ps", .handler = "ps", .phases = ps},
    {.name = "route", .handler = "route", .hub = true, .phases = route},
    {.name = "route_resume", .handler = "route_resume", .hub = true, .phases = route_resume},
    {.name = "route_list", .handler = "route_list", .phases = route_list},
    {.name = "route_test", .handler = "route_test", .phases = route_test},
    {.name = "unroute", .handler = "unroute", .phases = unroute},
    {.name = "why", .handler = "why", .phases = why},
    {.name = "lock", .handler = "lock", .audited = true, .phases = lock},
    {.name = "unlock", .handler = "unlock", .audited = true, .phases = unlock},
    {.name = "locks", .handler = "locks", .phases = locks},
    {.name = "status", .handler = "status", .phases = status},
    {.name = "cancel", .handler = "cancel", .phases = cancel},
    {.name = "wait", .handler = "wait", .phases = wait},
    {.name = "tend",
     .handler = "tend",
     .phases = tend,
     .silent = sw__tend_silent,
     .trouble = sw__tend_trouble},
    {.name = "missed",
     .handler = "tend",
     .phases = missed,
     .silent = sw__tend_silent,
     .trouble = sw__tend_trouble},
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
    if (!strcmp(handler, "tend") && !strcmp(sw_str(command, "what"), "missed")) handler = "missed";
    return sw__kind_find(handler);
}
