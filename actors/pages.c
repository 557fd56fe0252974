/* pages.c -- see pages.h. */
#include "actors/pages.h"

#include "common/mem.h"
#include "proto/value.h"

#include <stdbool.h>
#include <string.h>

/* A header cannot be set from here, so the policy is in the document. It names no form-action:
 * browsers apply that to the redirect after the form as well, and ours leads to Heroku or GitHub. */
#define HEAD                                                                                       \
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                            \
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "                  \
    "style-src 'unsafe-inline'; base-uri 'none'\">"                                                \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"                     \
    "<meta name=\"referrer\" content=\"no-referrer\">"                                             \
    "<meta name=\"robots\" content=\"noindex\">"                                                   \
    "<style>body{font:16px/1.5 sans-serif;max-width:34em;margin:4em auto;padding:0 1em;"           \
    "color:#222}h1{font-size:1.4em}dt{color:#666}dd{margin:0 0 .8em;font-weight:bold}"             \
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

/* "<dt>..." of the Slack side, the same on both pages. */
static char *slack_identity(const json_t *who) {
    SW_AUTO(sw_text) char *user = sw_html_escape(sw_str(who, "user"));
    SW_AUTO(sw_text) char *team = sw_html_escape(sw_str(who, "team"));
    return sw_printf("<dt>Slack</dt><dd>user %s in workspace %s</dd>", user, team);
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

static char *first_of(const json_t *names) {
    const char *plain = json_string_value(json_array_get(names, 0));
    return sw_html_escape(plain ? plain : "");
}

char *sw_page_link(const json_t *who, const json_t *names, const char *csrf) {
    SW_AUTO(sw_text) char *slack = slack_identity(who);
    SW_AUTO(sw_text) char *user = sw_html_escape(sw_str(who, "user"));
    SW_AUTO(sw_text) char *token = sw_html_escape(csrf);
    SW_AUTO(sw_text) char *all = joined(names);
    SW_AUTO(sw_text) char *first = first_of(names);
    const bool several = json_array_size(names) > 1;
    return sw_printf(
        HEAD
        "<title>Link your %s account%s</title></head><body>"
        "<h1>Link your %s account%s</h1><p>What is typed in Slack by this user will be done "
        "at %s by your account%s.</p><dl>%s<dt>%s</dt><dd>the account%s you sign in with "
        "on the next page%s</dd></dl><p>If you are not %s, or did not ask for this link, close "
        "this page: nothing has happened yet.</p><form method=\"post\"><input type=\"hidden\" "
        "name=\"csrf\" value=\"%s\"><button type=\"submit\">Go on to %s</button></form>" FOOT,
        all, several ? "s" : "", all, several ? "s" : "", all, several ? "s" : "", slack, all,
        several ? "s" : "", several ? "s" : "", user, token, first);
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

char *sw_page_done(const json_t *who, const json_t *accounts) {
    SW_AUTO(sw_text) char *slack = slack_identity(who);
    SW_AUTO(sw_text) char *rows = identities(accounts);
    SW_AUTO(sw_text) char *team = sw_url_escape(sw_str(who, "team"));
    SW_AUTO(sw_text) char *channel = sw_url_escape(sw_str(who, "channel"));
    return sw_printf(
        HEAD "<title>Linked</title></head><body><h1>Your accounts are linked</h1><dl>%s"
             "%s</dl><p>Commands that were waiting for this go on by "
             "themselves.</p><p><a class=\"go\" href=\"slack://channel?team=%s&amp;id=%s\">Back to "
             "Slack</a></p><p>To undo this, type <code>/h logout</code> in Slack.</p>" FOOT,
        slack, rows, team, channel);
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
