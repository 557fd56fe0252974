/* cli_dead_act.c -- `slipway dead retry` and `drop`; see cli_dead_priv.h. */
#include "actors/cli_dead_priv.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct acting {
    struct sw_dead *dead;
    const struct sw__dead_words *words;
    const char *error;
    bool retry;
    int status; /* of what was done so far */
};

static void say(const struct acting *acting, const char *id, const char *entry, const char *why) {
    if (acting->words->json) {
        SW_AUTO(sw_json)
        json_t *line = json_pack("{s:s, s:b, s:s*, s:s*}", "letter", id, "done", !why, "entry",
                                 entry && entry[0] ? entry : NULL, "why", why);
        sw_cli_print_json(line);
    } else if (why) {
        fprintf(stderr, "slipway dead: %s: %s\n", id, why);
    } else if (acting->retry) {
        printf("%s is owed again, as %s\n", id, entry);
    } else {
        printf("%s is forgotten\n", id);
    }
}

static void on_letter(void *arg, const struct sw_dead_letter *letter) {
    struct acting *acting = arg;
    char entry[SW_DEAD_ID] = "";
    const char *why = acting->retry ? sw__dead_obstacle(letter) : NULL;
    SW_AUTO(sw_text)
    char *line = sw_printf("slipway dead %s %s", acting->retry ? "retry" : "drop", letter->id);
    int r = why ? -EINVAL : sw_dead_settle(acting->dead, letter, acting->retry, line, entry);
    if (r < 0 && !why) why = acting->error;
    if (r < 0) acting->status = sw_cli_exit(r);
    say(acting, letter->id, entry, why);
}

/* What dies while this goes on is not meant: the ids are known before the first of them is touched. */
static void note(void *arg, const struct sw_dead_letter *letter) {
    json_array_append_new(arg, json_string(letter->id));
}

static int act_on(struct acting *acting, const char *id) {
    int r = sw_dead_find(acting->dead, id, on_letter, acting);
    if (r == 0) return 0;
    say(acting, id, NULL, acting->error);
    acting->status = r == -EINVAL ? SW_EXIT_USAGE : sw_cli_exit(r);
    return r == -ENOTCONN ? r : 0; /* no use in going on */
}

static int act_on_all(struct acting *acting) {
    const struct sw__dead_words *words = acting->words;
    SW_AUTO(sw_json) json_t *ids = json_array();
    int r = sw_dead_read(acting->dead, &words->query, note, ids);
    const size_t count = json_array_size(ids);
    if (r < 0) return sw_cli_fail("dead", r, acting->error);
    if (count == 0) fputs("no dead letters\n", stderr);
    if (!words->yes && (acting->retry ? count > 1 : count > 0)) {
        fprintf(stderr,
                "slipway dead: these are %zu letters, and nothing was done; with --yes %s\n", count,
                acting->retry ? "they are retried" : "they are forgotten");
        return SW_EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (act_on(acting, json_string_value(json_array_get(ids, i))) < 0) break;
    }
    return acting->status;
}

static int act(struct sw_dead *dead, const struct sw__dead_words *words, const char *error,
               bool retry) {
    struct acting acting = {.dead = dead, .words = words, .error = error, .retry = retry};
    if (words->all) return act_on_all(&acting);
    for (int i = 0; i < words->count; i++) {
        if (act_on(&acting, words->ids[i]) < 0) break;
    }
    return acting.status;
}

int sw__dead_retry(struct sw_dead *dead, const struct sw__dead_words *words, const char *error) {
    return act(dead, words, error, true);
}

int sw__dead_drop(struct sw_dead *dead, const struct sw__dead_words *words, const char *error) {
    return act(dead, words, error, false);
}
