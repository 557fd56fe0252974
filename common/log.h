/* log.h -- one JSON object a line on stderr, for people and machines.
 *
 * shapes   {"ts", "level", "actor", "pid", "msg", then the fields in the order given}; a text that
 *          looks like a token, or like a URL that is a right in itself, is shown as [redacted]: the
 *          second line of defence, after not logging it
 * units    ts is RFC 3339 in UTC with milliseconds
 * errors   none: a line that stderr does not take is lost
 * owner    the caller keeps what it passes
 * source   none
 * limits   a text 1 KiB, marked with … where it was cut; a line 4 KiB with "cut": true, so that
 *          processes that share a pipe do not mix their lines (PIPE_BUF)
 */
#ifndef SW_LOG_H
#define SW_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_LOG_LINE_BYTES 4096

enum sw_log_level { SW_LOG_DEBUG, SW_LOG_INFO, SW_LOG_WARN, SW_LOG_ERROR };

struct sw_field {
    const char *name; /* NULL ends a list */
    enum { SW_FIELD_TEXT, SW_FIELD_INT, SW_FIELD_BOOL, SW_FIELD_ERRNO } type;
    const char *text;
    int64_t number;
};

#define SW_S(n, value)                                                                             \
    { .name = (n), .type = SW_FIELD_TEXT, .text = (value) }
#define SW_I(n, value)                                                                             \
    { .name = (n), .type = SW_FIELD_INT, .number = (value) }
#define SW_B(n, value)                                                                             \
    { .name = (n), .type = SW_FIELD_BOOL, .number = (value) }
/* An errno, negative or not, shown by its name: "ESTALE". */
#define SW_E(n, value)                                                                             \
    { .name = (n), .type = SW_FIELD_ERRNO, .number = (value) }

/* sw_log(SW_LOG_INFO, "committed", SW_S("cmd", m->cmd), SW_I("shard", 7)); fields below the least
 * level are not even evaluated. */
#define sw_log(level, ...)                                                                         \
    do {                                                                                           \
        if (sw_log_wants(level)) SW_LOG_FIELDS(level, __VA_ARGS__, {.name = NULL});                \
    } while (0)
#define SW_LOG_FIELDS(level, msg, ...)                                                             \
    sw_log_write(level, msg, (const struct sw_field[]){__VA_ARGS__})

/* Who speaks, and the least level: debug, info, warn or error. */
void sw_log_init(const char *actor, const char *least);
bool sw_log_wants(enum sw_log_level level);
void sw_log_write(enum sw_log_level level, const char *msg, const struct sw_field *fields);
/* From now on lines below warn wait for sw_log_flush, which whoever turns the loop calls after each turn. */
void sw_log_buffer(void);
void sw_log_flush(void);
/* The line without writing it; returns its size, the line feed included. */
size_t sw_log_line(char line[SW_LOG_LINE_BYTES], int64_t now_ms, enum sw_log_level level,
                   const char *msg, const struct sw_field *fields);

#endif
