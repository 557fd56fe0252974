/* value.h -- one value type everywhere: jansson in memory, msgpack on the wire and in Redis.
 *
 * shapes   null, true, false, integer, real, string (UTF-8, may hold NUL), array, object with string keys;
 *          bin and ext of msgpack are refused: nothing of ours writes them
 * units    sizes are bytes
 * errors   -EBADMSG not msgpack, trailing bytes, or too deep; -EMSGSIZE over `max_bytes`
 * owner    the caller owns what is returned: json_decref, free
 * source   msgpack spec; jansson "Data Structures"
 * limits   depth 16, 1 MiB a value
 */
#ifndef SW_VALUE_H
#define SW_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SW_VALUE_DEPTH 16
#define SW_VALUE_MAX_BYTES (1024 * 1024)

/* Packs any value; *ret_data is malloc'd. */
int sw_value_pack(const json_t *value, char **ret_data, size_t *ret_size);
int sw_value_unpack(const char *data, size_t size, json_t **ret);

/* "" where the key is absent or not a string; never NULL. The pointer lives as long as `object`. */
const char *sw_str(const json_t *object, const char *key);
/* 0 where the key is absent or not an integer. */
json_int_t sw_int(const json_t *object, const char *key);
/* Whether this text is in an array. */
bool sw_list_has(const json_t *list, const char *text);

#endif
