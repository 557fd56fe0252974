/* grammar.c -- runs the rules of the commands over a text; see grammar.h.
 *
 * The pieces of a rule are joined into one pattern, compiled once, with JIT where the system allows
 * it. A line that does not fit is then read again piece by piece: the first one that fails says
 * what is wrong. */
#include "actors/grammar_priv.h"
#include "common/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define RULES 32
#define PATTERN_BYTES 1024
/* Every pattern is linear by its making; these stop one that is not, long before it is felt. */
#define MATCH_LIMIT 500000
#define DEPTH_LIMIT 1000
#define HEAP_LIMIT_KIB 1024

#define ROUTER "(?<task>[-_.0-9a-z]++)(?::(?<subtask>[^ \\t\\n\\v\\f\\r]++))?+"

static const char *const field_names[SW__FIELDS] = {
    "forced",   "pipeline", "branch", "environment",   "application", "from",
    "from_app", "to",       "to_app", "second_factor", "channel",     "topic",
    "version",  "process",  "id",     "reason",        "state",       "filters",
};

struct compiled {
    const struct sw__rule *rule;
    const struct sw_command *command;
    pcre2_code *whole;
    pcre2_code *pieces[SW__PIECES];
};

static struct {
    bool ready;
    pcre2_code *router;
    struct compiled rules[RULES];
    size_t count;
    pcre2_match_data *data;
    pcre2_match_context *limits;
} engine;

static pcre2_code *compile(const char *regex, uint32_t options) {
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
                                     PCRE2_ANCHORED | options, &error, &at, NULL);

    assert(code); /* the patterns are ours */
    return code;
}

static void compile_rule(const struct sw__rule *rule, const struct sw_command *command) {
    char whole[PATTERN_BYTES] = "";
    size_t size = 0;
    struct compiled *c = &engine.rules[engine.count++];

    assert(engine.count <= RULES);
    *c = (struct compiled){.rule = rule, .command = command};
    for (size_t i = 0; rule->pieces[i].regex; i++) {
        const char *regex = rule->pieces[i].regex;

        assert(i < SW__PIECES && size + strlen(regex) < sizeof whole);
        size += strlen(strcpy(whole + size, regex));
        c->pieces[i] = compile(regex, 0);
    }
    c->whole = compile(whole, PCRE2_ENDANCHORED);
    /* Where writable code is forbidden (hardened units) the interpreter gives the same answers. */
    (void)pcre2_jit_compile(c->whole, PCRE2_JIT_COMPLETE);
}

static void engine_start(void) {
    const struct sw__command *command;

    if (engine.ready) {
        return;
    }
    engine.router = compile(ROUTER, 0);
    for (size_t i = 0; (command = sw__grammar_at(i)); i++) {
        for (const struct sw__rule *r = command->rules; r->task; r++) {
            compile_rule(r, &command->said);
        }
    }
    engine.data = pcre2_match_data_create(SW__FIELDS + 1, NULL);
    engine.limits = pcre2_match_context_create(NULL);
    if (!engine.data || !engine.limits) {
        abort();
    }
    pcre2_set_match_limit(engine.limits, MATCH_LIMIT);
    pcre2_set_depth_limit(engine.limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(engine.limits, HEAP_LIMIT_KIB);
    engine.ready = true;
}

/* Matches at `at` exactly; a limit that was hit counts as no match. */
static bool match(const pcre2_code *code, struct sw__span text, size_t at) {
    return pcre2_match(code, (PCRE2_SPTR)text.start, text.size, at, 0, engine.data, engine.limits) >
           0;
}

static struct sw__span group(const pcre2_code *code, struct sw__span text, const char *name) {
    int number = pcre2_substring_number_from_name(code, (PCRE2_SPTR)name);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(engine.data);

    if (number < 0 || at[2 * number] == PCRE2_UNSET) {
        return (struct sw__span){NULL, 0};
    }
    return (struct sw__span){text.start + at[2 * number], at[2 * number + 1] - at[2 * number]};
}

bool sw__grammar_is(struct sw__span span, const char *word) {
    return span.start && span.size == strlen(word) && !memcmp(span.start, word, span.size);
}

/* The rule of this task that takes this subtask, and the text by its first piece; else one of the
 * task's and *ret_fits false. */
static const struct compiled *choose(struct sw__span text, struct sw__span task,
                                     struct sw__span subtask, bool *ret_fits) {
    const struct compiled *any = NULL, *other = NULL;

    *ret_fits = true;
    for (const struct compiled *c = engine.rules; c < engine.rules + engine.count; c++) {
        if (!sw__grammar_is(task, c->rule->task)) {
            continue;
        }
        if (c->rule->subtask && (subtask.start ? sw__grammar_is(subtask, c->rule->subtask)
                                               : !strcmp(c->rule->subtask, "default"))) {
            if (match(c->pieces[0], text, 0)) {
                return c;
            }
            any = c;
        } else if (c->rule->subtask) {
            other = other ? other : c;
        } else {
            any = c;
        }
    }
    *ret_fits = any != NULL;
    return any ? any : other;
}

/* The first byte that is none of UTF-8; the size where all are. */
static size_t utf8_until(struct sw__span text) {
    size_t at = 0, step;

    for (; at < text.size; at += step) {
        step = sw__grammar_utf8(text.start + at, text.size - at);
        if (!step) {
            break;
        }
    }
    return at;
}

/* How far the pieces get one after the other, and which of them does not match. */
static void diagnose(struct sw__parsed *p, const struct compiled *c) {
    for (size_t i = 0; p->rule->pieces[i].regex; i++) {
        if (!match(c->pieces[i], p->text, p->good)) {
            p->failed = &p->rule->pieces[i];
            return;
        }
        p->good = pcre2_get_ovector_pointer(engine.data)[1];
    }
}

/* Slack's own marks go first; a text that is too long is only looked at. */
static void take_text(struct sw__parsed *p, const char *text, size_t size) {
    if (size > 0 && text[size - 1] == '\n') {
        size--; /* it ends the line */
    }
    p->text = (struct sw__span){text, size};
    if (size <= SW_GRAMMAR_MAX_BYTES) {
        p->normal = sw_malloc(size + 1);
        p->text = (struct sw__span){p->normal, sw__grammar_normal(text, size, p->normal)};
    }
}

static void take_fields(struct sw__parsed *p, const pcre2_code *code) {
    struct sw__span *reason = &p->field[SW__REASON];

    for (size_t i = 0; i < SW__FIELDS; i++) {
        p->field[i] = group(code, p->text, field_names[i]);
    }
    while (reason->size > 0 && reason->start[reason->size - 1] == ' ') {
        reason->size--;
    }
}

/* What is returned lives until finish(). */
static void parse(struct sw__parsed *p, const char *text, size_t size) {
    const struct compiled *c = NULL;

    engine_start();
    memset(p, 0, sizeof *p);
    take_text(p, text, size);
    if (match(engine.router, p->text, 0)) {
        p->task = group(engine.router, p->text, "task");
        p->subtask = group(engine.router, p->text, "subtask");
        c = choose(p->text, p->task, p->subtask, &p->fits);
    }
    if (c) {
        p->rule = c->rule;
        p->command = c->command;
        for (size_t i = SW__VERSION; i < SW__FIELDS; i++) {
            p->own[i] = pcre2_substring_number_from_name(c->whole, (PCRE2_SPTR)field_names[i]) > 0;
        }
    }
    p->utf8 = utf8_until(p->text);
    if (c && p->fits && p->normal && p->utf8 == p->text.size) {
        p->valid = match(c->whole, p->text, 0);
        if (p->valid) {
            take_fields(p, c->whole);
        } else {
            diagnose(p, c);
        }
    }
    if (!p->valid) {
        sw__grammar_complain(p);
    } else if (p->field[SW__FILTERS].start && !sw__grammar_filters(p)) {
        p->valid = false;
        memset(p->field, 0, sizeof p->field);
    }
}

static void finish(struct sw__parsed *p) {
    free(sw_take(&p->normal));
}

static void put(json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, value)) {
        abort(); /* out of memory, as in mem.c */
    }
}

static json_t *text_or_null(struct sw__span span) {
    return span.start ? sw__grammar_string(span.start, span.size) : json_null();
}

struct sw__span sw__grammar_stage(struct sw__span stage) {
    static const char *const names[][2] = {
        {"prod", "production"}, {"prd", "production"}, {"stg", "staging"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (sw__grammar_is(stage, names[i][0])) {
            return (struct sw__span){names[i][1], strlen(names[i][1])};
        }
    }
    return stage;
}

/* A reason is shown wherever the lock is: nothing in it may look like a code. */
static json_t *reason_or_null(struct sw__span reason) {
    char shown[SW_GRAMMAR_REASON_LENGTH * 4 + 1 + SW__EXCERPT];

    if (!reason.start) {
        return json_null();
    }
    sw__grammar_clean(reason, true, shown, sizeof shown, NULL);
    return json_string(shown);
}

static json_t *error_or_null(const struct sw__parsed *p) {
    if (p->valid) {
        return json_null();
    }
    return json_sprintf("%s. Usage: %s", p->what,
                        (p->rule ? p->command : sw_grammar_command("help"))->usage);
}

json_t *sw_grammar_parse(const char *text, size_t size) {
    struct sw__parsed p;
    json_t *o = json_object();

    parse(&p, text, size);
    put(o, "task", text_or_null(p.task));
    put(o, "subtask", p.subtask.start ? text_or_null(p.subtask) : json_string("default"));
    put(o, "handler", json_string(p.rule ? p.rule->handler : "help"));
    put(o, "valid", json_boolean(p.valid));
    put(o, "forced", json_boolean(p.field[SW__FORCED].start));
    for (size_t i = SW__PIPELINE; i <= SW__CHANNEL; i++) {
        bool stage = i == SW__ENVIRONMENT || i == SW__FROM || i == SW__TO;

        put(o, field_names[i], text_or_null(stage ? sw__grammar_stage(p.field[i]) : p.field[i]));
    }
    put(o, "error", error_or_null(&p));
    for (size_t i = SW__VERSION; i < SW__FILTERS; i++) {
        if (p.own[i]) {
            put(o, field_names[i],
                i == SW__REASON ? reason_or_null(p.field[i]) : text_or_null(p.field[i]));
        }
    }
    if (p.own[SW__FILTERS]) {
        sw__grammar_filters_put(&p, o);
    }
    finish(&p);
    return o;
}

/* A word that names no command, and the one that was perhaps meant. */
static void explain_unknown(json_t *o, const char *word, size_t size) {
    const char *near = sw_grammar_nearest(word, size);
    char shown[SW__EXCERPT];

    sw__grammar_clean((struct sw__span){word, size}, true, shown, sizeof shown, NULL);
    put(o, "unknown", json_string(shown));
    put(o, "suggestion", near ? json_string(near) : json_null());
}

/* What `help` was asked about: its argument, else its subtask. */
static void explain_topic(json_t *o, const struct sw__parsed *p) {
    struct sw__span topic = p->field[SW__TOPIC].start ? p->field[SW__TOPIC] : p->subtask;
    const struct sw_command *command = NULL;

    if (!topic.start || sw__grammar_is(topic, "default")) {
        return;
    }
    if (!memchr(topic.start, '\0', topic.size)) {
        SW_AUTO(sw_text) char *name = sw_strndup(topic.start, topic.size);

        command = sw_grammar_command(name);
    }
    if (!command) {
        explain_unknown(o, topic.start, topic.size);
        return;
    }
    put(o, "topic", json_string(command->name));
    put(o, "command", json_string(command->name));
}

/* No stage is called like this: a code that follows `to` is a code. */
static bool is_code_for_stage(const struct sw__parsed *p) {
    static const enum sw__field stages[] = {SW__FROM, SW__TO, SW__ENVIRONMENT};

    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        struct sw__span stage = p->field[stages[i]];
        size_t digits = 0;

        while (digits < stage.size && stage.start[digits] >= '0' && stage.start[digits] <= '9') {
            digits++;
        }
        if (digits == 6 && digits == stage.size) {
            return true;
        }
    }
    return false;
}

/* The line without its code: nothing but blanks can follow that. Names that look like one are
 * names, a reason is prose. Says also where in it the mistake is. */
static void explain_line(json_t *o, const struct sw__parsed *p) {
    struct sw__span code = p->field[SW__SECOND_FACTOR], reason = p->field[SW__REASON];
    struct sw__span shown = p->text;
    struct sw__place place = {.span = p->bad};
    char text[SW_GRAMMAR_LINE_BYTES + 1], mark[2 * SW_GRAMMAR_LINE_BYTES + 2];
    bool named = p->field[SW__PIPELINE].start || p->field[SW__ID].start;

    named = named && !is_code_for_stage(p);
    if (code.start) {
        shown.size = (size_t)(code.start - p->text.start);
    }
    while (shown.size > 0 && shown.start[shown.size - 1] == ' ') {
        shown.size--;
    }
    if (reason.start) {
        size_t used;

        shown.size = (size_t)(reason.start - p->text.start);
        sw__grammar_clean(shown, false, text, sizeof text, NULL);
        used = strlen(text);
        sw__grammar_clean(reason, true, text + used, sizeof text - used, NULL);
    } else {
        sw__grammar_clean(shown, !named, text, sizeof text, &place);
    }
    put(o, "line", json_string(text));
    if (p->bad.start) {
        memset(mark, ' ', place.at);
        memset(mark + place.at, '^', place.length);
        mark[place.at + place.length] = '\0';
        put(o, "at", json_integer((json_int_t)place.at));
        put(o, "mark", json_string(mark));
    }
}

json_t *sw_grammar_explain(const char *text, size_t size) {
    struct sw__parsed p;
    json_t *o = json_pack("{s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n}", "line", "unknown", "suggestion",
                          "topic", "what", "command", "at", "mark");

    parse(&p, text, size);
    explain_line(o, &p);
    if (!p.valid) {
        put(o, "what", json_string(p.what));
    }
    if (p.rule && !strcmp(p.rule->handler, "help")) {
        explain_topic(o, &p);
    } else if (p.rule) {
        put(o, "command", json_string(p.command->name));
    } else if (p.task.start) {
        explain_unknown(o, p.task.start, p.task.size);
    } else if (sw__grammar_word(p.text.start, p.text.size) > 0) {
        explain_unknown(o, p.text.start, sw__grammar_word(p.text.start, p.text.size));
    }
    finish(&p);
    return o;
}

const char *sw_grammar_engine(void) {
    static char text[64]; /* 24 bytes are enough, says its documentation */
    return pcre2_config(PCRE2_CONFIG_VERSION, text) < 0 ? "?" : text;
}
