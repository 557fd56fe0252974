/* story.h -- what a command went through: written by the commit and the settle that it tells of, read by `slipway trace`.
 *
 * shapes   stream sw:{SS}:story, field m, words separated by blanks, one entry a message and one an effect:
 *          h <cmd> <inst> <actor> <kind> <entry> <born ms> <handled ms> <took us> <try> <process> <what it caused>...
 *            f<n>=<upstream> an effect, <entry>.<lane>.<n>; t<ms> a timer; a<outcome> an audit entry; p<status> a page;
 *            r<to>=<template> a reply, R the one that ends the command; x<reason> it is a dead letter;
 *            s<mailbox>=<entry> a message (commit.lua adds these)
 *          e <cmd> <inst> <actor> <effect> <upstream> <method> <path> <outcome> <status> <tries> <began ms> <took ms>
 *            <process> <safe|once> [s<mailbox>=<entry>: its answer]
 *          the id that Redis gives an entry says when it was written
 * units    ms since 1970 by Redis TIME
 * errors   none
 * owner    the caller frees what it got
 * source   ARCHITECTURE.md "The story"
 * limits   SLIPWAY_STORY_MAX entries of a shard, about; the urgent lane, and nothing that no person caused; no text that
 *          somebody typed, no ids of paths; 1 KiB an entry
 */
#ifndef SW_STORY_H
#define SW_STORY_H

#include <stdbool.h>
#include <stdint.h>

#define SW_STORY_BYTES 1024
#define SW_PATH_CHARS 96

struct sw_effect;
struct sw_entry;
struct sw_out;
struct sw_run;

/* NULL: there is no story of it. `dead`: NULL, or why it is a dead letter. */
char *sw__story_hop(const struct sw_run *run, const struct sw_entry *entry,
                    const struct sw_out *out, const char *dead);
char *sw__story_effect(const struct sw_effect *effect, const char *outcome, int status);

/* A path without its query, ":x" for each part that is not a word of an API. */
void sw_path_template(const char *path, char ret[SW_PATH_CHARS]);

#endif
