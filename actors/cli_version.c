/* cli_version.c -- `slipway version`: what runs here, to the last library; see cli.h. */
#include "actors/cli.h"
#include "actors/grammar.h"
#include "common/crash.h"
#include "common/mem.h"
#include "common/version.h"

#include <stdio.h>
#include <string.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const char usage[] =
    "usage: slipway version [--json]\n\n"
    "Prints the version, the commit of the build (\"unknown\" where it was built outside git), the "
    "compiler,\n"
    "whether the build has crash points (tests only), and the libraries that are linked.\n\n"
    "  --json  one JSON document\n";

static json_t *describe(void) {
    json_t *libraries = sw_version_libraries();
    json_object_set_new(libraries, "pcre2", json_string(sw_grammar_engine()));
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "version", SW_VERSION, "commit", sw_commit,
                     "compiler", COMPILER, "crash_points", SW_CRASH_POINTS, "libraries", libraries);
}

int sw_cli_version(int argc, char **argv) {
    const bool json = argc == 2 && !strcmp(argv[1], "--json");
    const char *name;
    const json_t *version;
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("version");
    if (argc > 1 && !json) return fputs(usage, stderr), SW_EXIT_USAGE;
    SW_AUTO(sw_json) json_t *all = describe();
    if (json) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        putchar('\n');
        return sw_cli_written("version");
    }
    printf("slipway %s\ncommit        %s\ncompiler      %s\ncrash points  %s\n", SW_VERSION,
           sw_commit, COMPILER, SW_CRASH_POINTS ? "yes: a build for tests" : "no");
    json_object_foreach(json_object_get(all, "libraries"), name, version)
        printf("%-13s %s\n", name, json_string_value(version));
    return sw_cli_written("version");
}
