/* subject_priv.h -- a subject's state as a join, and what each kind of event adds to it.
 *
 * shapes   state: {"kind", "reg": {name: [at_ms, rank, value]}, "part": {hash: [at_ms, rank, value]}, "set": {name: [at_ms]},
 *          "line": [[at_ms, rank, word, {args}]], "seen"?: [hash], "first"?: at_ms}; each of them only grows in an order of its
 *          own (newest, smallest, first and newest of a set), so that joining is associative, commutative and idempotent
 * units    *_ms since 1970 UTC; rank: how far a state is, of two of the same time the higher wins
 * errors   none: what an event does not say is left out
 * owner    sw__fold_* take the values they are given; a view borrows the state
 * source   Shapiro et al., "Conflict-free replicated data types"
 * limits   SW__LINES lines, SW__PARTS + SW__SHORT parts, SW__DYNOS sets of SW__TIMES times
 */
#ifndef SW_SUBJECT_PRIV_H
#define SW_SUBJECT_PRIV_H

#include "actors/subject.h"
#include "common/mem.h"
#include "proto/value.h"

#define SW__LINES 40
#define SW__LINES_FIRST 5
#define SW__PARTS 60
#define SW__SHORT 240
#define SW__SEEN 256
#define SW__DYNOS 30
#define SW__TIMES 20
#define SW__NAME_BYTES 64
#define SW__TITLE_BYTES 160
#define SW__URL_BYTES 240

/* A kind of event. */
struct sw__about {
    const char *type;
    int (*key)(const json_t *event, const json_t *pipeline, char *ret, const char **ret_why);
    void (*facts)(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret);
    /* Of the subject; "": of any that its link leads to; NULL: of none. */
    const char *(*kind)(const json_t *event);
    void (*fold)(json_t *state, const json_t *event);
};
extern const struct sw__about sw__about_ci[], sw__about_github[], sw__about_deployment[],
    sw__about_heroku[], sw__about_app[];

/* A kind of subject: what its state comes to. */
struct sw__view {
    const char *kind;
    /* Its variant of the template: "live", "failed"; NULL: the general one. */
    const char *(*phase)(const json_t *state);
    const char *(*state)(const char *phase);
    bool (*ended)(const char *phase);
    int64_t (*ended_ms)(const json_t *state); /* NULL: it lives but once */
    /* What the templates need besides; and the id of a failure that is told to the channel, or NULL (the caller's). */
    void (*show)(const json_t *state, const char *phase, const json_t *pipeline, json_t *data);
    char *(*alarm)(const json_t *state);
    /* NULL: each line of the history is shown. */
    bool (*hides)(const json_t *state, const json_t *line);
};
extern const struct sw__view sw__view_commit, sw__view_pull, sw__view_tag, sw__view_deployment,
    sw__view_review, sw__view_deploy, sw__view_release, sw__view_crash, sw__view_app;
const struct sw__view *sw__view_of(const json_t *state); /* NULL: of no kind that is known */

/* ---- what an event adds ---- */
void sw__fold_reg(json_t *state, const char *name, int64_t at_ms, int64_t rank, json_t *value);
/* Only the first SW__PARTS by hash keep their value; of the next SW__SHORT, the first letters of "l" and "s". */
void sw__fold_part(json_t *state, const char *name, int64_t at_ms, int64_t rank, json_t *value);
void sw__fold_time(json_t *state, const char *name, int64_t at_ms);
/* Where `args` hold "i", the same words are shown once, whatever times they were told with. */
void sw__fold_line(json_t *state, int64_t at_ms, int64_t rank, const char *word, json_t *args);
void sw__fold_first(json_t *state, int64_t at_ms);

/* ---- what is read of it ---- */
const json_t *sw__reg(const json_t *state, const char *name); /* its value, or NULL */
int64_t sw__reg_at(const json_t *state, const char *name);    /* 0: there is none */
bool sw__is(const json_t *object, const char *key, const char *word);

uint64_t sw__hash(const char *text);

/* ---- values from events ---- */
int64_t sw__at(const json_t *event);
/* One line without control characters, cut between characters with an ellipsis; NULL: nothing. */
json_t *sw__words(const json_t *object, const char *path, size_t max);
/* An id as text: of letters, digits, dashes; "" where it is none. */
void sw__id_of(const json_t *object, const char *path, char *ret, size_t room);
/* https, no more than `max` bytes, nothing that could end a link; NULL otherwise. */
json_t *sw__url(const json_t *object, const char *path, size_t max);
/* Sets a value unless it is NULL; takes it. */
void sw__put(json_t *object, const char *key, json_t *value);
/* {"p": "github/12", "n": "ada"} of a GitHub user {id, login}, of Heroku's {id?, email}; NULL: nobody. */
json_t *sw__person_github(const json_t *user);
json_t *sw__person_heroku(const json_t *actor);
/* The last part of a key: as it is where it is harmless and short, else its beginning and a hash. */
void sw__key_tail(const char *text, size_t room, char *ret);
int sw__key(char *ret, const char *kind, const char *id, const char *tail);
void sw__copy(char *ret, size_t room, const char *text);
/* A stage by its word or by how people call it; "": none. */
const char *sw__stage_word(const char *word);
const char *sw__stage_of_app(const json_t *pipeline, const char *id, const char *name);
/* Repository, its address, and the text of the commit that all of GitHub's events may say. */
void sw__fold_repo(json_t *state, const json_t *event);
/* The app that Heroku's events are of, and its stage. */
void sw__fold_app(json_t *state, const json_t *event);
void sw__show_app(const json_t *state, const json_t *pipeline, json_t *data);
/* Of the phases of what is deployed: "started", "succeeded", "failed", or "". */
const char *sw__phase_state(const char *phase);
bool sw__phase_ended(const char *phase);
int sw__phase_rank(const char *phase);
bool sw__is_in(const char *word, const char *const *words);

#endif
