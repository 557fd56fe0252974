/* event_priv.h -- the allow-list: what is taken from where, and how much of it.
 *
 * shapes   a table of rows per type, ended by one without `to`; paths are names joined by dots, `from` may be several, joined by
 *          '|', the first that is there counts
 * units    sizes are bytes
 * errors   sw__event_pick, sw__event_fill: -EBADMSG where something that must be there is not, or is of another kind
 * owner    the caller owns the record
 * source   event.h
 * limits   64 bytes a name of a path, 10 names of a list
 */
#ifndef SW_EVENT_PRIV_H
#define SW_EVENT_PRIV_H

#include "actors/event.h"

enum sw__take {
    SW__TEXT,     /* cut at `most` bytes (0: 300); an empty one is none */
    SW__LINE,     /* its first line */
    SW__WORD,     /* [0-9A-Za-z_.:-], 1 to 64: of an id or an enumeration */
    SW__NUMBER,   /* an integer that is not negative */
    SW__TIME,     /* a time as text, in ms since 1970 */
    SW__SHA,      /* 40 or 64 hex digits */
    SW__REPO,     /* owner/name */
    SW__FLAG,     /* true or false; absent: false */
    SW__PERHAPS,  /* true or false; absent: none */
    SW__LINK,     /* https, at most 500 bytes, with nothing in it that opens a door */
    SW__NAMES,    /* of a list of objects their names, each cut */
    SW__COUNT,    /* of a list how many; absent: 0 */
    SW__OP,       /* the command id in a deployment's payload */
    SW__OP_WORDS, /* the one in a build's description, "(slipway <id>)" */
};

struct sw__row {
    const char *to, *from;
    enum sw__take take;
    bool must;
    unsigned most;
};
/* Rows; the tables are read best so. */
#define CUT(to, from, take, most)                                                                  \
    { to, from, SW__##take, false, most }
#define MAY(to, from, take)                                                                        \
    { to, from, SW__##take, false, 0 }
#define MUST(to, from, take)                                                                       \
    { to, from, SW__##take, true, 0 }
#define END                                                                                        \
    { NULL, NULL, SW__TEXT, false, 0 }

const json_t *sw__event_at(const json_t *from, const char *path);
int sw__event_pick(json_t *record, const json_t *payload, const struct sw__row *rows);
/* Picks by each of the tables (NULL: none), and cuts what is there to SW_EVENT_BYTES. */
int sw__event_fill(json_t *record, const json_t *payload, const struct sw__row *const tables[3]);
/* The first of these paths that is a time, or seconds since 1970, and not of an hour or more ahead; else now_ms. */
int64_t sw__event_ms(const json_t *payload, const char *paths, int64_t now_ms);
/* Cuts the longest texts until all of it takes no more than `most` bytes. */
void sw__event_fit(json_t *record, size_t most);

#endif
