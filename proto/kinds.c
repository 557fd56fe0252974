/* kinds.c -- who sends what to whom, as PROTO.md's table says it; see kinds.h. */
#include "proto/kinds.h"

#include <string.h>

#define ACTORS "parser auth executor responder refresher notifier"

/* Names with a space before and behind, so that one is found as a whole. */
static const struct {
    const char *kind, *from, *to;
} rows[] = {
    {SW_KIND_SLASH, " ingress ", " parser "},
    {SW_KIND_WEB, " ingress ", " auth "},
    {SW_KIND_EVENT, " ingress executor notifier ", " notifier "},
    {SW_KIND_EVENT, " ingress auth ", " auth "},
    {SW_KIND_COMMAND, " parser notifier ", " auth "},
    {SW_KIND_GRANTED, " auth ", " executor "},
    {SW_KIND_REGRANT, " executor ", " auth "},
    {SW_KIND_UNGRANTED, " auth ", " executor "},
    {SW_KIND_CANCEL, " executor ", " executor "},
    {SW_KIND_GO, " executor ", " executor "},
    {SW_KIND_REVOKED, " auth ", " executor "},
    {SW_KIND_INSTALL, " auth ", " auth "},
    {SW_KIND_BOT, " auth ", " responder "},
    {SW_KIND_BOT_REFUSED, " responder ", " auth "},
    {SW_KIND_PERSON, " auth ", " notifier "},
    {SW_KIND_ACCOUNT, " auth ", " refresher "},
    {SW_KIND_DUE, " refresher ", " auth "},
    {SW_KIND_REFRESH, " auth ", " refresher "},
    {SW_KIND_REFRESHED, " refresher ", " auth "},
    {SW_KIND_REPLY, " " ACTORS " ", " responder "},
    {SW_KIND_NOTICE, " notifier ", " responder "},
    {SW_KIND_CHANNEL, " executor notifier ", " responder "},
    {SW_KIND_CHANNEL_STATE, " responder ", " executor notifier "},
    {SW_KIND_PROMOTED, " executor ", " notifier "},
    {SW_KIND_ROUTE, " executor auth ", " notifier "},
    {SW_KIND_PAGE, " auth ", " ingress "},
};

static bool names(const char *list, const char *role) {
    size_t size = strcspn(role, " ");
    if (!size || role[size]) return false;
    for (const char *at = list; (at = strstr(at, role)); at++) {
        if (at[-1] == ' ' && at[size] == ' ') return true;
    }
    return false;
}

/* "<actor>.http.v1", "<actor>.timer.v1" */
static bool is_own(const char *kind, const char *actor) {
    size_t size = strlen(actor);
    return strncmp(kind, actor, size) == 0 &&
           (!strcmp(kind + size, ".http.v1") || !strcmp(kind + size, ".timer.v1"));
}

bool sw_kind_may(const char *kind, const char *from, const char *to) {
    if (!strcmp(from, to) && is_own(kind, from) && names(" " ACTORS " ", from)) return true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!strcmp(rows[i].kind, kind) && names(rows[i].from, from) && names(rows[i].to, to))
            return true;
    }
    return false;
}

bool sw_kind_sends(const char *from, const char *to) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bool told = !strcmp(rows[i].kind, SW_KIND_PAGE); /* by wire only */
        if (!told && names(rows[i].from, from) && names(rows[i].to, to))
            return strcmp(from, to) != 0;
    }
    return false;
}
