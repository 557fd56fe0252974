/* report_event.c -- what an event says, and how it is written; see report.h.
 *
 * Nothing is copied that anybody typed or any platform gave in words: ids are taken only where they look like ids, all other
 * texts are constants of this program. So no filter has to recognise a secret. */
#include "common/mem.h"
#include "common/report.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define LIMIT_MS 60000 /* where a 429 does not say */
#define LIMIT_MAX_MS 86400000

int sw_dsn_parse(const char *text, struct sw_dsn *ret) {
    size_t scheme = !strncmp(text, "https://", 8) ? 8 : !strncmp(text, "http://", 7) ? 7 : 0;
    const char *at = strchr(text, '@');
    if (!scheme || !at || strpbrk(text, "?# \"\\")) return -EINVAL;
    const char *key = text + scheme;
    size_t key_size = strspn(key, UPPER LOWER DIGITS "_-"), rest = (size_t)(at - key);
    /* An old DSN has a second, private half: of no use any more. */
    if (!key_size || key_size >= sizeof(ret->key)) return -EINVAL;
    if (key_size != rest && key[key_size] != ':') return -EINVAL;
    const char *host = at + 1, *project = strrchr(host, '/');
    if (!project || project == host || host[0] == '/' || strchr(host, '@')) return -EINVAL;
    project++;
    if (!project[0] || strspn(project, DIGITS) != strlen(project)) return -EINVAL;
    struct sw_dsn dsn;
    int n = snprintf(dsn.url, sizeof(dsn.url), "%.*s%.*sapi/%s/envelope/", (int)scheme, text,
                     (int)(project - host), host, project);
    if (n < 0 || (size_t)n >= sizeof(dsn.url)) return -EINVAL;
    snprintf(dsn.key, sizeof(dsn.key), "%.*s", (int)key_size, key);
    *ret = dsn;
    return 0;
}

/* ---- ids that look like ids ---- */

static bool consists_of(const char *text, const char *alphabet, size_t least, size_t most) {
    size_t size = strlen(text);
    return size >= least && size <= most && strspn(text, alphabet) == size;
}

static bool is_slack_id(const char *text) {
    return text[0] && strchr("TEUW", text[0]) && consists_of(text, UPPER DIGITS, 2, 32);
}

/* "executor.http.v1" */
static bool is_kind(const char *text) {
    const char *dot = strrchr(text, '.');
    return dot && dot > text && strspn(text, LOWER ".") > (size_t)(dot - text) && dot[1] == 'v' &&
           consists_of(dot + 2, DIGITS, 1, 3);
}

/* 22 digits and letters as ingress makes them, or refresher's "<13 digits>-<16 hex digits>". */
static bool is_command_id(const char *text) {
    if (consists_of(text, DIGITS LOWER, 22, 22)) return true;
    return strlen(text) == 30 && strspn(text, DIGITS) == 13 && text[13] == '-' &&
           consists_of(text + 14, DIGITS "abcdef", 16, 16);
}

static void add(json_t *o, const char *name, const char *text) {
    if (text && text[0]) json_object_set_new(o, name, json_string(text));
}

static void add_number(json_t *o, const char *name, int number) {
    char text[16];
    snprintf(text, sizeof(text), "%d", number);
    add(o, name, text);
}

static const char *kind_of(const struct sw_report *report) {
    return report->about && is_kind(report->about->kind) ? report->about->kind : "";
}

static json_t *tags_of(const char *actor, const struct sw_report *report) {
    json_t *tags = json_object();
    const struct sw_msg *m = report->about;
    add(tags, "actor", actor);
    add(tags, "upstream", report->upstream);
    if (report->status) add_number(tags, "status", report->status);
    if (report->error)
        add(tags, "errno", strerrorname_np(report->error < 0 ? -report->error : report->error));
    add(tags, "kind", kind_of(report));
    if (m && is_slack_id(m->inst)) add(tags, "installation", m->inst);
    if (m && is_command_id(m->cmd)) add(tags, "command", m->cmd);
    if (consists_of(report->entry, DIGITS "-", 3, 47)) add(tags, "entry", report->entry);
    if (report->shard >= 0) add_number(tags, "shard", report->shard);
    return tags;
}

static void add_user(json_t *event, const struct sw_msg *m) {
    if (!m) return;
    const json_t *who = json_object_get(m->body, "who");
    const char *team = who ? sw_str(who, "team") : m->inst;
    const char *user = sw_str(who ? who : m->body, "user");
    if (!is_slack_id(team) || !is_slack_id(user)) return;
    SW_AUTO(sw_text) char *id = sw_printf("%s/%s", team, user);
    json_object_set_new(event, "user", json_pack("{s:s}", "id", id));
}

json_t *sw_report_event(const char *actor, const struct sw_report *report, const char *event_id,
                        int64_t now_ms) {
    const char *where = report->upstream ? report->upstream : actor;
    const char *kind = report->upstream ? "" : kind_of(report);
    SW_AUTO(sw_text)
    char *said = sw_printf("%s: %s%s%s", where, report->what, kind[0] ? ": " : "", kind);
    SW_AUTO(sw_text) char *message = sw_printf("%s: %s", report->type, said);
    json_t *event =
        json_pack("{s:s, s:f, s:s, s:s, s:s, s:s, s:s, s:{s:[{s:s, s:s}]}, s:[s, s, s, s], s:o}",
                  "event_id", event_id, "timestamp", (double)now_ms / 1000, "platform", "c",
                  "level", report->warning ? "warning" : "error", "logger", "slipway", "release",
                  "slipway@" SW_VERSION, "message", message, "exception", "values", "type",
                  report->type, "value", said, "fingerprint", report->type, report->what, where,
                  kind, "tags", tags_of(actor, report));
    add_user(event, report->about);
    return event;
}

/* ---- the envelope ---- */

char *sw_report_envelope(const json_t *event, int64_t now_ms, size_t *ret_size) {
    time_t s = (time_t)(now_ms / 1000);
    struct tm utc;
    char sent_at[32];
    gmtime_r(&s, &utc);
    strftime(sent_at, sizeof(sent_at), "%Y-%m-%dT%H:%M:%SZ", &utc);
    SW_AUTO(sw_json)
    json_t *head = json_pack("{s:s, s:s, s:{s:s, s:s}}", "event_id", sw_str(event, "event_id"),
                             "sent_at", sent_at, "sdk", "name", "slipway", "version", SW_VERSION);
    SW_AUTO(sw_text) char *head_text = json_dumps(head, JSON_COMPACT);
    SW_AUTO(sw_text) char *item = json_dumps(event, JSON_COMPACT);
    char *text = sw_printf(
        "%s\n{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":%zu}\n%s\n",
        head_text, strlen(item), item);
    *ret_size = strlen(text);
    return text;
}

/* ---- limits ---- */

/* One of "60:error;default:organization:reason"; its end is where the next begins. */
static int64_t limit_of(const char *text, size_t size) {
    char one[256], *end;
    if (size >= sizeof(one)) return 0;
    snprintf(one, sizeof(one), "%.*s", (int)size, text);
    double seconds = strtod(one, &end);
    if (end == one || *end != ':' || !(seconds > 0)) return 0;
    int64_t ms = seconds > LIMIT_MAX_MS / 1000 ? LIMIT_MAX_MS : (int64_t)(seconds * 1000);
    char *categories = end + 1, *rest = NULL;
    categories[strcspn(categories, ":")] = 0;
    if (!categories[0]) return ms; /* all of them */
    for (char *c = strtok_r(categories, ";", &rest); c; c = strtok_r(NULL, ";", &rest)) {
        if (!strcmp(c, "error") || !strcmp(c, "default")) return ms;
    }
    return 0;
}

int64_t sw_report_limit_ms(int status, int64_t retry_after_ms, const char *rate_limits) {
    int64_t most_ms = 0;
    /* The finer header, where it is there, is the whole truth. */
    if (rate_limits[0]) {
        for (const char *p = rate_limits; *p;) {
            p += strspn(p, ", ");
            size_t size = strcspn(p, ",");
            int64_t ms = limit_of(p, size);
            if (ms > most_ms) most_ms = ms;
            p += size;
        }
        return most_ms;
    }
    if (status != 429 && (status != 503 || retry_after_ms < 0)) return 0;
    return retry_after_ms >= 0 ? retry_after_ms : LIMIT_MS;
}
