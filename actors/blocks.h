/* blocks.h -- what Slack shows: text that cannot do harm, and the few blocks that we use.
 *
 * shapes   a text is mrkdwn: our own words as they are, values always escaped (& < >), without
 *          control and direction characters. A pattern is our words with {key}, {key.inner},
 *          {key:how}; how: text, bold, code, typed (code after "/h "), pre (lines of code), user, channel, date, clock,
 *          took (ms), v (42 and "v42" give v42), link, list (of code words, then how many more). [ ... ] is left
 *          out where the first key in it is absent, empty, 0 or false; {?key}, {!key} only test
 * units    limits count characters (code points) of what is sent, escapes included
 * errors   none: what does not fit is cut between characters, never inside an escape, a mention,
 *          a link or a pair of marks, and ends with an ellipsis; a missing value is "?"
 * owner    sw_mrkdwn_end releases the text; the caller owns the blocks
 * source   Slack: "Formatting message text", "Block Kit reference"
 * limits   no [ ] within [ ]; section 3000, 10 fields of 2000, 50 blocks; a value of 500; 25
 *          buttons, label 75, line 2000, confirmation 300
 */
#ifndef SW_BLOCKS_H
#define SW_BLOCKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_SECTION_MAX 3000
#define SW_FIELD_MAX 2000
#define SW_FIELDS_MAX 10
#define SW_BLOCKS_MAX 50
#define SW_VALUE_MAX 500
#define SW_BUTTONS_MAX 25
#define SW_LABEL_MAX 75
#define SW_LINE_MAX 2000
#define SW_CONFIRM_MAX 300

struct sw_mrkdwn {
    char *bytes; /* NUL-terminated */
    size_t size, room;
    size_t chars, limit;
    bool full; /* something did not fit: nothing more is added */
};

void sw_mrkdwn_init(struct sw_mrkdwn *m, size_t limit);
/* The text as a JSON string; `m` is empty again and need not be finished. */
json_t *sw_mrkdwn_end(struct sw_mrkdwn *m);
/* How many characters still fit. */
size_t sw_mrkdwn_left(const struct sw_mrkdwn *m);

/* Our own words: markup counts. */
void sw_mrkdwn_put(struct sw_mrkdwn *m, const char *markup);
/* Values from outside, `size` bytes of any content. */
void sw_mrkdwn_text(struct sw_mrkdwn *m, const char *text, size_t size);
void sw_mrkdwn_bold(struct sw_mrkdwn *m, const char *text, size_t size);
void sw_mrkdwn_code(struct sw_mrkdwn *m, const char *text, size_t size);
/* Lines of code, each as it is: what stands below each other stays so. */
void sw_mrkdwn_pre(struct sw_mrkdwn *m, const char *text, size_t size);
/* <@U0ADA>; what is no Slack id is shown as text. */
void sw_mrkdwn_user(struct sw_mrkdwn *m, const char *id);
/* <#C0OPS>, which Slack shows by its name to whoever may see it; the same. */
void sw_mrkdwn_channel(struct sw_mrkdwn *m, const char *id);
/* Shown in the reader's own time zone. */
void sw_mrkdwn_date(struct sw_mrkdwn *m, int64_t at_ms);
void sw_mrkdwn_clock(struct sw_mrkdwn *m, int64_t at_ms);
/* A link with our own words, or (NULL) with the address itself, so that all see where it leads. What is no address of the
 * web, or holds what could end a link, is shown as text, or with words not at all: false. */
bool sw_mrkdwn_link(struct sw_mrkdwn *m, const char *url, const char *words);
/* Our words with values of `data`; see shapes. */
void sw_mrkdwn_fill(struct sw_mrkdwn *m, const char *pattern, const json_t *data);
/* The value of "a.b" in `data`, or NULL. */
json_t *sw_data_at(const json_t *data, const char *path);

/* One text filled and ended. */
json_t *sw_filled(const char *pattern, const json_t *data, size_t limit);
/* Blocks; each takes its text, which must be a string. */
json_t *sw_block_section(json_t *text);
json_t *sw_block_context(json_t *text);
/* A section of short fields; takes a list of texts. */
json_t *sw_block_fields(json_t *texts);
/* One button that opens `url`: a text, or a secret value that the runtime fills in. Takes it. */
json_t *sw_block_button(const char *label, json_t *url);
/* Buttons that type: `buttons` is [{label, line, style?, confirm?}]; action_id "type/<n>", value
 * the line. NULL where none is usable: a line that is cut would be another command. */
json_t *sw_block_actions(const json_t *buttons);

#endif
