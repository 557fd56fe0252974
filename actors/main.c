/* main.c -- one binary, many roles. */
#include "actors/actors.h"
#include "actors/cli.h"
#include "actors/ingress.h"
#include "common/run.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const struct sw_actor *actor;
    sw_decide_fn *decide;
    const char *help;
} roles[] = {
    {"ingress", NULL, sw_ingress_decide, "takes in what Slack, Heroku, GitHub and browsers send"},
    {"parser", &sw_actor_parser, NULL, "turns text into commands"},
    {"auth", &sw_actor_auth, NULL, "knows who may speak as whom"},
    {"executor", &sw_actor_executor, NULL, "carries commands out, step by step"},
    {"responder", &sw_actor_responder, NULL, "tells people in Slack"},
    {"notifier", &sw_actor_notifier, NULL, "matches events to pipelines"},
    {"refresher", &sw_actor_refresher, NULL, "refreshes every token"},
};

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"up", sw_cli_up, "runs every actor, and a Redis of its own, on this machine"},
    {"status", sw_cli_status, "says whether it is well, and where it hangs"},
    {"doctor", sw_cli_doctor, "looks at everything, and says how to mend it"},
    {"parse", sw_cli_parse, "shows how a command is understood"},
    {"keys", sw_cli_keys, "makes, shows and changes the keys of an installation"},
    {"acl", sw_cli_acl, "writes the users of Redis, one for each role"},
    {"manifest", sw_cli_manifest, "prints the manifest of the Slack app"},
    {"trace", sw_cli_trace, "tells what a command went through"},
    {"audit", sw_cli_audit, "lists who did what, and how it ended"},
    {"send", sw_cli_send, "sends a line as Slack would, and follows it"},
    {"dead", sw_cli_dead, "lists, shows, retries and drops dead letters"},
    {"version", sw_cli_version, "prints what runs here, to the last library"},
};

static void usage(FILE *out) {
    fprintf(out,
            "usage: slipway ROLE|COMMAND [--help]\n\nActors, one a process, any number of each:\n");
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
        fprintf(out, "  %-11s %s\n", roles[i].name, roles[i].help);
    fprintf(out, "\nCommands:\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].help);
    fprintf(
        out,
        "\n`slipway COMMAND --help` says more, `slipway executor --help` lists every setting.\n");
}

int main(int argc, char **argv) {
    if (argc < 2) {
        usage(stderr);
        return SW_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) return sw_cli_version(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        if (!strcmp(argv[1], roles[i].name))
            return sw_run(roles[i].name, roles[i].actor, roles[i].decide, argc - 1, argv + 1);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "slipway: no role or command '%s'; see slipway --help\n", argv[1]);
    return SW_EXIT_USAGE;
}
