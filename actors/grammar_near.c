/* grammar_near.c -- finds the command that nearly is a word; see grammar.h. */
#include "actors/grammar_priv.h"

#include <string.h>

#define LONGEST 24 /* no word that is longer is near a command */
#define SHORT 4    /* a command of so few letters is another word after two edits */

static char fold(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Edits from one to the other: a letter more, less, another, or two that changed places; capitals
 * are taken as small letters. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    unsigned rows[3][LONGEST + 1];

    for (unsigned j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        const unsigned *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
        unsigned *row = rows[i % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            char at = fold(a[i - 1]);

            row[j] = least(above[j - 1] + (at != b[j - 1]), least(row[j - 1], above[j]) + 1);
            if (i > 1 && j > 1 && at == b[j - 2] && fold(a[i - 2]) == b[j - 1]) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_size % 3][b_size];
}

const char *sw_grammar_nearest(const char *word, size_t size) {
    const char *near = NULL;
    unsigned best = LONGEST;
    const struct sw_command *c;

    if (size > LONGEST) {
        return NULL;
    }
    for (size_t i = 0; (c = sw_grammar_command_at(i)); i++) {
        size_t letters = strlen(c->name);
        unsigned d = distance(word, size, c->name, letters);

        /* A word of one or two letters is not near just because it is short. */
        if (d < best && d <= (letters <= SHORT ? 1 : 2) && d < size) {
            best = d;
            near = c->name;
        }
    }
    return near;
}
