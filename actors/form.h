/* form.h -- text from outside: forms, cookies, UTF-8 that may be broken, ids and words.
 *
 * shapes   a form: name=value joined by '&', '+' is a space, %XX a byte, a '%' that starts no byte stays as it is;
 *          in JSON only names of [A-Za-z0-9_.-], 1 to 64, are kept
 * units    sizes are bytes, lengths are characters (code points)
 * errors   -E2BIG more than 32 pairs, -EEXIST a name that comes twice
 * owner    the caller owns what is returned
 * source   WHATWG URL "application/x-www-form-urlencoded"; RFC 6265 4.2; Unicode 3.9 "maximal subpart"
 * limits   32 pairs
 */
#ifndef SW_FORM_H
#define SW_FORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SW_FORM_PAIRS 32

struct sw_form { /* what is left to read */
    const char *at;
    size_t left;
};

struct sw_pair { /* raw, inside the form */
    const char *name, *value;
    size_t name_size, value_size;
};

bool sw_form_next(struct sw_form *form, struct sw_pair *ret);
/* Writes at most `size` bytes and no end; returns how many. */
size_t sw_form_decode(const char *raw, size_t size, char *ret);
int sw_form_parse(const char *text, size_t size, json_t **ret);
/* A Cookie header; of a name that comes twice the first value counts, as browsers order them. */
int sw_cookies_parse(const char *header, json_t **ret);

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. `ret_length` may be NULL. */
json_t *sw_text_json(const char *text, size_t size, size_t *ret_length);
/* At most `most` characters of UTF-8, marked with an ellipsis where something was cut. */
char *sw_text_cut(const char *text, size_t most);
/* Whether it is one of `words`, which NULL ends. */
bool sw_is_among(const char *word, const char *const *words);

#endif
