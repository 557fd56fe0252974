/* cli_check_reach.c -- whether all that is called can be reached from here; see cli_check_priv.h. */
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "common/probe.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 5000
#define EXACT_MS 1500 /* a Date has no parts of a second, and took its time */

struct target {
    const char *what;
    char *url;
    enum sw__level without; /* when it cannot be reached */
};

struct targets {
    size_t count;
    struct target at[SW_PROBES];
};

static void add(struct targets *t, const char *what, char *url, enum sw__level without) {
    if (t->count == SW_PROBES || !url[0]) {
        free(url);
        return;
    }
    t->at[t->count++] = (struct target){what, url, without};
}

static void add_kafka(struct targets *t, const char *brokers) {
    for (const char *at = brokers; *at;) {
        size_t size = strcspn(at, ",");
        if (size) add(t, "Kafka", sw_printf("tcp://%.*s", (int)size, at), SW__FAIL);
        at += size + (at[size] == ',');
    }
}

/* Of a DSN only where it leads to: the rest of it is a secret. */
static void add_sentry(struct targets *t, const char *dsn) {
    const char *at = dsn ? strchr(dsn, '@') : NULL;
    if (!at) return;
    const bool tls = !strncmp(dsn, "https://", 8);
    add(t, "Sentry",
        sw_printf("%s://%.*s/", tls ? "https" : "http", (int)strcspn(at + 1, "/@?#"), at + 1),
        SW__WARN);
}

static void collect(const struct sw_conf *conf, struct targets *t) {
    const bool github = conf->github_client_id[0] != 0;
    add(t, "Slack", sw_strdup(conf->slack_api), SW__FAIL);
    add(t, "Slack", sw_strdup(conf->hooks), SW__WARN);
    add(t, "Heroku", sw_strdup(conf->heroku_api), SW__FAIL);
    add(t, "Heroku", sw_strdup(conf->heroku_id), SW__FAIL);
    add(t, "GitHub", sw_strdup(github ? conf->github_api : ""), SW__FAIL);
    add(t, "GitHub", sw_strdup(github ? conf->github_web : ""), SW__FAIL);
    add_kafka(t, conf->kafka);
    add_sentry(t, conf->sentry_dsn.current);
    add(t, "OpenTelemetry", sw_strdup(conf->otlp), SW__WARN);
}

static void say(const struct target *target, const struct sw_probe *probe, json_t *rows) {
    if (!probe->error[0] && !probe->status) {
        sw__row(rows, "upstream", SW__OK, NULL, "%s: %s takes connections", target->what,
                target->url);
    } else if (!probe->error[0]) {
        sw__row(rows, "upstream", SW__OK, NULL, "%s: %s answers (%d)", target->what, target->url,
                probe->status);
    } else {
        sw__row(rows, "upstream", target->without,
                "let this machine out to it: name server, firewall, NetworkPolicy, proxy, "
                "certificates",
                "%s: %s cannot be reached from here: %s", target->what, target->url, probe->error);
    }
}

static void say_base(const char *url, const struct sw_probe *probe, json_t *rows) {
    if (probe->error[0])
        sw__row(rows, "base-url", SW__WARN,
                "nothing, where only Slack and browsers can reach it; else look at DNS, the load "
                "balancer and its certificate",
                "%s cannot be reached from here: %s", url, probe->error);
    else if (probe->status >= 500)
        sw__row(rows, "base-url", SW__WARN, "see whether ingress runs, and what stands before it",
                "%s answers %d: ingress is not behind it, or not ready", url, probe->status);
    else
        sw__row(rows, "base-url", SW__OK, NULL, "%s answers (%d)", url, probe->status);
}

void sw__check_reach(const struct sw_conf *conf, json_t *rows) {
    struct targets t = {0};
    struct sw_probe probe[SW_PROBES] = {0};
    bool clock = false;
    const size_t port = strlen(conf->base_url) > 2 ? strlen(conf->base_url) - 2 : 0;
    collect(conf, &t);
    const size_t others = t.count;
    /* Port 0: ingress takes any, and tells it only to `slipway up`. */
    if (strcmp(conf->base_url + port, ":0") != 0)
        add(&t, "ingress", sw_printf("%s/", conf->base_url), SW__WARN);
    for (size_t i = 0; i < t.count; i++)
        probe[i].url = t.at[i].url;
    sw_probe(probe, t.count, TIMEOUT_MS);
    for (size_t i = 0; i < t.count; i++) {
        if (i == others)
            say_base(t.at[i].url, &probe[i], rows);
        else
            say(&t.at[i], &probe[i], rows);
    }
    for (size_t i = 0; i < others && !clock; i++) {
        clock = probe[i].dated && !strcmp(t.at[i].what, "Slack");
        if (clock) sw__check_clock("Slack", probe[i].skew_ms, EXACT_MS, rows);
    }
    for (size_t i = 0; i < t.count; i++)
        free(t.at[i].url);
}
