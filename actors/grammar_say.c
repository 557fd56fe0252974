/* grammar_say.c -- what of a text can be shown, and where it is then; see grammar_priv.h. */
#include "actors/grammar_priv.h"
#include "common/mem.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS "\xe2\x80\xa6"    /* U+2026 */

static const char masked[] = "[code]"; /* told apart by its address */

size_t sw__grammar_utf8(const char *text, size_t size) {
    const unsigned char *b = (const unsigned char *)text;
    size_t more = b[0] < 0x80 ? 0 : b[0] < 0xc2 ? 4 : b[0] < 0xe0 ? 1 : b[0] < 0xf0 ? 2 : 3;

    if (b[0] > 0xf4 || more >= 4 || more >= size) {
        return 0;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Too long for what they say, surrogates, beyond U+10FFFF. */
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
        (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f)) {
        return 0;
    }
    return more + 1;
}

json_t *sw__grammar_string(const char *text, size_t size) {
    json_t *whole = json_stringn(text, size);
    SW_AUTO(sw_text) char *fixed = NULL;
    size_t used = 0;

    if (whole) {
        return whole;
    }
    fixed = sw_malloc(3 * size + 1);
    for (size_t at = 0; at < size;) {
        size_t step = sw__grammar_utf8(text + at, size - at);

        memcpy(fixed + used, step ? text + at : REPLACEMENT, step ? step : 3);
        used += step ? step : 3;
        at += step ? step : 1;
    }
    return json_stringn(fixed, used);
}

size_t sw__grammar_word(const char *text, size_t size) {
    const char *blank = size > 0 ? memchr(text, ' ', size) : NULL;

    return blank ? (size_t)(blank - text) : size;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Capitals too: a YubiKey types them where caps lock is on. */
static bool is_modhex(char c) {
    return c && strchr("cbdefghijklnrtuvCBDEFGHIJKLNRTUV", c);
}

/* The bytes at `text` that may be a one-time code or most of one: also as "123 456", or mistyped.
 */
static size_t secret(const char *text, size_t size) {
    size_t letters = 0, digits = 0, at = 0;

    while (letters < size && is_modhex(text[letters])) {
        letters++;
    }
    if (letters >= 24) {
        return letters;
    }
    while (at < size &&
           (is_digit(text[at]) || (digits > 0 && at + 1 < size && is_digit(text[at + 1]) &&
                                   (text[at] == ' ' || text[at] == '-')))) {
        digits += is_digit(text[at++]);
    }
    return digits >= 5 ? at : 0;
}

/* The bytes at `text` that belong to one run of letters or digits, so that none is looked at twice.
 */
static size_t run(const char *text, size_t size) {
    size_t n = 0;

    while (n < size && (is_digit(text[0]) ? is_digit(text[n]) : is_modhex(text[n]))) {
        n++;
    }
    return n;
}

/* What the bytes at some place are shown as. */
struct shown {
    const char *text;
    size_t size;
    size_t step; /* bytes that it stands for */
};

static struct shown show(struct sw__span text, size_t at, bool may_be_secret) {
    const char *here = text.start + at;
    size_t left = text.size - at, step = sw__grammar_utf8(here, left);
    size_t hidden = may_be_secret ? secret(here, left) : 0;

    if (hidden > 0) {
        return (struct shown){masked, strlen(masked), hidden};
    }
    if (step == 0) {
        return (struct shown){REPLACEMENT, strlen(REPLACEMENT), 1};
    }
    if (step == 1 && ((unsigned char)*here < 0x20 || *here == 0x7f)) {
        return (struct shown){" ", 1, 1};
    }
    return (struct shown){here, step, step};
}

/* `shown` stands for what is at `at`: is that before the place, or of it? */
static void count(struct sw__place *place, struct sw__span text, size_t at, struct shown shown) {
    const char *from = text.start + at, *to = from + shown.step;
    size_t characters = 0;

    for (size_t i = 0; i < shown.size; i++) {
        characters += ((unsigned char)shown.text[i] & 0xc0) != 0x80;
    }
    if (!place->span.start || to <= place->span.start) {
        place->at += characters;
    } else if (from < place->span.start + place->span.size) {
        place->length += characters;
    }
}

void sw__grammar_clean(struct sw__span text, bool mask, char *out, size_t room,
                       struct sw__place *place) {
    struct sw__place unused = {.at = 0};
    struct sw__span name = {NULL, 0};
    size_t used = 0, plain_until = 0;

    place = place ? place : &unused;
    for (size_t at = 0; at < text.size;) {
        struct shown s = show(text, at, mask && at >= plain_until);
        size_t channel = *s.text == '<' ? sw__grammar_channel(s.text, text.size - at, &name) : 0;

        if (channel > 0) { /* the name is what is seen, behind its # */
            s = (struct shown){"#", 1, (size_t)(name.start - s.text)};
        } else if (name.start && s.text == name.start + name.size) {
            s = (struct shown){"", 0, *s.text == '|' ? 2 : 1}; /* its end */
        }
        if (used + s.size + strlen(ELLIPSIS) >= room) {
            s = (struct shown){ELLIPSIS, strlen(ELLIPSIS), text.size - at};
        } else if (at >= plain_until && s.text != masked) {
            plain_until = at + run(text.start + at, text.size - at);
        }
        count(place, text, at, s);
        memcpy(out + used, s.text, s.size);
        used += s.size;
        at += s.step;
    }
    out[used] = '\0';
    if (place->length == 0) { /* it is missing at the end */
        place->at += used > 0;
        place->length = 1;
    }
}
