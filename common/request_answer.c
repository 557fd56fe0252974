/* request_answer.c -- what of an answer's bytes is kept; see request.h. */
#include "common/request.h"

#include "common/mem.h"
#include "common/seal.h"
#include "proto/value.h"

#include <string.h>

#define ANSWER_JSON_BYTES (48 * 1024)
#define GITHUB_ERRORS 10
#define GITHUB_CONTEXTS 50
#define GITHUB_TEXT_BYTES 200

static void project_field(const json_t *from, json_t *into, const char *field);

/* Each element keeps its place: several fields of it meet there. */
static void project_elements(const json_t *from, json_t *into, const char *field) {
    size_t i;
    json_t *item;
    json_array_foreach(from, i, item) {
        if (json_array_size(into) <= i) json_array_append_new(into, json_object());
        project_field(item, json_array_get(into, i), field);
    }
}

static void project_field(const json_t *from, json_t *into, const char *field) {
    const char *dot = strchr(field, '.');
    if (!dot) {
        json_t *value = json_object_get(from, field);
        if (value) json_object_set(into, field, value);
        return;
    }
    SW_AUTO(sw_text) char *head = sw_strndup(field, (size_t)(dot - field));
    const json_t *inner = json_object_get(from, head);
    json_t *kept = json_object_get(into, head);
    if (json_is_array(inner)) {
        if (!json_is_array(kept)) json_object_set_new(into, head, kept = json_array());
        project_elements(inner, kept, dot + 1);
    } else if (json_is_object(inner)) {
        if (!json_is_object(kept)) json_object_set_new(into, head, kept = json_object());
        project_field(inner, kept, dot + 1);
    }
}

json_t *sw_request_project(const json_t *value, const json_t *fields) {
    size_t i;
    json_t *item;
    if (json_is_array(value)) {
        json_t *list = json_array();
        json_array_foreach(value, i, item)
            json_array_append_new(list, sw_request_project(item, fields));
        return list;
    }
    if (!json_is_object(value)) return json_deep_copy(value);
    json_t *kept = json_object();
    json_array_foreach(fields, i, item) project_field(value, kept, json_string_value(item));
    return kept;
}

/* Cut by bytes: json_stringn refuses half a character, so step back until it takes it. */
static json_t *cut_text(const json_t *text, size_t most) {
    size_t size = json_string_length(text);
    json_t *cut = NULL;
    if (size <= most) return json_deep_copy(text);
    for (size_t n = most; !cut && n > 0 && n + 4 > most; n--)
        cut = json_stringn(json_string_value(text), n);
    return cut ? cut : json_string("");
}

static void keep_fields(const json_t *from, json_t *into, const char *const *names, size_t most) {
    for (; *names; names++) {
        const json_t *item = json_object_get(from, *names);
        if (json_is_string(item)) {
            json_object_set_new(into, *names, cut_text(item, most));
        } else if (item && !json_is_object(item) && !json_is_array(item)) {
            json_object_set(into, *names, (json_t *)item);
        }
    }
}

/* GitHub's list of what is wrong; of a deployment, which contexts are not green. */
static json_t *github_errors(const json_t *errors) {
    static const char *const of_error[] = {"field", "code", NULL};
    static const char *const of_context[] = {"context", "state", NULL};
    json_t *list = json_array();
    size_t room = GITHUB_CONTEXTS; /* of all errors together, so that they fit */
    for (size_t i = 0; i < json_array_size(errors) && i < GITHUB_ERRORS; i++) {
        const json_t *error = json_array_get(errors, i);
        const json_t *contexts = json_object_get(error, "contexts");
        json_t *kept = json_object();
        json_array_append_new(list, kept);
        keep_fields(error, kept, of_error, GITHUB_TEXT_BYTES);
        if (!json_is_array(contexts)) continue;
        json_t *kept_contexts = json_array();
        json_object_set_new(kept, "contexts", kept_contexts);
        for (size_t k = 0; k < json_array_size(contexts) && room > 0; k++, room--) {
            json_t *context = json_object();
            json_array_append_new(kept_contexts, context);
            keep_fields(json_array_get(contexts, k), context, of_context, GITHUB_TEXT_BYTES);
        }
    }
    return list;
}

static json_t *error_fields(const json_t *value) {
    static const char *const names[] = {"id", "message", "ok", "error", NULL};
    const json_t *errors = json_object_get(value, "errors");
    json_t *kept = json_object();
    keep_fields(value, kept, names, 500);
    if (json_is_array(errors)) json_object_set_new(kept, "errors", github_errors(errors));
    return kept;
}

static json_t *keep_json(const json_t *request, const struct sw_call_result *result,
                         const json_t *value) {
    const json_t *fields = json_object_get(request, "fields");
    if (result->status >= 400) return error_fields(value);
    json_t *kept = sw_request_project(value, fields);
    /* Slack says in a 200 that something went wrong. */
    json_t *ok = json_object_get(value, "ok"), *error = json_object_get(value, "error");
    if (json_is_object(kept) && json_is_boolean(ok)) json_object_set(kept, "ok", ok);
    if (json_is_object(kept) && json_is_string(error)) json_object_set(kept, "error", error);
    return kept;
}

json_t *sw_request_answer(const json_t *request, const struct sw_call_result *result) {
    if (result->too_big) return json_pack("{s:s}", "error", "too_big");
    json_t *http = json_pack("{s:i}", "status", result->status);
    if (result->next_range[0])
        json_object_set_new(http, "next_range", json_string(result->next_range));
    if (result->next_cursor[0])
        json_object_set_new(http, "next_cursor", json_string(result->next_cursor));
    if (result->retry_after_ms >= 0)
        json_object_set_new(http, "retry_after", json_integer(result->retry_after_ms / 1000));
    if (result->rate_remaining >= 0)
        json_object_set_new(http, "rate_remaining", json_integer(result->rate_remaining));
    if (json_is_true(json_object_get(request, "location")) && result->status / 100 == 3) {
        json_t *location = result->location ? json_string(result->location) : NULL;
        if (location) {
            json_object_set_new(http, "json", json_pack("{s:o}", "location", location));
        } else {
            json_object_set_new(http, "error", json_string("no_location"));
        }
        return http;
    }
    if (!result->json || result->body_size == 0) return http;
    SW_AUTO(sw_json)
    json_t *value = json_loadb(result->body, result->body_size, JSON_DECODE_ANY, NULL);
    if (!value) {
        json_object_set_new(http, "error", json_string("bad_json"));
        return http;
    }
    json_t *kept = keep_json(request, result, value);
    const bool sealed = json_is_true(json_object_get(request, "seal"));
    if (json_dumpb(kept, NULL, 0, JSON_COMPACT) >
        (sealed ? SW_SEAL_MAX_BYTES : ANSWER_JSON_BYTES)) {
        json_decref(kept);
        json_object_set_new(http, "error", json_string("too_big"));
    } else {
        json_object_set_new(http, "json", kept);
    }
    return http;
}
