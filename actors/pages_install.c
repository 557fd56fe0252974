/* pages_install.c -- what a browser sees on the way of installing; see pages.h. */
#include "actors/pages.h"
#include "common/mem.h"
#include "proto/value.h"

#include <string.h>

/* Addresses are relative: a proxy may give all of ours a path to begin with. */
#define BUTTON(href) "<p><a class=\"go\" href=\"" href "\">Add to Slack</a></p>"
#define FROM_CALLBACK "../install"

char *sw_page_home(bool install) {
    return sw_page_whole(
        "Slipway",
        install ? "<h1>Slipway</h1><p>Deploy, promote, roll back and look after Heroku Pipelines "
                  "from a channel in Slack: everybody with their own rights at Heroku and GitHub, "
                  "and where the team sees it.</p>" BUTTON(
                      "slack/install") "<p>It is there already? Type <code>/h help</code> in "
                                       "Slack.</p>"
                : "<h1>Slipway</h1><p>ChatOps for Heroku Pipelines in Slack. There is nothing to "
                  "do here: type <code>/h help</code> in Slack.</p>");
}

char *sw_page_again(const char *title, const char *text) {
    SW_AUTO(sw_text) char *heading = sw_html_escape(title);
    SW_AUTO(sw_text) char *words = sw_html_escape(text);
    SW_AUTO(sw_text)
    char *body = sw_printf("<h1>%s</h1><p>%s</p>" BUTTON(FROM_CALLBACK), heading, words);
    return sw_page_whole(heading, body);
}

char *sw_page_install_form(const char *code, const char *csrf) {
    SW_AUTO(sw_text) char *code_text = sw_html_escape(code);
    SW_AUTO(sw_text) char *csrf_text = sw_html_escape(csrf);
    SW_AUTO(sw_text)
    char *body = sw_printf(
        "<h1>Install Slipway for an organization?</h1><p>Slack sent you here with leave to install "
        "Slipway, as it does when an administrator starts from Slack's own pages. It did not start "
        "at this Slipway, so please say that you want it.</p><p>If you did not just allow this at "
        "Slack, close this page: nothing has happened yet.</p><form method=\"post\" "
        "action=\"callback\"><input type=\"hidden\" name=\"code\" "
        "value=\"%s\"><input type=\"hidden\" name=\"csrf\" value=\"%s\"><button "
        "type=\"submit\">Install it for the organization</button></form><p>For a single workspace "
        "start with <a href=\"" FROM_CALLBACK "\">Add to Slack</a>.</p>",
        code_text, csrf_text);
    return sw_page_whole("Install Slipway", body);
}

/* The name where Slack told it, else the id. */
static char *name_of(const json_t *place) {
    return sw_html_escape(sw_str(place, "name")[0] ? sw_str(place, "name") : sw_str(place, "id"));
}

/* "commands,im:write" as a list that can be read, and broken into lines. */
static char *listed(const char *scope) {
    SW_AUTO(sw_text) char *text = sw_malloc(2 * strlen(scope) + 1);
    char *to = text;
    for (; *scope; scope++) {
        *to++ = *scope;
        if (*scope == ',') *to++ = ' ';
    }
    *to = '\0';
    return sw_html_escape(text);
}

char *sw_page_installed(const json_t *team, const json_t *enterprise, const char *scope) {
    const bool org = !team;
    SW_AUTO(sw_text) char *name = name_of(org ? enterprise : team);
    SW_AUTO(sw_text) char *scopes = listed(scope);
    SW_AUTO(sw_text) char *id = sw_url_escape(sw_str(team, "id"));
    SW_AUTO(sw_text)
    char *open = org ? sw_strdup("<p>Whoever linked their accounts while Slipway was installed in "
                                 "a single workspace links them again here: <code>/h "
                                 "login</code>.</p>")
                     : sw_printf("<p><a class=\"go\" href=\"slack://open?team=%s\">Open "
                                 "Slack</a></p>",
                                 id);
    SW_AUTO(sw_text)
    char *body =
        sw_printf("<h1>Slipway is installed</h1><dl><dt>%s</dt><dd>%s</dd><dt>It may use</dt>"
                  "<dd>%s</dd></dl><p>Now type <code>/h login</code> in a channel: it links your "
                  "own accounts, and only you see it. <code>/h help</code> says what else there "
                  "is.</p>%s",
                  org ? "Organization" : "Workspace", name, scopes, open);
    return sw_page_whole("Installed", body);
}
