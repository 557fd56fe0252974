/* util.h -- the small tools every part of the sim uses: memory, time, ids, forms, maps, timers.
 *
 * shapes   form     application/x-www-form-urlencoded <-> one JSON object of strings
 *          map      text -> pointer; keys are copied, values belong to the caller
 *          timer    one shot on the monotonic clock; `dropped` is true when it is forgotten instead
 * units    *_ms; sim_now_ms is wall time since 1970 UTC, sim_mono_ms only ever grows
 * errors   out of memory aborts; sim_form_parse returns NULL for broken escapes
 * owner    the one thread of the sim
 * source   WHATWG URL "application/x-www-form-urlencoded"; RFC 9562 (uuid layout)
 * limits   none; callers bound what they keep
 */
#ifndef SIM_UTIL_H
#define SIM_UTIL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SIM_FREE __attribute__((cleanup(sim_free_text)))

struct sim;
struct sim_map;

struct sim_buf {
    char *data; /* NUL-terminated once anything was added */
    size_t len, size;
};

void *sim_alloc(size_t bytes); /* zeroed */
void *sim_realloc(void *p, size_t bytes);
char *sim_strdup(const char *text); /* NULL stays NULL */
char *sim_strndup(const char *text, size_t len);
char *sim_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sim_free_text(char **text);

void sim_buf_add(struct sim_buf *buf, const void *data, size_t len);
void sim_buf_printf(struct sim_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_buf_free(struct sim_buf *buf);

int64_t sim_now_ms(void);
int64_t sim_mono_ms(void);
void sim_time_iso(int64_t ms, char ret[32]);

void sim_random_text(char *ret, size_t chars); /* letters and digits; ret has chars + 1 bytes */
void sim_random_hex(char *ret, size_t chars);
void sim_uuid_random(char ret[37]);
void sim_uuid_seeded(const char *seed, const char *label, char ret[37]);
void sim_hex_seeded(const char *seed, const char *label, char *ret, size_t chars);

/* 127.0.0.1 or localhost, what follows is a port or a path; or whatever is in the network of --host. */
bool sim_is_local(const char *host);
void sim_local_network(const char *address); /* the /16 of an address */

json_t *sim_form_parse(const char *body, size_t len);
void sim_form_add(struct sim_buf *buf, const char *key, const char *value, size_t value_len);
void sim_html_escape(struct sim_buf *buf, const char *text);

const char *sim_json_text(const json_t *object, const char *key); /* NULL when absent */
const char *sim_json_text2(const json_t *object, const char *key, const char *key2);
int64_t sim_json_int(const json_t *object, const char *key, int64_t otherwise);

struct sim_map *sim_map_create(void);
void sim_map_destroy(struct sim_map *map, void (*value_free)(void *));
void *sim_map_get(const struct sim_map *map, const char *key);
void *sim_map_put(struct sim_map *map, const char *key, void *value); /* returns the old value */
void *sim_map_take(struct sim_map *map, const char *key);             /* removes and returns it */
size_t sim_map_count(const struct sim_map *map);
void sim_map_each(const struct sim_map *map, void (*fn)(const char *key, void *value, void *arg),
                  void *arg);

typedef void sim_timer_fn(struct sim *sim, void *arg, bool dropped);
struct sim_timers;
struct sim_timers *sim_timers_create(void);
void sim_timers_destroy(struct sim *sim, struct sim_timers *timers);
void sim_timer_add(struct sim *sim, int64_t delay_ms, bool forgettable, sim_timer_fn *fn,
                   void *arg);
void sim_timer_run(struct sim *sim);              /* those that are due */
int64_t sim_timer_next_ms(const struct sim *sim); /* until the next one, -1 when there is none */
void sim_timer_forget(struct sim *sim);           /* drops the forgettable ones */

#endif
