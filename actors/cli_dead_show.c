/* cli_dead_show.c -- `slipway dead list` and `show`; see cli_dead_priv.h. */
#include "actors/actors.h"
#include "actors/cli_dead_priv.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *reason, *means;
} reasons[] = {
    {"refused",
     "the actor's handler refused it: what it says is not what the actor expects, which is a "
     "defect of whoever sent it. Retry it after an upgrade that mends it. Of responder also: Slack "
     "lets nothing through to that person, and http.json.error in the body says why"},
    {"poison",
     "processes ended three times while they handled it: a defect, or too little memory. Retry it "
     "after an upgrade that mends it; until then it ends processes again"},
    {"unknown_kind",
     "the actor of that time knew no such kind of message: it came from a newer version. "
     "Retry it when the upgrade is through"},
    {"newer_version", "it was written by a newer version. Retry it when the upgrade is through"},
    {"malformed",
     "what stood in the mailbox is no message of Slipway: something else writes to this Redis. "
     "It cannot be retried"},
    {"too_big",
     "it, or what its handling would have sent, is over 64 KiB: nothing helps but to do less at "
     "once"},
};

static const char *meaning(const char *reason) {
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        if (!strcmp(reasons[i].reason, reason)) return reasons[i].means;
    }
    return "not known to this version";
}

const char *sw__dead_obstacle(const struct sw_dead_letter *letter) {
    static const struct sw_actor *const actors[] = {
        &sw_actor_parser,    &sw_actor_auth,     &sw_actor_executor,
        &sw_actor_responder, &sw_actor_notifier, &sw_actor_refresher,
    };
    if (!letter->m)
        return letter->error == -ENODATA           ? "nothing was kept of it: it was no message"
               : letter->error == -EPROTONOSUPPORT ? "a newer version wrote it"
               : letter->error == -EMSGSIZE        ? "it is over 64 KiB"
                                                   : "it is no message";
    for (size_t i = 0; i < sizeof(actors) / sizeof(*actors); i++) {
        const size_t size = strlen(actors[i]->name);
        if (strcmp(actors[i]->name, letter->actor) != 0) continue;
        /* Somebody may have written anything there. */
        if (letter->lane[0] && (strncmp(letter->lane, letter->actor, size) != 0 ||
                                (letter->lane[size] && strcmp(letter->lane + size, ":bulk") != 0)))
            return "its mailbox is not one of its actor";
        for (const char *const *kind = actors[i]->kinds; *kind; kind++) {
            if (!strcmp(*kind, letter->m->kind)) return NULL;
        }
        return "its actor knows no such kind of message in this version";
    }
    return "there is no such actor";
}

/* ---- list ---- */

/* All that is known of a letter but its boxes. */
static void print_json(const struct sw_dead_letter *letter) {
    const struct sw_msg *m = letter->m;
    SW_AUTO(sw_json)
    json_t *line =
        json_pack("{s:s, s:s, s:i, s:I}", "letter", letter->id, "id", strchr(letter->id, '/') + 1,
                  "shard", (int)letter->shard, "at_ms", (json_int_t)letter->at_ms);
    json_object_update_missing(line, (json_t *)letter->fields);
    if (m) {
        json_object_set_new(line, "kind", json_string(m->kind));
        json_object_set_new(line, "cmd", json_string(m->cmd));
        json_object_set_new(line, "inst", json_string(m->inst));
        json_object_set(line, "body", m->body);
    }
    sw_cli_print_json(line);
}

static void age_of(int64_t at_ms, char ret[32]) {
    int64_t s = time(NULL) - at_ms / 1000;
    if (s < 0) s = 0;
    if (s < 120)
        snprintf(ret, 32, "%llds", (long long)s);
    else if (s < 7200)
        snprintf(ret, 32, "%lldm", (long long)s / 60);
    else if (s < 172800)
        snprintf(ret, 32, "%lldh", (long long)s / 3600);
    else
        snprintf(ret, 32, "%lldd", (long long)s / 86400);
}

/* Padded by bytes: all of it is ASCII but for what somebody else wrote there. */
static void print_cell(const char *text, int width) {
    int size = (int)strlen(text);
    sw_cli_print_text(text[0] ? text : "-");
    printf("%*s", width > size ? width - size + 1 : 1, "");
}

static void print_row(const struct sw_dead_letter *letter) {
    char age[32];
    age_of(letter->at_ms, age);
    print_cell(letter->id, 20);
    print_cell(age, 5);
    print_cell(letter->actor, 9);
    print_cell(letter->m ? letter->m->kind : "", 17);
    print_cell(letter->reason, 13);
    sw_cli_print_text(letter->m ? letter->m->cmd : "-");
    putchar('\n');
}

struct listing {
    bool json;
    size_t count;
};

static void on_letter(void *arg, const struct sw_dead_letter *letter) {
    struct listing *listing = arg;
    if (listing->json) {
        print_json(letter);
    } else {
        if (listing->count == 0)
            printf("%-20s %-5s %-9s %-17s %-13s %s\n", "ID", "AGE", "ACTOR", "KIND", "REASON",
                   "COMMAND");
        print_row(letter);
    }
    listing->count++;
}

int sw__dead_list(struct sw_dead *dead, const struct sw__dead_words *words, const char *error) {
    struct listing listing = {.json = words->json};
    int r = sw_dead_read(dead, &words->query, on_letter, &listing);
    if (r < 0) return sw_cli_fail("dead", r, error);
    if (listing.count == 0) fputs("no dead letters\n", stderr);
    return 0;
}

/* ---- show ---- */

static void print_field(const char *name, const char *text) {
    printf("%-13s ", name);
    sw_cli_print_text(text[0] ? text : "-");
    putchar('\n');
}

/* "2.<from>.<its key>.<to>.<its key>.<sealed>" */
static void print_boxes(const json_t *boxes) {
    const char *name;
    json_t *box;
    json_object_foreach((json_t *)boxes, name, box) {
        char from[16], from_key[16], to[16], to_key[16];
        SW_AUTO(sw_text) char *text = NULL;
        if (sscanf(json_string_value(box), "2.%15[a-z].%15[0-9a-f].%15[a-z].%15[0-9a-f].", from,
                   from_key, to, to_key) == 4) {
            text =
                sw_printf("%s, for %s (key %s) from %s (key %s)", name, to, to_key, from, from_key);
        } else {
            text = sw_printf("%s, which is no box", name);
        }
        print_field("box", text);
    }
}

static void print_message(const struct sw_msg *m) {
    char born[32];
    SW_AUTO(sw_text) char *body = json_dumps(m->body, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    sw_cli_time(m->born_ms, born);
    print_field("kind", m->kind);
    print_field("command", m->cmd);
    print_field("installation", m->inst);
    print_field("typed at", born);
    print_boxes(m->boxes);
    printf("body          %s\n", body ? body : "-");
}

static void on_shown(void *arg, const struct sw_dead_letter *letter) {
    const struct sw__dead_words *words = arg;
    const char *obstacle = sw__dead_obstacle(letter);
    char died[32];
    if (words->json) {
        print_json(letter);
        return;
    }
    sw_cli_time(letter->at_ms, died);
    print_field("letter", letter->id);
    print_field("died at", died);
    print_field("actor", letter->actor);
    print_field("mailbox", letter->lane[0] ? letter->lane : letter->actor);
    print_field("reason", letter->reason);
    if (letter->m) print_message(letter->m);
    printf("\n%s: %s.\n", letter->reason[0] ? "What it means" : "No reason is known",
           meaning(letter->reason));
    if (obstacle) {
        printf("It cannot be retried: %s.\n", obstacle);
    } else {
        printf("To retry it:   slipway dead retry %s\n", letter->id);
    }
    if (letter->m && letter->m->cmd[0]) {
        fputs("Its story:     slipway trace ", stdout);
        sw_cli_print_text(letter->m->cmd);
        putchar('\n');
    }
}

int sw__dead_show(struct sw_dead *dead, const struct sw__dead_words *words, const char *error) {
    int r = sw_dead_find(dead, words->ids[0], on_shown, (void *)words);
    if (r == 0) return 0;
    fprintf(stderr, "slipway dead: %s: %s\n", words->ids[0], error);
    return r == -EINVAL ? SW_EXIT_USAGE : sw_cli_exit(r);
}
