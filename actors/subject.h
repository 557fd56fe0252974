/* subject.h -- what an event is about, and how far that is: a state that is folded, whatever the order of arrival.
 *
 * shapes   event: the body of event.v1 (PROTO.md); pipeline: {pipeline: {id, name}, apps: [{id, name, stage}], repo?: {id, name}},
 *          may be NULL; state: a subject's, opaque but here, mostly under 2 KiB as JSON, at most 40
 * units    *_ms since 1970 UTC, by the clocks of GitHub and Heroku
 * errors   -ENOENT an event that is never shown; -EBADMSG without what it must have
 * owner    the caller owns what is returned; all else is borrowed
 * source   ARCHITECTURE.md "Notifications"
 * limits   keys of 120 bytes, 40 lines of history (the first and the newest), 60 contexts of a CI run by name and
 *          240 more that are only counted, a notice of 12 KiB
 */
#ifndef SW_SUBJECT_H
#define SW_SUBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_SUBJECT_KEY 128

/* What filters look at. */
struct sw_subject_facts {
    const char *
        word; /* "deploys", "releases", "ci", "pulls", "pushes", "tags", "crashes", "apps", "reviews" */
    char stage[16];    /* "development", "staging", "production", "review"; "": has none */
    char branch[256];  /* "": has none */
    const char *state; /* "started", "succeeded", "failed"; "": neither */
};

/* Which subject it is about; *ret_why says why an event of -ENOENT is never shown ("a pull request was labeled"). */
int sw_subject_key(const json_t *event, const json_t *pipeline, char ret[SW_SUBJECT_KEY],
                   const char **ret_why);
/* A dyno that came up says its release, not its commit, so sw_subject_key gives -ENOENT for it. This names what both sides
 * know ("up/<app id>/v43"): of a release, keep the subject's key under it; of a dyno that is up, fold the event into the
 * subject whose key is kept there, if any. -ENOENT: neither. */
int sw_subject_link(const json_t *event, char ret[SW_SUBJECT_KEY]);
/* Of this event alone. */
void sw_subject_facts(const json_t *event, const json_t *pipeline, struct sw_subject_facts *ret);
/* Its state after the event (`state` NULL: the first). *ret_changed false: the event said nothing new. Any order of the same
 * events, with any repeats, ends in the same state. */
json_t *sw_subject_fold(const json_t *state, const json_t *event, bool *ret_changed);
/* "started", "succeeded", "failed", or "": what the subject as a whole is in. */
const char *sw_subject_state(const json_t *state);
/* Nothing more is expected of it. */
bool sw_subject_ended(const json_t *state);
/* A deploy of the same commit to the same app is of the same key, and has a life of its own: of which of them an event is,
 * these two tell. It is of an id (a build's, a deployment's, a release's version) that the state has. */
bool sw_subject_knows(const json_t *state, const json_t *event);
/* 1: what the event is of began after the subject had ended; 0: it did not; -ENODATA: that cannot be told. */
int sw_subject_is_past(const json_t *state, const json_t *event);
/* People whom a notice would name: [{provider, id}], at most 5; of Heroku the id, or the email where no id is known. */
json_t *sw_subject_people(const json_t *state);
/* The body of notice.v1 without who, op and n: {parent, log?, broadcast?, digest, final}. `people`: {"<provider>/<id>": Slack
 * user id}, those who are linked; may be NULL. */
json_t *sw_subject_notice(const json_t *state, const json_t *pipeline, const json_t *people);

#endif
