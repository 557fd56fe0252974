/* cli_dead.c -- `slipway dead`: which command it is, and what was typed behind it; see cli.h. */
#include "actors/cli.h"
#include "actors/cli_dead_priv.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILTERS                                                                                    \
    "  --actor A         of this actor only\n"                                                     \
    "  --reason R        died of this reason only: refused, poison, malformed, ...\n"              \
    "  --installation I  of this Slack team (T...) or enterprise (E...) only\n"                    \
    "  --since T         died since then: 90s, 30m, 12h, 7d, or 2026-11-27T11:00:00Z (UTC)\n"

static const char usage[] =
    "usage: slipway dead list|show|retry|drop [--help]\n\n"
    "The dead letters of the Redis at SLIPWAY_REDIS: messages that could not be handled, kept "
    "with\n"
    "the reason. The person was told of each, with the command's id.\n\n"
    "  slipway dead list      what there is\n"
    "  slipway dead show ID   one of them, and what its reason means\n"
    "  slipway dead retry ID  gives it back to its actor, once what was wrong is mended\n"
    "  slipway dead drop ID   forgets it\n\n"
    "An ID is as `list` prints it, such as 17/1764009191000-0.\n";

static const char list_usage[] = "usage: slipway dead list [--json] [FILTER...]\n\n"
                                 "Prints the dead letters, the newest last.\n\n"
                                 "  --json            one JSON object a line, with what the "
                                 "message says, without its boxes\n" FILTERS;

static const char show_usage[] =
    "usage: slipway dead show [--json] ID\n\n"
    "Prints all that is known of a dead letter: what it says, whom its boxes are for (not what "
    "is in\n"
    "them), and what its reason means.\n\n"
    "  --json            one JSON object\n";

static const char retry_usage[] =
    "usage: slipway dead retry [--json] ID...\n"
    "       slipway dead retry [--json] --all [FILTER...] [--yes]\n\n"
    "Puts dead letters back into the mailboxes of their actors, which see them within two "
    "seconds. Each\n"
    "is handled once, also where two operators do this at once. Its person hears how it goes on; "
    "where\n"
    "it dies again, nobody is told a second time. What this version cannot read stays. The audit "
    "of the\n"
    "installation names you.\n\n"
    "  --all             all that match\n"
    "  --yes             also where that is more than one\n"
    "  --json            one JSON object a line\n" FILTERS;

static const char drop_usage[] =
    "usage: slipway dead drop [--json] ID...\n"
    "       slipway dead drop [--json] --all [FILTER...] --yes\n\n"
    "Forgets dead letters for good. The audit of the installation names you.\n\n"
    "  --all             all that match\n"
    "  --yes             this is meant\n"
    "  --json            one JSON object a line\n" FILTERS;

struct command {
    const char *name, *usage;
    const char *options; /* those it takes, each between blanks */
    int ids_min, ids_max;
    int (*run)(struct sw_dead *dead, const struct sw__dead_words *words, const char *error);
};

#define FILTER_WORDS " --actor --reason --installation --since "

static const struct command commands[] = {
    {"list", list_usage, " --json" FILTER_WORDS, 0, 0, sw__dead_list},
    {"show", show_usage, " --json ", 1, 1, sw__dead_show},
    {"retry", retry_usage, " --json --all --yes" FILTER_WORDS, 0, 1000, sw__dead_retry},
    {"drop", drop_usage, " --json --all --yes" FILTER_WORDS, 0, 1000, sw__dead_drop},
};

static int wrong(const char *usage_text, const char *what, const char *about) {
    fprintf(stderr, "slipway dead: %s%s\n%s", what, about, usage_text);
    return SW_EXIT_USAGE;
}

/* Before now, or a time of UTC. */
static bool parse_since(const char *text, int64_t *ret_ms) {
    char *end;
    struct tm at = {0};
    errno = 0;
    long long n = strtoll(text, &end, 10);
    const int64_t unit = *end == 's'   ? 1
                         : *end == 'm' ? 60
                         : *end == 'h' ? 3600
                         : *end == 'd' ? 86400
                                       : 0;
    if (unit && !end[1] && end > text && text[0] != '-' && !errno && n <= 100000000) {
        *ret_ms = (time(NULL) - n * unit) * 1000LL;
        return true;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &at);
    if (!rest || *rest) return false;
    *ret_ms = timegm(&at) * 1000LL;
    return true;
}

static bool takes(const struct command *command, const char *option) {
    SW_AUTO(sw_text) char *word = sw_printf(" %.*s ", (int)strcspn(option, "="), option);
    return strstr(command->options, word) != NULL;
}

/* The option at *i; false where it is none, or has no value. */
static bool parse_option(int argc, char **argv, int *i, struct sw__dead_words *words,
                         const char **ret_since) {
    const char *word = argv[*i], *value;
    if (!strcmp(word, "--json")) {
        words->json = true;
    } else if (!strcmp(word, "--all")) {
        words->all = true;
    } else if (!strcmp(word, "--yes")) {
        words->yes = true;
    } else if ((value = sw_cli_value("--actor", argc, argv, i))) {
        words->query.actor = value;
    } else if ((value = sw_cli_value("--reason", argc, argv, i))) {
        words->query.reason = value;
    } else if ((value = sw_cli_value("--installation", argc, argv, i))) {
        words->query.installation = value;
    } else if ((value = sw_cli_value("--since", argc, argv, i))) {
        *ret_since = value;
    } else {
        return false;
    }
    return true;
}

/* Ids are moved to the front of argv. */
static int parse(const struct command *command, int argc, char **argv,
                 struct sw__dead_words *words) {
    const char *since = NULL;
    words->ids = argv;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-') {
            words->ids[words->count++] = argv[i];
        } else if (!takes(command, word)) {
            return wrong(command->usage, "not understood here: ", word);
        } else if (!parse_option(argc, argv, &i, words, &since)) {
            return wrong(command->usage, "there is no value behind ", word);
        }
    }
    const bool filtered = words->query.actor || words->query.reason || words->query.installation;
    if (since && !parse_since(since, &words->query.since_ms))
        return wrong(command->usage, "--since wants a time such as 2h, not ", since);
    if (words->count > command->ids_max)
        return wrong(command->usage, "too many words: ", words->ids[command->ids_max]);
    if (words->count < command->ids_min) return wrong(command->usage, "which letter?", "");
    if (command->ids_max > 1 && words->all == (words->count > 0))
        return wrong(command->usage, "either ids or --all", "");
    if (words->count && (filtered || since))
        return wrong(command->usage, "filters go with --all, not with ids", "");
    return 0;
}

static int run(const struct command *command, const struct sw__dead_words *words) {
    struct sw_conf conf;
    char error[512];
    int r = sw_cli_load("dead", &conf);
    if (r) return r;
    struct sw_dead *dead = sw_dead_open(&conf, error, sizeof(error));
    r = command->run(dead, words, error);
    sw_dead_close(dead);
    sw_conf_finish(&conf);
    const int written = sw_cli_written("dead");
    return r ? r : written;
}

int sw_cli_dead(int argc, char **argv) {
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("dead");
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++) {
        struct sw__dead_words words = {0};
        if (strcmp(argv[1], commands[i].name) != 0) continue;
        if (sw_cli_asks_help(argc - 1, argv + 1))
            return fputs(commands[i].usage, stdout), sw_cli_written("dead");
        int r = parse(&commands[i], argc - 2, argv + 2, &words);
        return r ? r : run(&commands[i], &words);
    }
    return wrong(usage, argc > 1 ? "not understood here: " : "a word is missing",
                 argc > 1 ? argv[1] : "");
}
