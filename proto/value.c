/* value.c -- jansson to msgpack and back; see value.h. */
#include "proto/value.h"

#include <errno.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 255

static int write_or_die(void *buffer, const char *data, size_t size) {
    if (msgpack_sbuffer_write(buffer, data, size) < 0) abort();
    return 0;
}

static void pack_string(msgpack_packer *packer, const char *text, size_t size) {
    msgpack_pack_str(packer, size);
    msgpack_pack_str_body(packer, text, size);
}

static int pack(msgpack_packer *packer, const json_t *value, unsigned depth) {
    if (depth > SW_VALUE_DEPTH) return -EBADMSG;
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *item;
        msgpack_pack_map(packer, json_object_size(value));
        json_object_foreach((json_t *)value, key, item) {
            if (strlen(key) > KEY_MAX) return -EBADMSG;
            pack_string(packer, key, strlen(key));
            int r = pack(packer, item, depth + 1);
            if (r < 0) return r;
        }
        return 0;
    }
    case JSON_ARRAY: {
        size_t i;
        json_t *item;
        msgpack_pack_array(packer, json_array_size(value));
        json_array_foreach(value, i, item) {
            int r = pack(packer, item, depth + 1);
            if (r < 0) return r;
        }
        return 0;
    }
    case JSON_STRING:
        pack_string(packer, json_string_value(value), json_string_length(value));
        return 0;
    case JSON_INTEGER:
        return msgpack_pack_int64(packer, json_integer_value(value));
    case JSON_REAL:
        return msgpack_pack_double(packer, json_real_value(value));
    case JSON_TRUE:
        return msgpack_pack_true(packer);
    case JSON_FALSE:
        return msgpack_pack_false(packer);
    case JSON_NULL:
        break;
    }
    return msgpack_pack_nil(packer);
}

int sw_value_pack(const json_t *value, char **ret_data, size_t *ret_size) {
    msgpack_sbuffer buffer;
    msgpack_packer packer;

    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, write_or_die);
    int r = pack(&packer, value, 0);
    if (r == 0 && buffer.size > SW_VALUE_MAX_BYTES) r = -EMSGSIZE;
    if (r < 0) {
        msgpack_sbuffer_destroy(&buffer);
        return r;
    }
    *ret_size = buffer.size;
    *ret_data = msgpack_sbuffer_release(&buffer);
    return 0;
}

static json_t *from_object(const msgpack_object *o, unsigned depth);

static json_t *from_map(const msgpack_object_map *map, unsigned depth) {
    json_t *object = json_object();
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        json_t *value =
            key->type == MSGPACK_OBJECT_STR ? from_object(&map->ptr[i].val, depth + 1) : NULL;
        char name[KEY_MAX + 1];
        size_t size = value ? key->via.str.size : 0;
        if (!value || size > KEY_MAX || (size && memchr(key->via.str.ptr, 0, size))) {
            json_decref(value);
            json_decref(object);
            return NULL;
        }
        if (size) memcpy(name, key->via.str.ptr, size);
        name[size] = 0;
        /* json_object_set_new refuses a key that is not UTF-8. */
        if (json_object_set_new(object, name, value) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *from_array(const msgpack_object_array *array, unsigned depth) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < array->size; i++) {
        json_t *value = from_object(&array->ptr[i], depth + 1);
        if (!value) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, value);
    }
    return list;
}

static json_t *from_object(const msgpack_object *o, unsigned depth) {
    if (depth > SW_VALUE_DEPTH) return NULL;
    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
        return json_null();
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(o->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return o->via.u64 > INT64_MAX ? NULL : json_integer((json_int_t)o->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return json_integer(o->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return json_real(o->via.f64); /* NULL for NaN and infinity */
    case MSGPACK_OBJECT_STR:
        if (o->via.str.size == 0) return json_string("");     /* ptr may be NULL */
        return json_stringn(o->via.str.ptr, o->via.str.size); /* NULL where not UTF-8 */
    case MSGPACK_OBJECT_ARRAY:
        return from_array(&o->via.array, depth);
    case MSGPACK_OBJECT_MAP:
        return from_map(&o->via.map, depth);
    case MSGPACK_OBJECT_BIN:
    case MSGPACK_OBJECT_EXT:
        break;
    }
    return NULL;
}

static uint64_t big_endian(const unsigned char *p, size_t size) {
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++) {
        n = n << 8 | p[i];
    }
    return n;
}

/* How many bytes of a number follow the tag; what it counts: bytes of text, or items (two of each in a
 * map), or nothing. False for a type that is not ours. */
static bool tag_form(unsigned char tag, size_t *ret_number, bool *ret_text, unsigned *ret_items) {
    *ret_number = 0;
    *ret_text = false;
    *ret_items = 0;
    if (tag >= 0xca && tag <= 0xcb) {
        *ret_number = tag == 0xca ? 4 : 8;
    } else if (tag >= 0xcc && tag <= 0xd3) {
        *ret_number = (size_t)1 << (tag & 3);
    } else if (tag >= 0xd9 && tag <= 0xdb) {
        *ret_number = (size_t)1 << (tag - 0xd9);
        *ret_text = true;
    } else if (tag >= 0xdc && tag <= 0xdf) {
        *ret_number = tag & 1 ? 4 : 2;
        *ret_items = tag < 0xde ? 1 : 2;
    } else {
        return tag < 0xc1 || tag == 0xc2 || tag == 0xc3 || tag >= 0xe0;
    }
    return true;
}

/* msgpack-c allocates what a list claims to hold before it has read any of it: five bytes can ask for
 * 100 GB. An item takes at least a byte, so a count over the bytes that are left is refused first. */
static bool counts_fit(const unsigned char *data, size_t size) {
    size_t at = 0;
    for (uint64_t owed = 1; owed > 0; owed--) {
        size_t number;
        bool text;
        unsigned items;
        if (owed > size - at) return false;
        unsigned char tag = data[at++];
        if (!tag_form(tag, &number, &text, &items) || number > size - at) return false;
        uint64_t n = big_endian(data + at, number);
        at += number;
        if (tag >= 0xa0 && tag <= 0xbf) {
            n = tag & 31;
            text = true;
        } else if (tag >= 0x80 && tag <= 0x9f) {
            n = tag & 15;
            items = tag < 0x90 ? 2 : 1;
        }
        if (text) {
            if (n > size - at) return false;
            at += n;
        }
        owed += n * items;
    }
    return at == size;
}

int sw_value_unpack(const char *data, size_t size, json_t **ret) {
    msgpack_unpacked unpacked;
    size_t offset = 0;

    if (size > SW_VALUE_MAX_BYTES) return -EMSGSIZE;
    if (!counts_fit((const unsigned char *)data, size)) return -EBADMSG;
    msgpack_unpacked_init(&unpacked);
    json_t *value = NULL;
    if (msgpack_unpack_next(&unpacked, data, size, &offset) == MSGPACK_UNPACK_SUCCESS &&
        offset == size) {
        value = from_object(&unpacked.data, 0);
    }
    msgpack_unpacked_destroy(&unpacked);
    if (!value) return -EBADMSG;
    *ret = value;
    return 0;
}

const char *sw_str(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_int_t sw_int(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

bool sw_list_has(const json_t *list, const char *text) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        if (json_is_string(one) && !strcmp(json_string_value(one), text)) return true;
    }
    return false;
}
