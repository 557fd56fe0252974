/* heroku_list.c -- lists by the Range header: order, page size, Next-Range; see heroku.h.
 *
 * Range: <field> [']'|'[']<first>..[<last>][; order=asc|desc][,][; max=N][;]
 * ']' before the first value means "after it"; that is what Next-Range carries. */
#include "heroku.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DEFAULT 200
#define PAGE_MAX 1000

struct range {
    char field[32], first[128], last[128];
    bool after; /* `first` itself is left out */
    bool desc;
    size_t max;
};

static bool option_parse(struct range *range, const char *text) {
    if (strcmp(text, "order=desc") == 0) {
        range->desc = true;
    } else if (strncmp(text, "max=", 4) == 0) {
        char *end = NULL;
        unsigned long max = strtoul(text + 4, &end, 10);
        if (end == text + 4 || *end != '\0' || max == 0) return false;
        range->max = max < PAGE_MAX ? max : PAGE_MAX;
    } else if (strcmp(text, "order=asc") != 0) {
        return false;
    }
    return true;
}

static bool bounds_parse(struct range *range, char *text) {
    char *dots = strstr(text, "..");
    if (dots == NULL) return false;
    *dots = '\0';
    range->after = text[0] == ']';
    if (text[0] == ']' || text[0] == '[') text++;
    int n = snprintf(range->first, sizeof(range->first), "%s", text);
    int m = snprintf(range->last, sizeof(range->last), "%s", dots + 2);
    return (size_t)n < sizeof(range->first) && (size_t)m < sizeof(range->last);
}

static bool range_parse(struct range *range, const char *header) {
    SIM_FREE char *copy = sim_strdup(header);
    char *save = NULL, *part = strtok_r(copy, " ;,", &save);
    if (part == NULL || strlen(part) >= sizeof(range->field)) return false;
    snprintf(range->field, sizeof(range->field), "%s", part);
    part = strtok_r(NULL, " ;,", &save);
    if (part == NULL || !bounds_parse(range, part)) return false;
    while ((part = strtok_r(NULL, " ;,", &save)) != NULL) {
        if (!option_parse(range, part)) return false;
    }
    return true;
}

static int compare_value(const json_t *value, const char *text) {
    if (json_is_integer(value)) {
        long long a = json_integer_value(value), b = strtoll(text, NULL, 10);
        return (a > b) - (a < b);
    }
    return strcmp(json_string_value(value) != NULL ? json_string_value(value) : "", text);
}

static const char *sort_field;

static int compare_items(const void *a, const void *b) {
    const json_t *va = json_object_get(*(json_t *const *)a, sort_field);
    const json_t *vb = json_object_get(*(json_t *const *)b, sort_field);
    if (json_is_integer(va) && json_is_integer(vb)) {
        return (json_integer_value(va) > json_integer_value(vb)) -
               (json_integer_value(va) < json_integer_value(vb));
    }
    return strcmp(json_string_value(va), json_string_value(vb));
}

static bool inside(const struct range *range, const json_t *item) {
    const json_t *value = json_object_get(item, range->field);
    int sign = range->desc ? -1 : 1;
    if (range->first[0] != '\0') {
        int c = compare_value(value, range->first) * sign;
        if (c < 0 || (c == 0 && range->after)) return false;
    }
    return range->last[0] == '\0' || compare_value(value, range->last) * sign <= 0;
}

static void value_text(const json_t *item, const char *field, char *ret, size_t size) {
    const json_t *value = json_object_get(item, field);
    if (json_is_integer(value)) {
        snprintf(ret, size, "%lld", (long long)json_integer_value(value));
    } else {
        snprintf(ret, size, "%s", json_string_value(value));
    }
}

static void page_reply(struct sim_req *req, const struct range *range, json_t *page, bool more) {
    size_t n = json_array_size(page);
    char first[128] = "", last[128] = "";
    if (n != 0) {
        value_text(json_array_get(page, 0), range->field, first, sizeof(first));
        value_text(json_array_get(page, n - 1), range->field, last, sizeof(last));
        SIM_FREE char *content = sim_fmt("%s %s..%s", range->field, first, last);
        sim_reply_header(req, "Content-Range", content);
    }
    if (more) {
        SIM_FREE char *next = sim_fmt("%s ]%s..%s; %smax=%zu;", range->field, last, range->last,
                                      range->desc ? "order=desc," : "", range->max);
        sim_reply_header(req, "Next-Range", next);
    }
    sim_reply_json(req, more ? 206 : 200, page);
}

void sim_list_reply(struct sim_req *req, json_t *items, const char *const *fields) {
    struct range range = {.max = PAGE_DEFAULT};
    snprintf(range.field, sizeof(range.field), "%s", fields[0]);
    const char *header = sim_req_header(req, "Range");
    bool ok = header == NULL || range_parse(&range, header);
    const char *known = NULL;
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (strcmp(fields[i], range.field) == 0) known = fields[i];
    }
    if (!ok || known == NULL) {
        json_decref(items);
        sim_reply_error(req, 416, "requested_range_not_satisfiable", "Invalid Range header.");
        return;
    }
    size_t n = json_array_size(items), taken = 0;
    json_t **sorted = sim_alloc((n + 1) * sizeof(*sorted));
    for (size_t i = 0; i < n; i++) {
        sorted[i] = json_array_get(items, i);
    }
    sort_field = known;
    qsort(sorted, n, sizeof(*sorted), compare_items);
    json_t *page = json_array();
    bool more = false;
    for (size_t i = 0; i < n && !more; i++) {
        json_t *item = sorted[range.desc ? n - 1 - i : i];
        if (!inside(&range, item)) continue;
        more = taken == range.max;
        if (!more) json_array_append(page, item);
        taken++;
    }
    free(sorted);
    json_decref(items);
    SIM_FREE char *ranges =
        fields[1] != NULL ? sim_fmt("%s, %s", fields[0], fields[1]) : sim_strdup(fields[0]);
    sim_reply_header(req, "Accept-Ranges", ranges);
    page_reply(req, &range, page, more);
}
