/* pages.c -- see pages.h. */
#include "actors/pages.h"

#include "common/mem.h"
#include "proto/value.h"

#include <stdbool.h>
#include <string.h>

/* A header cannot be set from here, so the policy is in the document. It names no form-action:
 * browsers apply that to the redirect after the form as well, and ours leads to Slack. */
#define HEAD                                                                                       \
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                            \
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "                  \
    "style-src 'unsafe-inline'; base-uri 'none'\">"                                                \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"                     \
    "<meta name=\"referrer\" content=\"no-referrer\">"                                             \
    "<meta name=\"robots\" content=\"noindex\">"                                                   \
    "<style>body{font:16px/1.5 sans-serif;max-width:34em;margin:4em auto;padding:0 1em;"           \
    "color:#222;overflow-wrap:anywhere}h1{font-size:1.4em}dt{color:#666}dd{margin:0 0 "            \
    ".8em;font-weight:bold}"                                                                       \
    "button,.go{display:inline-block;font:inherit;padding:.6em 1.2em;border:0;border-radius:4px;"  \
    "background:#6567a5;color:#fff;text-decoration:none;cursor:pointer}</style>"
#define FOOT "</body></html>\n"

char *sw_html_escape(const char *text) {
    size_t size = 0;
    char *escaped = sw_malloc(6 * strlen(text) + 1);
    for (; *text; text++) {
        const char *as = *text == '&'    ? "&amp;"
                         : *text == '<'  ? "&lt;"
                         : *text == '>'  ? "&gt;"
                         : *text == '"'  ? "&quot;"
                         : *text == '\'' ? "&#39;"
                                         : NULL;
        if (!as) {
            escaped[size++] = *text;
            continue;
        }
        memcpy(escaped + size, as, strlen(as));
        size += strlen(as);
    }
    escaped[size] = '\0';
    return escaped;
}

static bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

char *sw_url_escape(const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    size_t size = 0;
    char *escaped = sw_malloc(3 * strlen(text) + 1);
    for (; *text; text++) {
        if (unreserved(*text)) {
            escaped[size++] = *text;
            continue;
        }
        escaped[size++] = '%';
        escaped[size++] = digits[(unsigned char)*text >> 4];
        escaped[size++] = digits[(unsigned char)*text & 15];
    }
    escaped[size] = '\0';
    return escaped;
}

/* A name, or the id that it goes by; names are people's, and may be written from right to left. */
static char *named(const json_t *who, const char *name, const char *id) {
    const char *text = sw_str(who, name);
    SW_AUTO(sw_text) char *escaped = sw_html_escape(text[0] ? text : sw_str(who, id));
    return sw_printf("<bdi>%s</bdi>", escaped);
}

/* "Heroku and GitHub", escaped. */
static char *joined(const json_t *names) {
    char *text = sw_strdup("");
    json_t *name;
    size_t i;
    json_array_foreach((json_t *)names, i, name) {
        const char *plain = json_string_value(name);
        SW_AUTO(sw_text) char *escaped = sw_html_escape(plain ? plain : "");
        char *longer = sw_printf("%s%s%s", text, i > 0 ? " and " : "", escaped);
        free(text);
        text = longer;
    }
    return text;
}

char *sw_page_link(const json_t *names, const char *csrf) {
    SW_AUTO(sw_text) char *token = sw_html_escape(csrf);
    SW_AUTO(sw_text) char *all = joined(names);
    const char *many = json_array_size(names) > 1 ? "s" : "";
    return sw_printf(
        HEAD
        "<title>Link your %s account%s</title></head><body><h1>Link your %s account%s</h1>"
        "<p>What you type in Slack will then be done at %s by your own account%s.</p>"
        "<p>Slack will be asked first whether you are the person this link was made for. "
        "After that you sign in at %s.</p><p>If you did not ask for this link, close this "
        "page: nothing has happened yet.</p><form method=\"post\"><input type=\"hidden\" "
        "name=\"csrf\" value=\"%s\"><button type=\"submit\">Go on to Slack</button></form>" FOOT,
        all, many, all, many, all, many, all, token);
}

/* "<dt>..." for each service. */
static char *identities(const json_t *accounts) {
    char *text = sw_strdup("");
    json_t *row;
    size_t i;
    json_array_foreach((json_t *)accounts, i, row) {
        const char *name = json_string_value(json_array_get(row, 0));
        const char *account = json_string_value(json_array_get(row, 1));
        SW_AUTO(sw_text) char *service = sw_html_escape(name ? name : "");
        SW_AUTO(sw_text) char *known = sw_html_escape(account ? account : "");
        char *longer = sw_printf("%s<dt>%s</dt><dd>%s</dd>", text, service, known);
        free(text);
        text = longer;
    }
    return text;
}

char *sw_page_done(const json_t *who, const json_t *accounts, const char *slack_web) {
    SW_AUTO(sw_text) char *person = named(who, "name", "user");
    SW_AUTO(sw_text) char *workspace = named(who, "team_name", "team");
    SW_AUTO(sw_text) char *rows = identities(accounts);
    SW_AUTO(sw_text) char *team = sw_url_escape(sw_str(who, "team"));
    SW_AUTO(sw_text) char *channel = sw_url_escape(sw_str(who, "channel"));
    SW_AUTO(sw_text) char *web = sw_html_escape(slack_web);
    return sw_printf(
        HEAD "<title>Linked</title></head><body><h1>Your accounts are linked</h1><dl><dt>Slack</dt>"
             "<dd>%s in %s</dd>%s</dl><p>Commands that were waiting for this go on by "
             "themselves.</p><p><a class=\"go\" href=\"slack://channel?team=%s&amp;id=%s\">Back to "
             "Slack</a></p><p>Slack in your browser: <a "
             "href=\"%s/app_redirect?team=%s&amp;channel=%s\">back to the channel</a>.</p><p>To "
             "undo this, type <code>/h logout</code> in Slack.</p>" FOOT,
        person, workspace, rows, team, channel, web, team, channel);
}

char *sw_page_error(const char *title, const char *text) {
    SW_AUTO(sw_text) char *heading = sw_html_escape(title);
    SW_AUTO(sw_text) char *body = sw_html_escape(text);
    return sw_printf(HEAD "<title>%s</title></head><body><h1>%s</h1><p>%s</p>" FOOT, heading,
                     heading, body);
}

char *sw_page_whole(const char *title, const char *body) {
    return sw_printf(HEAD "<title>%s</title></head><body>%s" FOOT, title, body);
}

char *sw_public_url(const struct sw_conf *conf, const char *path) {
    const char *base = conf->base_url;
    if (!base || !base[0]) return sw_printf("http://%s%s", conf->http, path);
    size_t size = strlen(base);
    while (size && base[size - 1] == '/') {
        size--;
    }
    return sw_printf("%.*s%s", (int)size, base, path);
}

static const char *cookie_prefix(const struct sw_conf *conf) {
    return conf->base_url && !strncmp(conf->base_url, "https://", 8) ? "__Host-" : "";
}

char *sw_cookie_make(const struct sw_conf *conf, const char *name, const char *value, int life_s) {
    const char *prefix = cookie_prefix(conf);
    return sw_printf("%s%s=%s; HttpOnly; SameSite=Lax; Path=/; Max-Age=%d%s", prefix, name, value,
                     life_s, prefix[0] ? "; Secure" : "");
}

const char *sw_cookie_find(const struct sw_conf *conf, const json_t *cookies, const char *name) {
    SW_AUTO(sw_text) char *whole = sw_printf("%s%s", cookie_prefix(conf), name);
    return sw_str(cookies, whole);
}
