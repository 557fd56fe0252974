/* story_read.h -- puts the story of a command together again: from the entries of story.h, what is owed and the audit.
 *
 * shapes   {"command", "installation", "shard", "born_ms",
 *           "steps": in the order in which they were written,
 *             [{"step": "message", "at_ms", "actor", "kind", "entry", "handled_ms", "took_us", "try", "process",
 *               "waited_ms"?, "cause": what sent it, as "auth=7-1" (an entry) or "auth=7-1.0.2" (an effect), "door", "timer" or "unknown", "of"?: the other
 *               command that sent it, "dead"?: why it is a dead letter, "audit"?: [outcome], "page"?: status,
 *               "answers"?: [{"to", "template", "final"}], "effects"?: [effect], "timers"?: [ms], "sent"?: ["auth=7-1"]}
 *              {"step": "effect", "at_ms", "actor", "effect", "cause": as "auth=7-1", "upstream", "method", "path", "outcome",
 *               "status", "tries", "began_ms", "took_ms", "process", "once", "sent"?: [its answer]}],
 *           "owed": [{"what": "message", "actor", "lane", "entry", "kind"} | {"what": "effect", "actor", "effect",
 *               "upstream", "method", "path", "started"} | {"what": "timer", "actor", "kind", "due_ms"}],
 *           "audit": [entry], "ended": null | {"how", "after_ms"}}
 *          of an id that fits several commands {"commands": [id]}; of one that is not known {"oldest_ms"} alone (0: no story);
 *          each also "away"?: why a Redis could not be read, of several
 * units    ms since 1970 by Redis TIME
 * errors   as sync.h, with its one line
 * owner    the caller frees
 * source   story.h, actor.h "sw_audit"
 * limits   about SLIPWAY_STORY_MAX entries of a shard are there; of several commands ten are named
 */
#ifndef SW_STORY_READ_H
#define SW_STORY_READ_H

#include "common/conf.h"

#include <jansson.h>

/* When the command came in, or just before, by how its id begins; -EINVAL: no id begins so. */
int sw_story_since(const char *begin, int64_t *ret_ms);

/* `begin`: the id or how it begins. */
int sw_story_read(const struct sw_conf *conf, const char *begin, json_t **ret, char *error,
                  size_t room);

/* ---- pure ---- */

/* An entry as a step, which also has "command", "installation" and of a message "born_ms"; NULL: it is none. */
json_t *sw_story_step(const char *words, int64_t at_ms);
/* Says of each step what caused it, and how long it waited. */
void sw_story_join(json_t *steps);
/* "ended" of a story whose other members are there (the caller frees). */
json_t *sw_story_ended(const json_t *story);

#endif
