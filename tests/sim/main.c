/* main.c -- slipway-sim: options and the loop; see state.h. */
#include "fault.h"
#include "github.h"
#include "heroku.h"
#include "journal.h"
#include "oauth.h"
#include "once.h"
#include "out.h"
#include "slack_oauth.h"
#include "tokens.h"

#include <curl/curl.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char help_text[] =
    "slipway-sim: a simulated Slack and Heroku on one port of 127.0.0.1\n"
    "  --port N               0 (default): chosen by the system\n"
    "  --host ADDRESS         another than 127.0.0.1; whoever is in its /16 counts as local\n"
    "  --ingress URL          where slash commands and webhooks go\n"
    "  --actors FILE          written by `slipway up`\n"
    "  --secret S             Slack signing secret (sim-signing-secret)\n"
    "  --webhook-secret S     Heroku webhook secret; none: no webhooks\n"
    "  --bot-token [TEAM=]T   may be repeated; none: any xoxb- token is good\n"
    "  --client-id ID         OAuth client; none: any\n"
    "  --client-secret S      none: any\n"
    "  --redirect-uri URI     the registered callback; none: any on http://127.0.0.1\n"
    "  --promote-ms MIN-MAX   how long a promotion takes (5000-8000); half of it is its release "
    "phase\n"
    "  --build-ms MIN-MAX     how long a build takes, without the release phase (4000-6000)\n"
    "  --dyno-ms MIN-MAX      how long a dyno starts (1000-2000)\n"
    "  --expires-in S         life of access tokens in seconds (28800)\n"
    "  --journal N            entries kept (100000)\n"
    "  --enforce-rate         answer 429 to more than 1 message a second and channel\n"
    "  --rate-limits          the same, and 429 where a method is called oftener than its tier "
    "allows\n"
    "  --rate-burst N         messages a channel takes at once (3)\n"
    "  --heroku-pool N        request tokens per account (4500)\n"
    "  --github-client-id ID, --github-client-secret S, --github-redirect-uri URI\n"
    "                         the same for GitHub's application\n"
    "  --slack-client-id ID, --slack-client-secret S\n"
    "                         the same for Slack's\n"
    "  --github-webhook-secret S  GitHub webhook secret; none: no event of GitHub\n"
    "  --github-app-events    repositories without a webhook tell the GitHub App\n"
    "  --github-app KIND      oauth (default): tokens without end; expiring: 8 hours, refreshed\n"
    "  --bench-teams N, --bench-channels M\n"
    "                         so many more workspaces, and channels among them; GET /sim/bench "
    "lists them\n"
    "  --hook-retry-ms N      until the second attempt of a webhook, then twice as long each time "
    "(500)\n"
    "  --event-ms N           one step of what happens by itself at GitHub and Heroku (300)\n"
    "  --shuffle-events SEED  webhooks leave late, in an order that the number decides\n"
    "  --repeat-events        each webhook is delivered twice\n"
    "  --seed TEXT            ids of the fixtures\n"
    "  --quiet                no line per request on standard error\n";

enum option_id {
    OPT_TEXT = 256,
    OPT_NUMBER,
    OPT_TOKEN,
    OPT_SPAN,
    OPT_ENFORCE,
    OPT_LIMITS,
    OPT_REPEAT,
    OPT_APP_EVENTS,
    OPT_QUIET,
    OPT_HELP
};

static const struct option options[] = {{"ingress", 1, NULL, OPT_TEXT},
                                        {"host", 1, NULL, OPT_TEXT},
                                        {"actors", 1, NULL, OPT_TEXT},
                                        {"secret", 1, NULL, OPT_TEXT},
                                        {"webhook-secret", 1, NULL, OPT_TEXT},
                                        {"client-id", 1, NULL, OPT_TEXT},
                                        {"client-secret", 1, NULL, OPT_TEXT},
                                        {"redirect-uri", 1, NULL, OPT_TEXT},
                                        {"seed", 1, NULL, OPT_TEXT},
                                        {"github-client-id", 1, NULL, OPT_TEXT},
                                        {"github-client-secret", 1, NULL, OPT_TEXT},
                                        {"github-redirect-uri", 1, NULL, OPT_TEXT},
                                        {"github-app", 1, NULL, OPT_TEXT},
                                        {"github-webhook-secret", 1, NULL, OPT_TEXT},
                                        {"slack-client-id", 1, NULL, OPT_TEXT},
                                        {"slack-client-secret", 1, NULL, OPT_TEXT},
                                        {"port", 1, NULL, OPT_NUMBER},
                                        {"expires-in", 1, NULL, OPT_NUMBER},
                                        {"journal", 1, NULL, OPT_NUMBER},
                                        {"rate-burst", 1, NULL, OPT_NUMBER},
                                        {"heroku-pool", 1, NULL, OPT_NUMBER},
                                        {"hook-retry-ms", 1, NULL, OPT_NUMBER},
                                        {"event-ms", 1, NULL, OPT_NUMBER},
                                        {"shuffle-events", 1, NULL, OPT_NUMBER},
                                        {"bench-teams", 1, NULL, OPT_NUMBER},
                                        {"bench-channels", 1, NULL, OPT_NUMBER},
                                        {"bot-token", 1, NULL, OPT_TOKEN},
                                        {"promote-ms", 1, NULL, OPT_SPAN},
                                        {"build-ms", 1, NULL, OPT_SPAN},
                                        {"dyno-ms", 1, NULL, OPT_SPAN},
                                        {"enforce-rate", 0, NULL, OPT_ENFORCE},
                                        {"rate-limits", 0, NULL, OPT_LIMITS},
                                        {"repeat-events", 0, NULL, OPT_REPEAT},
                                        {"github-app-events", 0, NULL, OPT_APP_EVENTS},
                                        {"quiet", 0, NULL, OPT_QUIET},
                                        {"help", 0, NULL, OPT_HELP},
                                        {NULL, 0, NULL, 0}};

static bool set_text(struct sim_conf *conf, const char *name, const char *value) {
    char **const at[] = {&conf->ingress,
                         &conf->host,
                         &conf->actors_file,
                         &conf->signing_secret,
                         &conf->webhook_secret,
                         &conf->client_id,
                         &conf->client_secret,
                         &conf->redirect_uri,
                         &conf->seed,
                         &conf->github_client_id,
                         &conf->github_client_secret,
                         &conf->github_redirect_uri,
                         &conf->github_app,
                         &conf->github_webhook_secret,
                         &conf->slack_client_id,
                         &conf->slack_client_secret};
    for (size_t i = 0; i < SIM_ARRAY_LEN(at); i++) {
        if (strcmp(options[i].name, name) != 0) continue;
        free(*at[i]);
        *at[i] = sim_strdup(value);
        return true;
    }
    return false;
}

static bool set_number(struct sim_conf *conf, const char *name, const char *value) {
    char *end = NULL;
    long long n = strtoll(value, &end, 10);
    if (*value == '\0' || *end != '\0' || n < 0 || n > 1000000000) return false;
    if (strcmp(name, "port") == 0) {
        conf->port = (int)n;
        return n < 65536;
    }
    if (strcmp(name, "expires-in") == 0) conf->expires_in_s = n;
    if (strcmp(name, "rate-burst") == 0) conf->rate_burst = n;
    if (strcmp(name, "heroku-pool") == 0) conf->heroku_pool = n;
    if (strcmp(name, "hook-retry-ms") == 0) conf->hook_retry_ms = n;
    if (strcmp(name, "event-ms") == 0) conf->event_ms = n;
    if (strcmp(name, "shuffle-events") == 0) conf->shuffle_seed = n;
    if (strncmp(name, "bench-", 6) == 0) {
        *(strcmp(name, "bench-teams") == 0 ? &conf->bench_teams : &conf->bench_channels) = (int)n;
        return n <= (strcmp(name, "bench-teams") == 0 ? 1000 : 100000);
    }
    if (strcmp(name, "journal") == 0) {
        conf->journal_entries = n;
        return n >= 1 && n <= 10000000;
    }
    return true;
}

static bool set_span(struct sim_conf *conf, const char *name, const char *value) {
    char *end = NULL;
    bool build = strcmp(name, "build-ms") == 0, dyno = strcmp(name, "dyno-ms") == 0;
    int64_t *min_ms = build  ? &conf->build_min_ms
                      : dyno ? &conf->dyno_min_ms
                             : &conf->promote_min_ms;
    int64_t *max_ms = build  ? &conf->build_max_ms
                      : dyno ? &conf->dyno_max_ms
                             : &conf->promote_max_ms;
    *min_ms = *max_ms = strtoll(value, &end, 10);
    if (end != value && *end == '-') *max_ms = strtoll(end + 1, &end, 10);
    return end != value && *end == '\0' && *min_ms >= 0 && *max_ms >= *min_ms &&
           *max_ms < 1000000000;
}

static bool set_token(struct sim_conf *conf, const char *value) {
    if (conf->bot_tokens == SIM_ARRAY_LEN(conf->bot_token)) return false;
    const char *equals = strchr(value, '=');
    if (equals != NULL) {
        SIM_FREE char *team = sim_strndup(value, (size_t)(equals - value));
        if (sim_team_find(team) == NULL) return false;
        conf->bot_team[conf->bot_tokens] = sim_strdup(team);
    }
    conf->bot_token[conf->bot_tokens++] = sim_strdup(equals != NULL ? equals + 1 : value);
    return true;
}

/* 0 to go on, else an exit code plus one. */
static int conf_parse(struct sim_conf *conf, int argc, char **argv) {
    for (int id, index = 0; (id = getopt_long(argc, argv, "", options, &index)) != -1;) {
        const char *name = options[index].name;
        bool ok = false;
        if (id == OPT_TEXT) ok = set_text(conf, name, optarg);
        if (id == OPT_NUMBER) ok = set_number(conf, name, optarg);
        if (id == OPT_TOKEN) ok = set_token(conf, optarg);
        if (id == OPT_SPAN) ok = set_span(conf, name, optarg);
        if (id == OPT_ENFORCE) ok = conf->enforce_rate = true;
        if (id == OPT_LIMITS) ok = conf->enforce_rate = conf->rate_limits = true;
        if (id == OPT_REPEAT) ok = conf->repeat_events = true;
        if (id == OPT_APP_EVENTS) ok = conf->github_app_events = true;
        if (id == OPT_QUIET) ok = conf->quiet = true;
        if (id == OPT_HELP) {
            fputs(help_text, stdout);
            return 1;
        }
        if (!ok) {
            if (id != '?') fprintf(stderr, "slipway-sim: --%s does not take '%s'\n", name, optarg);
            return 3;
        }
    }
    if (optind == argc) return 0;
    fprintf(stderr, "slipway-sim: unexpected argument '%s'\n", argv[optind]);
    return 3;
}

static void conf_finish(struct sim_conf *conf) {
    free(conf->ingress);
    free(conf->host);
    free(conf->actors_file);
    free(conf->signing_secret);
    free(conf->webhook_secret);
    free(conf->client_id);
    free(conf->client_secret);
    free(conf->redirect_uri);
    free(conf->seed);
    free(conf->github_client_id);
    free(conf->github_client_secret);
    free(conf->github_redirect_uri);
    free(conf->github_app);
    free(conf->github_webhook_secret);
    free(conf->slack_client_id);
    free(conf->slack_client_secret);
    for (size_t i = 0; i < conf->bot_tokens; i++) {
        free(conf->bot_token[i]);
        free(conf->bot_team[i]);
    }
}

static int signals_open(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void loop(struct sim *sim, int signal_fd) {
    struct signalfd_siginfo info;
    while (read(signal_fd, &info, sizeof(info)) < 0) {
        /* Timers first: a request that one of them lets go is answered in the same round. */
        sim_timer_run(sim);
        int64_t http_ms = sim_http_run(sim), timer_ms = sim_timer_next_ms(sim), wait_ms = 60000;
        if (timer_ms >= 0 && timer_ms < wait_ms) wait_ms = timer_ms;
        if (http_ms >= 0 && http_ms < wait_ms) wait_ms = http_ms;
        sim_out_run(sim, sim_http_fd(sim), signal_fd, wait_ms);
    }
}

static void sim_finish(struct sim *sim) {
    sim->stopping = true;
    sim_out_destroy(sim, sim->out);
    sim_timers_destroy(sim, sim->timers);
    sim_http_destroy(sim);
    sim_fault_forget(sim);
    sim_journal_destroy(sim->journal);
    sim_slack_destroy(sim->slack);
    sim_slack_auth_destroy(sim->slack_auth);
    sim_oauth_destroy(sim->oauth);
    sim_github_destroy(sim->github);
    sim_heroku_destroy(sim->heroku);
    json_decref(sim->sentry);
    json_decref(sim->told);
    json_decref(sim->issued);
    json_decref(sim->actor_seen);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "once") == 0) return sim_once_main(argc - 1, argv + 1);
    struct sim sim = {.conf = {.promote_min_ms = 5000,
                               .promote_max_ms = 8000,
                               .build_min_ms = 4000,
                               .build_max_ms = 6000,
                               .dyno_min_ms = 1000,
                               .dyno_max_ms = 2000,
                               .expires_in_s = 28800,
                               .journal_entries = 100000,
                               .rate_burst = 3,
                               .hook_retry_ms = 500,
                               .event_ms = 300,
                               .heroku_pool = 4500,
                               .github_pool = 5000,
                               .github_window_s = 3600,
                               .github_expires_s = 28800,
                               .github_app = sim_strdup("oauth"),
                               .signing_secret = sim_strdup("sim-signing-secret"),
                               .seed = sim_strdup("slipway")}};
    int code = conf_parse(&sim.conf, argc, argv);
    if (code != 0) {
        conf_finish(&sim.conf);
        return code - 1;
    }
    int signal_fd = signals_open();
    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || signal_fd < 0)
        return 1;
    /* Thousands of clients at once need descriptors; what the machine gives is enough otherwise. */
    struct rlimit files = {.rlim_cur = 8192, .rlim_max = 8192};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    sim.started_ms = sim_now_ms();
    sim.shuffle = (uint64_t)sim.conf.shuffle_seed;
    sim.timers = sim_timers_create();
    sim.out = sim_out_create();
    sim.journal = sim_journal_create((size_t)sim.conf.journal_entries);
    sim_tokens_create(&sim);
    sim.slack = sim_slack_create(&sim.conf);
    sim.slack_auth = sim_slack_auth_create();
    sim.heroku = sim_heroku_create(&sim);
    sim_oauth_create(&sim);
    sim.github = sim_github_create(&sim);
    sim.actor_seen = json_object();
    int r = sim_http_create(&sim);
    if (r < 0) {
        fprintf(stderr, "slipway-sim: cannot listen on port %d: %s\n", sim.conf.port, strerror(-r));
    } else {
        printf("sim %s\n", sim.base);
        fflush(stdout);
        loop(&sim, signal_fd);
    }
    sim_finish(&sim);
    close(signal_fd);
    curl_global_cleanup();
    conf_finish(&sim.conf);
    return r < 0 ? 1 : 0;
}
