/* subject_world.h -- events of subjects, and what a channel reads of them.
 *
 * shapes   a history: lines of JSON with ' for ", each "<seconds> {event}", the way it happened; what they share is told once
 * units    seconds after 2025-11-27 14:00 UTC
 * errors   a line that is no JSON fails the test
 * owner    the caller owns what is returned
 * source   PROTO.md event.v1
 * limits   64 events a history
 */
#ifndef SW_TESTS_SUBJECT_WORLD_H
#define SW_TESTS_SUBJECT_WORLD_H

#include "actors/subject.h"
#include "actors/templates.h"
#include "common/mem.h"
#include "proto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0_MS 1764252000000LL
#define SHA "4f2a9c1d0e5b6a7c8d9e0f1a2b3c4d5e6f7a8b9c"
#define REPO                                                                                       \
    "'repo':{'id':7,'name':'acme/storefront','url':'https://github.com/acme/"                      \
    "storefront','default_branch':'main'}"
#define ADA "'sender':{'id':11,'login':'ada'}"
#define OF_APP                                                                                     \
    "'app':{'id':'a1','name':'storefront-staging'},'actor':{'id':'h11','email':'ada@example.com'}"
#define PIPELINE                                                                                   \
    "{'pipeline':{'id':'p1','name':'storefront'},'repo':{'id':7,'name':'acme/"                     \
    "storefront'},'apps':[{'id':'a1','name':'storefront-staging','stage':'staging'},{'id':'a2',"   \
    "'name':'storefront','stage':'production'}]}"

static inline json_t *quoted(const char *text) {
    SW_AUTO(sw_text) char *copy = sw_strdup(text);
    json_error_t error;
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(copy, 0, &error);
    if (!value) fail_msg("%s in %s", error.text, copy);
    return value;
}

static inline json_t *event_of(const char *line) {
    char *rest;
    double seconds = strtod(line, &rest);
    json_t *event = quoted(rest);
    json_object_set_new(event, "at_ms", json_integer(T0_MS + (json_int_t)(seconds * 1000)));
    return event;
}

static inline json_t *fold_all(const char *const *history) {
    json_t *state = NULL;
    bool changed;
    for (; *history; history++) {
        SW_AUTO(sw_json) json_t *event = event_of(*history), *old = state;
        state = sw_subject_fold(old, event, &changed);
    }
    return state;
}

static inline json_t *notice_of(const json_t *state) {
    static json_t *pipeline, *people; /* thousands of notices need the same */
    if (!pipeline) pipeline = quoted(PIPELINE);
    if (!people) people = quoted("{'github/11':'U0ADA','heroku/h11':'U0ADA'}");
    return sw_subject_notice(state, pipeline, people);
}

/* All that the message shows, block below block; the fallback is its first. */
static inline char *shown(const json_t *part) {
    SW_AUTO(sw_json)
    json_t *message = sw_template_render(&(struct sw_template_in){
        .id = sw_str(part, "template"), .data = json_object_get(part, "data"), .cmd = "0001-abc"});
    char *text = sw_strdup("");
    json_t *block;
    size_t i;
    json_array_foreach(json_object_get(message, "blocks"), i, block) {
        const json_t *from = json_object_get(block, "text");
        if (!from) from = json_array_get(json_object_get(block, "elements"), 0);
        char *longer = sw_printf("%s%s%s", text, i ? "\n" : "", sw_str(from, "text"));
        free(text);
        text = longer;
    }
    return text;
}

/* The same without Slack's words for a time: "14:00:07  ..." */
static inline char *shown_log(const json_t *notice) {
    char *text = shown(json_object_get(notice, "log")), *to = text;
    for (const char *from = text; *from;) {
        if (strncmp(from, "<!date^", 7) != 0) {
            *to++ = *from++;
            continue;
        }
        int seconds = (int)(atoll(from + 7) - T0_MS / 1000);
        from += strcspn(from, ">") + 1;
        to += sprintf(to, "%d", seconds);
    }
    *to = 0;
    return text;
}

#endif
