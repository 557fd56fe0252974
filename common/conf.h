/* conf.h -- every setting, once: name, kind, default, limits and what it is for.
 *
 * shapes   environment variables SLIPWAY_<NAME>; a secret is a file whose lines are values (the first is
 *          current, a second is the previous one while it is being rotated)
 * units    in the name: _MS milliseconds; counts otherwise
 * errors   sw_conf_load returns -EINVAL and one line that names the variable and what it must be
 * owner    the caller finishes what it loaded; secrets are wiped
 * source   "Store config in the environment" (12 factor)
 * limits   a value is at most 4096 bytes
 */
#ifndef SW_CONF_H
#define SW_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* clang-format off */
/* TEXT(field, name, default, help)  NUMBER(field, name, default, min, max, help)
 * SECRET(field, name, roles, help): only these roles read it */
#define SW_CONF_TABLE(TEXT, NUMBER, SECRET)                                                        \
    TEXT(redis, "REDIS", "127.0.0.1:6379", "Redis: host:port, a socket's path, sentinel://NAME@host:port,host:port, or by shards: 0-31=ADDRESS 32-63=ADDRESS") \
    TEXT(redis_user, "REDIS_USER", "", "user at Redis; empty: its default user")                   \
    TEXT(run_dir, "RUN_DIR", "/run/slipway", "private directory of the ipc sockets")               \
    TEXT(wire, "WIRE", "ipc", "between actors: ipc, or tcp://ADDRESS:PORT, where others reach it; port 0: any") \
    TEXT(data_dir, "DATA_DIR", "/var/lib/slipway", "where `slipway up` keeps its own Redis")       \
    TEXT(key_dir, "KEY_DIR", "/etc/slipway/keys", "directory of this installation's keys")         \
    TEXT(http, "HTTP", "127.0.0.1:8080", "ingress: address that Slack and browsers reach")         \
    TEXT(admin, "ADMIN", "127.0.0.1:0", "address of /healthz, /readyz and /metrics; port 0: any")  \
    TEXT(base_url, "BASE_URL", "", "public URL of ingress, for links; empty: http://<HTTP>")       \
    TEXT(log, "LOG", "info", "least level logged: debug, info, warn or error")                     \
    TEXT(durability, "DURABILITY", "disk", "disk (appendfsync always), replicated (disk, and replicas have it) or memory (tests only)") \
    TEXT(slack_web, "SLACK", "https://slack.com", "Slack's pages for installing and signing in")    \
    TEXT(slack_api, "SLACK_API", "https://slack.com/api", "base URL of Slack's Web API")           \
    TEXT(hooks, "SLACK_HOOKS", "https://hooks.slack.com", "the only origin a response_url may have") \
    TEXT(slack_client_id, "SLACK_CLIENT_ID", "", "client id of the Slack app; empty: nobody can sign in") \
    TEXT(slack_scope, "SLACK_SCOPE", "commands,chat:write,chat:write.public,im:write,channels:read,channels:join,groups:read", "bot scopes asked of Slack") \
    TEXT(heroku_api, "HEROKU_API", "https://api.heroku.com", "base URL of Heroku's Platform API")  \
    TEXT(heroku_id, "HEROKU_ID", "https://id.heroku.com", "base URL of Heroku's OAuth pages")      \
    TEXT(dashboard, "HEROKU_DASHBOARD", "https://dashboard.heroku.com", "base URL for links")      \
    TEXT(heroku_client_id, "HEROKU_CLIENT_ID", "", "OAuth client id at Heroku")                    \
    TEXT(heroku_scope, "HEROKU_SCOPE", "identity write-protected", "OAuth scopes asked of Heroku") \
    TEXT(github_api, "GITHUB_API", "https://api.github.com", "base URL of GitHub's API")           \
    TEXT(github_web, "GITHUB", "https://github.com", "GitHub's OAuth pages, and links to it")      \
    TEXT(github_client_id, "GITHUB_CLIENT_ID", "", "client id at GitHub; empty: no GitHub")        \
    TEXT(github_scope, "GITHUB_SCOPE", "repo", "OAuth scopes asked of GitHub")                     \
    TEXT(github_hooks, "GITHUB_HOOKS", "repository", "repository: `route` makes a webhook in it; app: the GitHub App has one") \
    TEXT(kafka, "KAFKA", "", "Kafka: host:port,host:port; empty: webhooks go through Redis alone") \
    TEXT(kafka_topic, "KAFKA_TOPIC", "slipway-events", "topic of events; what cannot be read goes to <topic>-dead") \
    TEXT(kafka_group, "KAFKA_GROUP", "slipway-notifier", "consumer group of notifier; each Slipway has its own") \
    TEXT(kafka_options, "KAFKA_OPTIONS", "", "librdkafka's own settings: name=value, separated by spaces") \
    TEXT(otlp, "OTLP", "", "collector of traces: http://host:4318/v1/traces; empty: no traces") \
    TEXT(kolkrabbi, "KOLKRABBI", "https://kolkrabbi.heroku.com", "Heroku's older GitHub service")  \
    SECRET(redis_password, "REDIS_PASSWORD_FILE", "every role", "password at Redis")               \
    SECRET(slack_secret, "SLACK_SECRET_FILE", "ingress", "Slack signing secret")                   \
    SECRET(slack_token, "SLACK_TOKEN_FILE", "responder", "bot token of a workspace that did not install it") \
    SECRET(slack_client_secret, "SLACK_CLIENT_SECRET_FILE", "auth refresher", "client secret of the Slack app") \
    SECRET(heroku_secret, "HEROKU_SECRET_FILE", "auth refresher", "OAuth client secret at Heroku") \
    SECRET(webhook_secret, "HEROKU_WEBHOOK_SECRET_FILE", "ingress executor", "secret of Heroku's app webhooks") \
    SECRET(github_secret, "GITHUB_SECRET_FILE", "auth refresher", "client secret at GitHub")       \
    SECRET(github_webhook_secret, "GITHUB_WEBHOOK_SECRET_FILE", "ingress executor", "secret of GitHub's webhooks") \
    SECRET(kafka_password, "KAFKA_PASSWORD_FILE", "ingress notifier", "password at Kafka (sasl.password)") \
    SECRET(sentry_dsn, "SENTRY_DSN_FILE", "every role", "DSN at Sentry, for unexpected errors")    \
    NUMBER(wait, "WAIT", 1, 1, 8, "replicas that must have what `replicated` confirms")             \
    NUMBER(lease_ms, "LEASE_MS", 10000, 300, 60000, "how long a shard stays owned without renewal") \
    NUMBER(sweep_ms, "SWEEP_MS", 1000, 50, 60000, "how often mailboxes are compared with Redis")   \
    NUMBER(gap_ms, "GAP_MS", 5, 1, 1000, "how long a missing id is waited for before it is fetched") \
    NUMBER(read_timeout_ms, "READ_TIMEOUT_MS", 10000, 100, 60000, "a repeatable call's time-out")  \
    NUMBER(write_timeout_ms, "WRITE_TIMEOUT_MS", 30000, 100, 60000, "a write's time-out")          \
    NUMBER(retry_ms, "RETRY_MS", 60000, 0, 1800000, "how long a failing call is tried again")          \
    NUMBER(check_gap_ms, "CHECK_GAP_MS", 10000, 100, 60000, "between two looks after an unknown outcome") \
    NUMBER(poll_min_ms, "POLL_MIN_MS", 2000, 50, 60000, "first interval of a poll")                \
    NUMBER(poll_max_ms, "POLL_MAX_MS", 10000, 50, 60000, "longest interval of a poll")             \
    NUMBER(green_wait_ms, "GREEN_WAIT_MS", 1800000, 100, 86400000, "how long `wait` waits for checks") \
    NUMBER(dyno_wait_ms, "DYNO_WAIT_MS", 1800000, 100, 86400000, "how long dynos may take to be up") \
    NUMBER(slow_ms, "SLOW_MS", 5000, 100, 600000, "after so long without an answer it is said to go on") \
    NUMBER(report_gap_ms, "REPORT_GAP_MS", 60000, 100, 3600000, "for so long like reports are one") \
    NUMBER(refresh_ms, "REFRESH_MS", 21600000, 1000, 86400000, "how often a token is refreshed")   \
    NUMBER(tend_ms, "TEND_MS", 3600000, 1000, 86400000, "how often missed webhooks are looked for") \
    NUMBER(check_ms, "CHECK_MS", 86400000, 1000, 604800000, "how often a route's owner, channel, apps and webhooks are checked") \
    NUMBER(digest, "DIGEST", 20, 1, 1000, "new subjects of a channel in a minute before the rest is one message") \
    NUMBER(update_ms, "UPDATE_MS", 3000, 100, 60000, "least time between two updates of a notification") \
    NUMBER(owed_max, "OWED_MAX", 1000, 1, 1000000, "owed commands of one installation before ingress sheds") \
    NUMBER(audit_max, "AUDIT_MAX", 100000, 1, 10000000, "audit entries kept of an installation")   \
    NUMBER(story_max, "STORY_MAX", 2000, 0, 1000000, "entries kept of a shard for `slipway trace`; 0: none")        \
    NUMBER(batch, "BATCH", 64, 1, 256, "most messages in one commit")                              \
    NUMBER(depth, "DEPTH", 4, 1, 16, "most commits of a shard on their way")                       \
    NUMBER(connections, "CONNECTIONS", 2000, 16, 100000, "most HTTP connections of ingress")       \
    NUMBER(calls, "CALLS", 128, 1, 1024, "most outgoing HTTP calls at once")                       \
    NUMBER(drain_ms, "DRAIN_MS", 10000, 0, 300000, "how long SIGTERM waits for calls under way; ingress, unless at 127.0.0.1, goes on taking requests for half of it")
/* clang-format on */

struct sw_secret {
    char *current;  /* NULL: not configured; sodium_malloc'd, wiped when finished */
    char *previous; /* NULL unless it is being rotated */
};

struct sw_conf {
    const char *role; /* whose secrets were read; NULL: all */
#define SW_CONF_TEXT(field, name, value, help) char *field;
#define SW_CONF_NUMBER(field, name, value, min, max, help) int64_t field;
#define SW_CONF_SECRET(field, name, roles, help) struct sw_secret field;
    SW_CONF_TABLE(SW_CONF_TEXT, SW_CONF_NUMBER, SW_CONF_SECRET)
};
enum {
    SW_CONF_SECRETS = 0
#define SW_CONF_NO_TEXT(field, name, value, help)
#define SW_CONF_NO_NUMBER(field, name, value, min, max, help)
#define SW_CONF_ONE_SECRET(field, name, roles, help) +1
    SW_CONF_TABLE(SW_CONF_NO_TEXT, SW_CONF_NO_NUMBER, SW_CONF_ONE_SECRET)
};

/* Reads the environment; on failure `error` says which variable and why. */
int sw_conf_load(struct sw_conf *conf, char *error, size_t room);
/* The same for one role, with its secrets only: what a process does not have cannot be taken from it. `role` is kept. */
int sw_conf_load_role(struct sw_conf *conf, const char *role, char *error, size_t room);
void sw_conf_finish(struct sw_conf *conf);
/* Reads the secrets again, all or none: on failure those of `conf` stay. What pointed to one points to nothing. */
int sw_conf_secrets_reload(struct sw_conf *conf, char *error, size_t room);
/* The paths of the files of those that are set, borrowed of the environment; how many. */
size_t sw_conf_secret_files(const char *ret[SW_CONF_SECRETS]);
/* One line a setting: name, default, unit, meaning. */
void sw_conf_help(FILE *out);
/* A secret by its field name ("heroku_secret"), for effects that name it; NULL: no such or not set. */
const char *sw_conf_secret(const struct sw_conf *conf, const char *field);
/* Whether `url`, of `size` bytes, may be posted to as a response_url: at `hooks`, with a path like "/commands/T1/2/abc" (parts
 * of letters, digits and -_.~, nothing escaped, no query), 1024 bytes at most. */
bool sw_conf_is_hook(const struct sw_conf *conf, const char *url, size_t size);

#endif
