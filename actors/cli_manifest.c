/* cli_manifest.c -- `slipway manifest`: the Slack app of this installation, as Slack's "From a manifest" takes it; see cli.h. */
#include "actors/cli.h"
#include "actors/pages.h"
#include "common/conf.h"
#include "common/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Slack's limits. */
#define NAME_MAX_CHARS 35
#define COMMAND_MAX_CHARS 32
#define URL_MAX 1000

static const char usage[] = "usage: slipway manifest [--name NAME] [--command /h] BASE_URL\n\n"
                            "Prints the manifest of a Slack app for a Slipway that Slack and "
                            "browsers reach at BASE_URL, for\n"
                            "api.slack.com/apps, Create New App, From a manifest. --name is what "
                            "people see (Slipway), and\n"
                            "--command what they type (/h).\n";

static int wrong(const char *what, const char *why) {
    fprintf(stderr, "slipway manifest: %s %s\n", what, why);
    return SW_EXIT_USAGE;
}

static bool is_host(const char *text, size_t size) {
    size_t name = 0, port;
    while (name < size &&
           (strchr("-.", text[name]) || (text[name] >= '0' && text[name] <= '9') ||
            (text[name] >= 'a' && text[name] <= 'z') || (text[name] >= 'A' && text[name] <= 'Z')))
        name++;
    if (name == 0 || name == size) return name > 0;
    port = strspn(text + name + 1, "0123456789");
    return text[name] == ':' && port >= 1 && port <= 5 && name + 1 + port == size;
}

/* A host, with or without a port, and a path that nothing has to be escaped in. */
static bool is_base(const char *rest) {
    size_t host = strcspn(rest, "/");
    return is_host(rest, host) && strlen(rest) <= URL_MAX &&
           strspn(rest + host, "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz") == strlen(rest + host);
}

static bool is_here(const char *rest) {
    size_t name = strcspn(rest, ":/");
    return (name == 9 && !strncmp(rest, "127.0.0.1", 9)) ||
           (name == 9 && !strncmp(rest, "localhost", 9));
}

/* 0, or the exit status. */
static int check_url(const char *url) {
    static const char https[] = "https://", http[] = "http://";
    if (!strncmp(url, https, strlen(https)) && is_base(url + strlen(https))) return 0;
    if (strncmp(url, http, strlen(http)) != 0 || !is_base(url + strlen(http)) ||
        !is_here(url + strlen(http)))
        return wrong(url, "is no https URL without query, such as https://slipway.example.com");
    fprintf(stderr,
            "slipway manifest: Slack takes https only, and cannot reach %s: this is for a look\n",
            url);
    return 0;
}

static bool is_name(const char *text) {
    size_t chars = 0;
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) return false;
        if (((unsigned char)*at & 0xc0) != 0x80) chars++;
    }
    SW_AUTO(sw_json) json_t *utf8 = json_string(text);
    return utf8 && chars >= 1 && chars <= NAME_MAX_CHARS;
}

static bool is_command(const char *text) {
    const size_t size = strlen(text);
    return text[0] == '/' && size >= 2 && size <= COMMAND_MAX_CHARS &&
           strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789-_") == size - 1;
}

/* The default of SLIPWAY_SLACK_SCOPE, as a list. */
static json_t *default_scopes(void) {
    const char *scopes = "";
#define AS_TEXT(field, name, value, help)                                                          \
    if (!strcmp(name, "SLACK_SCOPE")) scopes = value;
#define NOTHING(...)
    SW_CONF_TABLE(AS_TEXT, NOTHING, NOTHING)
    json_t *list = json_array();
    while (*scopes) {
        size_t size = strcspn(scopes, ",");
        json_array_append_new(list, json_stringn(scopes, size));
        scopes += size + (scopes[size] == ',');
    }
    return list;
}

static json_t *url_of(const char *base, const char *path) {
    const struct sw_conf conf = {.base_url = (char *)base};
    SW_AUTO(sw_text) char *url = sw_public_url(&conf, path);
    return json_string(url);
}

static json_t *manifest(const char *name, const char *command, const char *base) {
    json_t *display = json_pack("{s:s, s:s, s:s}", "name", name, "description",
                                "ChatOps for Heroku Pipelines: deploy, promote and roll back from "
                                "a channel",
                                "background_color", "#3f3d6b");
    json_t *slash = json_pack(
        "{s:s, s:o, s:s, s:s, s:b}", "command", command, "url", url_of(base, "/slack/commands"),
        "description", "Heroku Pipelines from here", "usage_hint", "help", "should_escape", 1);
    json_t *features = json_pack("{s:{s:s, s:b}, s:[o]}", "bot_user", "display_name", name,
                                 "always_online", 1, "slash_commands", slash);
    /* What a sign-in asks for is declared, too; installing asks for nothing of a person. */
    json_t *oauth =
        json_pack("{s:[o, o], s:{s:o, s:[s, s]}}", "redirect_urls",
                  url_of(base, SW_PATH_INSTALL_CALLBACK), url_of(base, SW_PATH_CALLBACK_SLACK),
                  "scopes", "bot", default_scopes(), "user", "openid", "profile");
    /* What ingress_event.c takes; of channels what a route must know. */
    json_t *events = json_pack(
        "[s, s, s, s, s, s, s, s, s, s, s, s]", "app_uninstalled", "tokens_revoked",
        "channel_rename", "channel_archive", "channel_unarchive", "channel_deleted", "channel_left",
        "group_rename", "group_archive", "group_unarchive", "group_deleted", "group_left");
    json_t *settings = json_pack(
        "{s:{s:o, s:o}, s:{s:b, s:o}, s:b, s:b, s:b}", "event_subscriptions", "request_url",
        url_of(base, "/slack/events"), "bot_events", events, "interactivity", "is_enabled", 1,
        "request_url", url_of(base, "/slack/interactive"), "org_deploy_enabled", 1,
        "socket_mode_enabled", 0, "token_rotation_enabled", 1);
    return json_pack("{s:o, s:o, s:o, s:o}", "display_information", display, "features", features,
                     "oauth_config", oauth, "settings", settings);
}

int sw_cli_manifest(int argc, char **argv) {
    const char *name = "Slipway", *command = "/h", *base = NULL;
    if (sw_cli_asks_help(argc, argv)) return fputs(usage, stdout), sw_cli_written("manifest");
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--name") && more) {
            name = argv[++i];
        } else if (!strcmp(argv[i], "--command") && more) {
            command = argv[++i];
        } else if (argv[i][0] == '-' || base) {
            const bool known = !strcmp(argv[i], "--name") || !strcmp(argv[i], "--command");
            wrong(argv[i], known ? "wants a word behind it" : "is not understood here");
            return fputs(usage, stderr), SW_EXIT_USAGE;
        } else {
            base = argv[i];
        }
    }
    if (!base) {
        wrong("BASE_URL", "is missing");
        return fputs(usage, stderr), SW_EXIT_USAGE;
    }
    if (!is_name(name)) return wrong("--name", "takes 1 to 35 characters");
    if (!is_command(command))
        return wrong("--command", "takes a slash and up to 31 small letters, digits, - and _");
    int r = check_url(base);
    if (r != 0) return r;
    SW_AUTO(sw_json) json_t *app = manifest(name, command, base);
    json_dumpf(app, stdout, JSON_INDENT(2));
    putchar('\n');
    return sw_cli_written("manifest");
}
