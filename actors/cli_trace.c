/* cli_trace.c -- `slipway trace`; see cli.h. */
#include "actors/cli_trace.h"
#include "actors/cli.h"
#include "common/mem.h"
#include "common/story_read.h"
#include "proto/value.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char usage[] =
    "usage: slipway trace ID [--json]\n\n"
    "Tells what the command ID went through, from the Redis at SLIPWAY_REDIS: which actor handled "
    "which\n"
    "message, how long each waited and took, the calls it made, what people were told, what is "
    "still owed,\n"
    "what the audit says, and how it ended. ID is in every answer's thread, log line and audit "
    "entry; how it\n"
    "begins is enough where that fits one command only.\n\n"
    "  --json   one JSON document, with all that is known\n\n"
    "About SLIPWAY_STORY_MAX steps of each shard are kept; events and notifications have no "
    "story.\n"
    "Exit status: 0 told; 1 no such command, or several; 64 usage; 69 no Redis; 78 a setting is "
    "wrong.\n";

/* ---- as text ---- */

static void print_list(const json_t *step, const char *list, const char *before) {
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(step, list), i, one)
        printf("%s%s", i ? ", " : before, json_string_value(one));
}

static void print_answers(const json_t *step) {
    size_t i;
    const json_t *answer;
    json_array_foreach(json_object_get(step, "answers"), i, answer) {
        bool final = json_is_true(json_object_get(answer, "final"));
        printf("%s %s %s%s", i ? "," : "; tells", sw_str(answer, "to"), sw_str(answer, "template"),
               final ? " (the end)" : "");
    }
}

static void print_sent(const json_t *step) {
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(step, "sent"), i, one) {
        const char *text = json_string_value(one);
        printf("%s%.*s", i ? ", " : " -> ", (int)strcspn(text, "="), text);
    }
}

static void print_message(const json_t *step) {
    const json_t *waited = json_object_get(step, "waited_ms");
    if (waited) {
        printf("%9lld", (long long)json_integer_value(waited));
    } else {
        printf("%9s", "");
    }
    printf("  %9.2f  %-8s  %s", (double)sw_int(step, "took_us") / 1000, sw_str(step, "process"),
           sw_str(step, "kind"));
    print_sent(step);
    if (sw_str(step, "of")[0]) printf("; of command %s", sw_str(step, "of"));
    if (sw_int(step, "try") > 1) printf("; try %lld", (long long)sw_int(step, "try"));
    print_list(step, "audit", "; audit: ");
    if (json_object_get(step, "page"))
        printf("; answers a browser with %lld", (long long)sw_int(step, "page"));
    print_answers(step);
    if (sw_str(step, "dead")[0]) printf("; DEAD LETTER: %s", sw_str(step, "dead"));
}

static void print_effect(const json_t *step) {
    printf("%9s  %9lld  %-8s  %s %s%s%s:", "", (long long)sw_int(step, "took_ms"),
           sw_str(step, "process"), sw_str(step, "method"), sw_str(step, "upstream"),
           sw_str(step, "path")[0] ? " " : "", sw_str(step, "path"));
    if (sw_int(step, "status")) printf(" %lld", (long long)sw_int(step, "status"));
    printf(" %s", sw_str(step, "outcome"));
    if (sw_int(step, "tries") > 1) printf(", %lld tries", (long long)sw_int(step, "tries"));
    if (!strcmp(sw_str(step, "outcome"), "unsure")) fputs(" (it may have happened)", stdout);
}

static void print_steps(const json_t *story) {
    int64_t born_ms = sw_int(story, "born_ms");
    size_t i;
    const json_t *step;
    printf("%10s  %-10s%9s  %9s  %-8s  %s\n", "at s", "actor", "waited ms", "took ms", "process",
           "what");
    step = json_array_get(json_object_get(story, "steps"), 0);
    if (!strcmp(sw_str(step, "cause"), "door"))
        printf("%10.3f  %-10s%32s  took it in\n", 0.0, "ingress", "");
    if (!strcmp(sw_str(step, "cause"), "unknown") && !sw_str(step, "of")[0])
        printf("%56s(what came before is not kept any more)\n", "");
    json_array_foreach(json_object_get(story, "steps"), i, step) {
        printf("%10.3f  %-10s", (double)(sw_int(step, "at_ms") - born_ms) / 1000,
               sw_str(step, "actor"));
        if (!strcmp(sw_str(step, "step"), "effect")) {
            print_effect(step);
        } else {
            print_message(step);
        }
        putchar('\n');
    }
}

static void print_owed(const json_t *owed) {
    size_t i;
    const json_t *one;
    if (json_array_size(owed) == 0) fputs("owed: nothing\n", stdout);
    json_array_foreach(owed, i, one) {
        const char *what = sw_str(one, "what");
        printf("owed: %s of %s, ", what, sw_str(one, "actor"));
        if (!strcmp(what, "effect")) {
            printf("%s %s %s%s\n", sw_str(one, "method"), sw_str(one, "upstream"),
                   sw_str(one, "path"),
                   json_is_true(json_object_get(one, "started")) ? ", perhaps under way" : "");
        } else if (!strcmp(what, "timer")) {
            char at[32];
            sw_cli_time(sw_int(one, "due_ms"), at);
            printf("%s, due %s\n", sw_str(one, "kind"), at);
        } else {
            printf("%s, %s lane\n", sw_str(one, "kind"), sw_str(one, "lane"));
        }
    }
}

static void print_audit(const json_t *audit) {
    size_t i;
    const json_t *entry;
    json_array_foreach(audit, i, entry) {
        const json_t *who = json_object_get(entry, "who");
        char at[32];
        sw_cli_time(sw_int(entry, "at_ms"), at);
        printf("audit: %s  ", at);
        sw_cli_print_text(sw_str(who, sw_str(who, "user")[0] ? "user" : "operator"));
        fputs("  ", stdout);
        sw_cli_print_text(sw_str(entry, "line"));
        printf("  %s\n", sw_str(entry, "outcome"));
    }
}

void sw_cli_trace_print(const json_t *story) {
    const json_t *ended = json_object_get(story, "ended");
    char at[32];
    sw_cli_time(sw_int(story, "born_ms"), at);
    printf("%s  %s  came in at %s\n\n", sw_str(story, "command"), sw_str(story, "installation"),
           at);
    print_steps(story);
    putchar('\n');
    print_owed(json_object_get(story, "owed"));
    print_audit(json_object_get(story, "audit"));
    if (json_is_object(ended)) {
        printf("ended: %s after %.3f s\n", sw_str(ended, "how"),
               (double)sw_int(ended, "after_ms") / 1000);
    } else {
        fputs("not ended\n", stdout);
    }
}

/* ---- the command ---- */

static int not_one(const char *begin, const json_t *story) {
    const json_t *commands = json_object_get(story, "commands");
    if (commands) {
        fprintf(stderr, "slipway trace: several commands begin with %s:", begin);
        for (size_t i = 0; i < json_array_size(commands); i++)
            fprintf(stderr, " %s", json_string_value(json_array_get(commands, i)));
    } else if (sw_int(story, "oldest_ms")) {
        char at[32];
        sw_cli_time(sw_int(story, "oldest_ms"), at);
        fprintf(stderr,
                "slipway trace: no command begins with %s; the oldest step that is kept is of %s "
                "(SLIPWAY_STORY_MAX)",
                begin, at);
    } else {
        fprintf(stderr,
                "slipway trace: no command begins with %s, and there is no story at all: none is "
                "kept (SLIPWAY_STORY_MAX), or nothing was typed yet",
                begin);
    }
    fputc('\n', stderr);
    /* It may be there. */
    return commands || !json_object_get(story, "away") ? SW_EXIT_FAILED : SW_EXIT_AWAY;
}

static int tell(const char *begin, const json_t *story, bool json) {
    const char *away = sw_str(story, "away");
    if (away[0]) fprintf(stderr, "slipway trace: not all could be looked at: %s\n", away);
    if (json) sw_cli_print_json(story);
    if (!json_object_get(story, "command")) return not_one(begin, story);
    if (!json) sw_cli_trace_print(story);
    return sw_cli_written("trace");
}

int sw_cli_trace(int argc, char **argv) {
    const char *begin = NULL;
    bool json = false;
    struct sw_conf conf;
    char error[512];
    json_t *story;
    int64_t since_ms;
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("trace");
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json")) {
            json = true;
        } else if (!begin && argv[i][0] != '-') {
            begin = argv[i];
        } else {
            return fputs(usage, stderr), SW_EXIT_USAGE;
        }
    }
    if (!begin) return fputs(usage, stderr), SW_EXIT_USAGE;
    if (sw_story_since(begin, &since_ms) < 0)
        return sw_cli_fail("trace", 0, "that is no command id"), SW_EXIT_USAGE;
    int r = sw_cli_load("trace", &conf);
    if (r) return r;
    r = sw_story_read(&conf, begin, &story, error, sizeof(error));
    sw_conf_finish(&conf);
    if (r < 0) return sw_cli_fail("trace", r, error);
    r = tell(begin, story, json);
    json_decref(story);
    return r;
}
