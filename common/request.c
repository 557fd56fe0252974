/* request.c -- see request.h. */
#include "common/request.h"

#include "common/mem.h"
#include "common/seal.h"
#include "proto/value.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#define ANSWER_JSON_BYTES (48 * 1024)

bool sw_request_once(const json_t *request) {
    return strcmp(sw_str(request, "repeat"), "safe") != 0;
}

/* A text, or a secret value with what stands around it. */
static int resolve_text(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                        const json_t *value, char **ret) {
    if (json_is_string(value)) {
        *ret = sw_strdup(json_string_value(value));
        return 0;
    }
    SW_AUTO(sw_json) json_t *opened = NULL;
    const char *secret = NULL;
    if (sw_str(value, "$conf")[0]) {
        secret = sw_conf_secret(conf, sw_str(value, "$conf"));
    } else if (sw_str(value, "$box")[0]) {
        if (sw_unseal(keys, sw_str(value, "$box"), context, &opened) < 0) return -EACCES;
        secret = json_string_value(json_object_get(opened, sw_str(value, "field")));
    }
    if (!secret) return -EACCES;
    *ret = sw_printf("%s%s%s", sw_str(value, "before"), secret, sw_str(value, "after"));
    return 0;
}

static bool is_secret(const json_t *value) {
    return json_is_object(value) &&
           (json_object_get(value, "$box") || json_object_get(value, "$conf"));
}

static bool names_secret(const json_t *value) {
    const char *key;
    json_t *item;
    size_t i;
    if (is_secret(value)) return true;
    json_object_foreach((json_t *)value, key, item) {
        if (names_secret(item)) return true;
    }
    json_array_foreach(value, i, item) {
        if (names_secret(item)) return true;
    }
    return false;
}

void sw_request_freeze(json_t *request) {
    const json_t *json = json_object_get(request, "json");
    if (!json || names_secret(json)) return;
    SW_AUTO(sw_text) char *body = json_dumps(json, JSON_COMPACT);
    json_object_set_new(request, "body", json_string(body));
    json_object_del(request, "json");
}

/* A copy of `value` with every secret in its place. */
static int resolve_json(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                        const json_t *value, json_t **ret) {
    const char *key;
    json_t *item, *copy;
    size_t i;
    if (is_secret(value)) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, value, &text);
        if (r < 0) return r;
        *ret = json_string(text);
        return 0;
    }
    if (!json_is_object(value) && !json_is_array(value)) {
        *ret = json_deep_copy(value);
        return 0;
    }
    json_t *whole = json_is_object(value) ? json_object() : json_array();
    int r = 0;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, item) {
            if ((r = resolve_json(conf, keys, context, item, &copy)) < 0) break;
            json_object_set_new(whole, key, copy);
        }
    } else {
        json_array_foreach(value, i, item) {
            if ((r = resolve_json(conf, keys, context, item, &copy)) < 0) break;
            json_array_append_new(whole, copy);
        }
    }
    if (r < 0) {
        json_decref(whole);
        return r;
    }
    *ret = whole;
    return 0;
}

static int build_form(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                      const json_t *form, char **ret) {
    const char *key;
    json_t *item;
    char *body = sw_strdup("");
    json_object_foreach((json_t *)form, key, item) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, item, &text);
        if (r < 0) {
            sw_wipe_free(body);
            return r;
        }
        char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
        char *longer = sw_printf("%s%s%s=%s", body, body[0] ? "&" : "", key, escaped);
        curl_free(escaped);
        sw_wipe_free(body);
        body = longer;
    }
    *ret = body;
    return 0;
}

static int build_url(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                     const json_t *request, char **ret) {
    const char *up = sw_str(request, "up"), *path = sw_str(request, "path");
    const char *base = !strcmp(up, "slack")       ? conf->slack_api
                       : !strcmp(up, "heroku")    ? conf->heroku_api
                       : !strcmp(up, "heroku_id") ? conf->heroku_id
                                                  : NULL;
    if (base) {
        if (path[0] != '/') return -EINVAL;
        *ret = sw_printf("%s%s", base, path);
        return 0;
    }
    if (strcmp(up, "hooks") != 0) return -EINVAL;
    /* A response_url is what somebody sent us: it goes nowhere but to the one allowed origin. */
    char *url = NULL;
    int r = resolve_text(conf, keys, context, json_object_get(request, "url"), &url);
    if (r < 0) return r;
    size_t n = strlen(conf->hooks);
    if (strncmp(url, conf->hooks, n) != 0 || url[n] != '/' || strpbrk(url, "\\ \t\r\n@#")) {
        sw_wipe_free(url);
        return -EACCES;
    }
    *ret = url;
    return 0;
}

static void add_header(struct sw_call_request *call, const char *name, const char *value) {
    char *line = sw_printf("%s: %s", name, value);
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (!list) abort();
    call->headers = list;
    sw_wipe_free(line);
}

static int build_headers(const struct sw_conf *conf, const struct sw_keys *keys,
                         const char *context, const json_t *request, struct sw_call_request *call) {
    const char *key;
    json_t *item;
    json_object_foreach(json_object_get(request, "headers"), key, item) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, item, &text);
        if (r < 0) return r;
        if (strpbrk(text, "\r\n")) return -EINVAL;
        add_header(call, key, text);
    }
    const json_t *bearer = json_object_get(request, "bearer");
    if (bearer) {
        SW_AUTO(sw_text) char *text = NULL;
        int r = resolve_text(conf, keys, context, bearer, &text);
        if (r < 0) return r;
        if (strpbrk(text, "\r\n")) return -EINVAL;
        SW_AUTO(sw_text) char *value = sw_printf("Bearer %s", text);
        add_header(call, "Authorization", value);
    }
    if (!strcmp(sw_str(request, "up"), "heroku") &&
        !json_object_get(json_object_get(request, "headers"), "Accept"))
        add_header(call, "Accept", "application/vnd.heroku+json; version=3");
    add_header(call, "Expect", ""); /* no 100-continue */
    return 0;
}

static int build_body(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                      const json_t *request, struct sw_call_request *call) {
    const json_t *json = json_object_get(request, "json"), *form = json_object_get(request, "form");
    const json_t *body = json_object_get(request, "body");
    if (body) {
        call->body = sw_strndup(json_string_value(body), json_string_length(body));
        add_header(call, "Content-Type", "application/json; charset=utf-8");
    } else if (json) {
        SW_AUTO(sw_json) json_t *resolved = NULL;
        int r = resolve_json(conf, keys, context, json, &resolved);
        if (r < 0) return r;
        call->body = json_dumps(resolved, JSON_COMPACT);
        add_header(call, "Content-Type", "application/json; charset=utf-8");
    } else if (form) {
        int r = build_form(conf, keys, context, form, &call->body);
        if (r < 0) return r;
    }
    call->body_size = call->body ? strlen(call->body) : 0;
    return 0;
}

int sw_request_build(const struct sw_conf *conf, const struct sw_keys *keys, const char *context,
                     const json_t *request, struct sw_call_request *ret) {
    bool once = sw_request_once(request);
    struct sw_call_request call = {.method = sw_str(request, "method"), .once = once};
    call.timeout_ms = sw_int(request, "timeout_ms");
    if (call.timeout_ms <= 0)
        call.timeout_ms = once ? conf->write_timeout_ms : conf->read_timeout_ms;
    if (!call.method[0]) return -EINVAL;
    int r = build_url(conf, keys, context, request, &call.url);
    if (r == 0) r = build_headers(conf, keys, context, request, &call);
    if (r == 0) r = build_body(conf, keys, context, request, &call);
    if (r < 0) {
        sw_wipe_free(call.url);
        sw_wipe_free(call.body);
        sw_wipe_headers(call.headers);
        return r;
    }
    *ret = call;
    return 0;
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
    if (!json_is_object(inner)) return;
    json_t *inner_into = json_object_get(into, head);
    if (!json_is_object(inner_into)) {
        inner_into = json_object();
        json_object_set_new(into, head, inner_into);
    }
    project_field(inner, inner_into, dot + 1);
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

static json_t *error_fields(const json_t *value) {
    static const char *const names[] = {"id", "message", "ok", "error"};
    json_t *kept = json_object();
    for (size_t i = 0; i < 4; i++) {
        json_t *item = json_object_get(value, names[i]);
        if (json_is_string(item) && json_string_length(item) > 500) {
            /* Cut by bytes: json_stringn refuses half a character, so step back until it takes it. */
            json_t *cut = NULL;
            for (size_t n = 500; !cut && n > 495; n--)
                cut = json_stringn(json_string_value(item), n);
            json_object_set_new(kept, names[i], cut ? cut : json_string(""));
        } else if (item && !json_is_object(item) && !json_is_array(item)) {
            json_object_set(kept, names[i], item);
        }
    }
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
    if (result->retry_after_ms >= 0)
        json_object_set_new(http, "retry_after", json_integer(result->retry_after_ms / 1000));
    if (result->rate_remaining >= 0)
        json_object_set_new(http, "rate_remaining", json_integer(result->rate_remaining));
    if (!result->json || result->body_size == 0) return http;
    SW_AUTO(sw_json)
    json_t *value = json_loadb(result->body, result->body_size, JSON_DECODE_ANY, NULL);
    if (!value) {
        json_object_set_new(http, "error", json_string("bad_json"));
        return http;
    }
    json_t *kept = keep_json(request, result, value);
    if (json_dumpb(kept, NULL, 0, JSON_COMPACT) > ANSWER_JSON_BYTES) {
        json_decref(kept);
        json_object_set_new(http, "error", json_string("too_big"));
    } else {
        json_object_set_new(http, "json", kept);
    }
    return http;
}
