/* key_file.h -- key files for an operator: what stands in them, and how a key comes, takes over and goes.
 *
 * shapes   <dir>/<name>.key, and <dir>/<name>.pub of a role; a line is a key: 64 hex digits and, once this program changed the
 *          file, " <standing> <time>" (UTC, 2026-11-27T11:00:00Z). The first line is current whatever it says
 *          id: the first 8 hex digits of the key's SHA-256 (of a role: of its public key)
 *          standing: "added" (opens, does not seal yet), "current", "former" (opens what it sealed)
 * units    *_ms milliseconds since 1970 UTC
 * errors   -errno of the file; -EINVAL not a ring, or the .pub does not belong to the .key; sw_ring_add: -EEXIST a key is added
 *          already, -ENOSPC the ring is full; sw_ring_rotate: -ENOENT no key is added; sw_ring_retire: -ENOENT no such key,
 *          -EBUSY it is current. `error` gets one line
 * owner    the caller; no secret leaves
 * source   Kubernetes "Secrets"; rename(2): a file is replaced whole, its mode and owner kept
 * limits   SW_RING_MAX keys a file; one change at a time (flock of the directory)
 */
#ifndef SW_KEY_FILE_H
#define SW_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_RING_MAX 4
#define SW_KEY_ID_CHARS 8

enum sw_standing { SW_KEY_CURRENT, SW_KEY_ADDED, SW_KEY_FORMER };

struct sw_ring_key {
    char id[SW_KEY_ID_CHARS + 1];
    enum sw_standing standing;
    int64_t since_ms; /* when it got this standing; of a file never changed: when it was written */
};

struct sw_ring {
    unsigned count;
    struct sw_ring_key key[SW_RING_MAX]; /* [0] is current */
};

/* "ingress", ... "notifier", "token", "state", "curve-ingress", ... "curve-notifier"; NULL at the end. */
extern const char *const sw_ring_names[];
bool sw_ring_is_name(const char *name);
extern const char *const sw_standing_names[];

/* Of a role whose secret lives elsewhere: its .pub. */
int sw_ring_read(const char *dir, const char *name, struct sw_ring *ret, char *error, size_t room);
int sw_ring_add(const char *dir, const char *name, char ret_id[SW_KEY_ID_CHARS + 1], char *error,
                size_t room);
int sw_ring_rotate(const char *dir, const char *name, char ret_id[SW_KEY_ID_CHARS + 1], char *error,
                   size_t room);
int sw_ring_retire(const char *dir, const char *name, const char *id, char *error, size_t room);

#endif
