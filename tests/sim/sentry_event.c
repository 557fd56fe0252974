/* sentry_event.c -- what an event may hold; see sentry.h. */
#include "sentry.h"

#include <stdlib.h>
#include <string.h>

#define TAG_KEY_MAX 200
#define TAG_VALUE_MAX 200

bool sim_sentry_id(const char *text) {
    return text != NULL && strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static bool is_one_of(const json_t *value, const char *const *list) {
    const char *text = json_string_value(value);
    for (; text != NULL && *list != NULL; list++) {
        if (strcmp(*list, text) == 0) return true;
    }
    return false;
}

static bool is_line(const json_t *value, size_t max) {
    const char *text = json_string_value(value);
    return text != NULL && text[0] != '\0' && strlen(text) <= max &&
           strpbrk(text, "\r\n\t") == NULL;
}

/* Seconds since 1970 or 2026-11-24T19:00:00Z. */
static bool is_time(const json_t *value) {
    if (json_is_number(value)) return json_number_value(value) > 1e9;
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    const char *text = json_string_value(value);
    size_t len = text != NULL ? strlen(text) : 0;
    if (len <= strlen(shape) || text[len - 1] != 'Z') return false;
    for (size_t i = 0; shape[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return false;
    }
    return true;
}

static const char *tags_check(const json_t *tags) {
    if (tags == NULL) return NULL;
    if (!json_is_object(tags)) return "tags is not an object";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value) {
        static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_.:-";
        if (key[0] == '\0' || strlen(key) > TAG_KEY_MAX || key[strspn(key, good)] != '\0') {
            return "a tag has a bad key";
        }
        if (!is_line(value, TAG_VALUE_MAX))
            return "a tag's value is not one line of 200 characters";
    }
    return NULL;
}

static const char *exception_check(const json_t *exception) {
    if (exception == NULL) return NULL;
    const json_t *values =
        json_is_array(exception) ? exception : json_object_get(exception, "values");
    if (json_array_size(values) == 0) return "exception has no values";
    size_t i;
    json_t *value;
    json_array_foreach(values, i, value) {
        if (!json_is_string(json_object_get(value, "type")) &&
            !json_is_string(json_object_get(value, "value"))) {
            return "an exception has neither type nor value";
        }
    }
    return NULL;
}

static const char *texts_check(const json_t *event) {
    static const struct {
        const char *key;
        size_t max;
        const char *wrong;
    } rows[] = {{"release", 250, "release is not one line of 250 characters"},
                {"environment", 64, "environment is not one line of 64 characters"},
                {"logger", 64, "logger is not one line of 64 characters"},
                {"server_name", 255, "server_name is not one line of 255 characters"},
                {"transaction", 200, "transaction is not one line of 200 characters"}};
    for (size_t i = 0; i < SIM_ARRAY_LEN(rows); i++) {
        const json_t *value = json_object_get(event, rows[i].key);
        if (value != NULL && !is_line(value, rows[i].max)) return rows[i].wrong;
    }
    return NULL;
}

static const char *parts_check(const json_t *event) {
    static const char *const objects[] = {"extra", "contexts", "user", "sdk"};
    static const char *const wrong[] = {"extra is not an object", "contexts is not an object",
                                        "user is not an object", "sdk is not an object"};
    for (size_t i = 0; i < SIM_ARRAY_LEN(objects); i++) {
        const json_t *value = json_object_get(event, objects[i]);
        if (value != NULL && !json_is_object(value)) return wrong[i];
    }
    const json_t *fingerprint = json_object_get(event, "fingerprint");
    if (fingerprint != NULL && json_array_size(fingerprint) == 0) return "fingerprint is empty";
    size_t i;
    json_t *one;
    json_array_foreach(fingerprint, i, one) {
        if (!json_is_string(one)) return "fingerprint is not an array of strings";
    }
    return NULL;
}

const char *sim_sentry_check(const json_t *event, const char *event_id) {
    static const char *const levels[] = {"fatal", "error", "warning", "info", "debug", NULL};
    static const char *const platforms[] = {
        "c", "native", "other", "go", "java", "javascript", "node", "php", "python", "ruby", NULL};
    if (!json_is_object(event)) return "the event is not a JSON object";
    const char *id = sim_json_text(event, "event_id");
    if (!sim_sentry_id(id)) return "event_id is not 32 hexadecimal digits";
    if (event_id == NULL || strcmp(event_id, id) != 0) return "event_id differs from the header's";
    if (!is_time(json_object_get(event, "timestamp"))) return "timestamp is not a time";
    if (!is_one_of(json_object_get(event, "platform"), platforms)) return "platform is not known";
    if (!is_one_of(json_object_get(event, "level"), levels)) return "level is not known";
    const json_t *message = json_object_get(event, "message");
    if (message == NULL) message = json_object_get(event, "logentry");
    const json_t *exception = json_object_get(event, "exception");
    if (message == NULL && exception == NULL) return "neither message nor exception";
    if (message != NULL && !json_is_string(message) &&
        sim_json_text(message, "formatted") == NULL && sim_json_text(message, "message") == NULL) {
        return "message is not a text";
    }
    const char *wrong = exception_check(exception);
    if (wrong == NULL) wrong = tags_check(json_object_get(event, "tags"));
    if (wrong == NULL) wrong = texts_check(event);
    return wrong != NULL ? wrong : parts_check(event);
}
