/* test_ingress_install.c -- installing: the way to Slack and back, the administrator's form, and what Slack tells later. */
#include "ingress_world.h"

#define BASE "https://slipway.example"
#define MINUTE (60 * 1000LL)

struct browser {
    char cookie[64], state[128];
};

static int up(void **state) {
    int r = world_up(state);
    struct world *w = *state;
    w->conf.base_url = (char *)BASE "/";
    w->conf.slack_web = (char *)"https://slack.example";
    w->conf.slack_client_id = (char *)"1.2&3";
    w->conf.slack_scope = (char *)"commands,chat:write";
    return r;
}

/* `text` up to `end`, after the first `start` in it. */
static void between(const char *text, const char *start, const char *end, char *into, size_t room) {
    const char *from = text ? strstr(text, start) : NULL;
    if (!from) fail_msg("no %s in %s", start, text ? text : "nothing");
    from += strlen(start);
    snprintf(into, room, "%.*s", (int)strcspn(from, end), from);
}

static const struct sw_decision *visit(struct world *w, const char *method, const char *path,
                                       const char *query, const char *body, const char *cookie) {
    SW_AUTO(sw_text) char *header = sw_printf("other=1; __Host-sw_install=%s", cookie);
    world_request(w, method, path, body, strlen(body));
    w->request.query = query;
    if (cookie[0]) w->request.cookie = header;
    w->ctx.seed[1]++;
    return ask(w);
}

static void start(struct world *w, struct browser *b) {
    const struct sw_decision *d = visit(w, "GET", "/slack/install", "", "", b->cookie);
    assert_int_equal(d->reply.status, 303);
    assert_int_equal(d->appends, 0);
    between(d->reply.cookie, "__Host-sw_install=", ";", b->cookie, sizeof(b->cookie));
    between(d->reply.location, "&state=", "&", b->state, sizeof(b->state));
}

static const struct sw_decision *back(struct world *w, const char *cookie, const char *state,
                                      const char *more) {
    SW_AUTO(sw_text) char *query = sw_printf("state=%s&%s", state, more);
    return visit(w, "GET", "/slack/install/callback", query, "", cookie);
}

static void assert_page(const struct sw_decision *d, int status, const char *text) {
    assert_int_equal(d->reply.status, status);
    assert_int_equal(d->appends, 0);
    if (!strstr(d->reply.body, text)) fail_msg("no %s in %s", text, d->reply.body);
}

static void the_landing_page_has_the_button_where_there_is_an_app(void **state) {
    struct world *w = *state;
    assert_page(visit(w, "GET", "/", "", "", ""), 200, "<a class=\"go\" href=\"slack/install\">");
    w->conf.slack_client_id = (char *)"";
    assert_page(visit(w, "GET", "/", "", "", ""), 200, "type <code>/h help</code> in Slack");
    assert_null(strstr(w->d.reply.body, "slack/install"));
}

static void the_way_to_slack_leaves_nothing_behind(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    start(w, &b);
    const char *to = w->d.reply.location;
    assert_int_equal(strncmp(to,
                             "https://slack.example/oauth/v2/authorize?client_id=1.2%263"
                             "&scope=commands%2Cchat%3Awrite&user_scope=&redirect_uri="
                             "https%3A%2F%2Fslipway.example%2Fslack%2Finstall%2Fcallback&state=",
                             150),
                     0);
    assert_non_null(strstr(w->d.reply.cookie, "; HttpOnly; SameSite=Lax; Path=/; "
                                              "Max-Age=600; Secure"));
    assert_int_equal(strlen(b.cookie), 43);
    assert_null(w->d.reply.body);
}

static void a_browser_keeps_its_cookie_and_each_state_is_another(void **state) {
    struct world *w = *state;
    struct browser b = {0}, again;
    start(w, &b);
    again = b;
    start(w, &again);
    assert_string_equal(again.cookie, b.cookie);
    assert_string_not_equal(again.state, b.state);
    strcpy(again.cookie, "not ours");
    start(w, &again);
    assert_int_equal(strlen(again.cookie), 43);
    /* Both tabs may come back. */
    assert_int_equal(back(w, b.cookie, b.state, "code=c1")->appends, 1);
}

/* Over https a cookie of the plain name may be a neighbour's below the same domain, who knows it. */
static void a_cookie_that_a_neighbour_could_plant_counts_for_nothing(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    start(w, &b);
    SW_AUTO(sw_text) char *planted = sw_printf("sw_install=%s", b.cookie);
    SW_AUTO(sw_text) char *query = sw_printf("state=%s&code=c1", b.state);
    world_request(w, "GET", "/slack/install/callback", "", 0);
    w->request.query = query;
    w->request.cookie = planted;
    assert_page(ask(w), 403, "did not start in this browser");
}

static void what_comes_back_goes_to_auth_once(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    start(w, &b);
    w->ctx.now_ms += 9 * MINUTE;
    const struct sw_decision *d = back(w, b.cookie, b.state, "code=the-code");
    assert_int_equal(d->appends, 1);
    assert_true(d->wait);
    assert_string_equal(d->append[0].actor, "auth");
    assert_string_equal(d->append[0].m->kind, SW_KIND_WEB);
    assert_string_equal(d->append[0].m->inst, "INSTALL");
    assert_true(d->append[0].counted);
    assert_int_equal(d->append[0].dedupe_ms, 10 * MINUTE);
    assert_int_equal(strlen(d->append[0].dedupe), strlen("install:") + 64);
    assert_int_equal(d->duplicate.status, 410);
    assert_int_equal(d->away.status, 503);
    assert_int_equal(d->shed.status, 503);
    const json_t *body = d->append[0].m->body;
    assert_string_equal(sw_str(body, "wait"), "ipc:///x|1");
    assert_string_equal(sw_str(body, "method"), "GET");
    assert_string_equal(sw_str(body, "path"), "/slack/install/callback");
    SW_AUTO(sw_text) char *clear = json_dumps(body, 0);
    assert_null(strstr(clear, "the-code"));
    SW_AUTO(sw_json) json_t *web = opened(w, w->auth, "web");
    assert_string_equal(sw_str(json_object_get(web, "query"), "code"), "the-code");
    /* The same state with another code is the same: the ledger says so. */
    SW_AUTO(sw_text) char *first = sw_strdup(d->append[0].dedupe);
    assert_string_equal(back(w, b.cookie, b.state, "code=other")->append[0].dedupe, first);
    start(w, &b);
    assert_string_not_equal(back(w, b.cookie, b.state, "code=c")->append[0].dedupe, first);
}

static void a_state_is_good_here_only_and_not_for_long(void **state) {
    struct world *w = *state;
    struct browser b = {0}, other = {0};
    start(w, &b);
    start(w, &other);
    assert_page(back(w, "", b.state, "code=c"), 403, "did not start in this browser");
    assert_page(back(w, other.cookie, b.state, "code=c"), 403, "did not start in this browser");
    for (size_t i = 0; b.state[i]; i++) { /* every character of it counts */
        char forged[128];
        strcpy(forged, b.state);
        forged[i] = forged[i] == 'a' ? 'b' : 'a';
        back(w, b.cookie, forged, "code=c");
        assert_int_equal(w->d.appends, 0);
        assert_int_equal(w->d.reply.status, 403);
    }
    SW_AUTO(sw_text) char *of_sign_in = token(w, "state", "INSTALL");
    assert_page(back(w, b.cookie, of_sign_in, "code=c"), 403, "did not start in this browser");
    assert_page(back(w, b.cookie, b.state, ""), 400, "not understood");
    assert_page(back(w, b.cookie, b.state, "code=c&code=d"), 400, "not understood");
    w->ctx.now_ms += 10 * MINUTE;
    assert_page(back(w, b.cookie, b.state, "code=c"), 410, "longer than ten minutes");
    w->ctx.now_ms -= 30 * MINUTE; /* made by a clock that goes wrong */
    assert_page(back(w, b.cookie, b.state, "code=c"), 410, "longer than ten minutes");
}

static void slack_says_that_it_was_not_allowed(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    start(w, &b);
    assert_page(back(w, b.cookie, b.state, "error=access_denied"), 403, "was not installed");
    assert_non_null(strstr(w->d.reply.body, "href=\"../install\""));
    assert_page(back(w, b.cookie, b.state, "error=%3Cb%3E"), 502, "answered with an error");
    assert_null(strstr(w->d.reply.body, "<b>"));
    assert_page(visit(w, "GET", "/slack/install/callback", "error=access_denied", "", ""), 403,
                "was not installed");
}

static const struct sw_decision *post(struct world *w, const char *cookie, const char *code,
                                      const char *csrf) {
    SW_AUTO(sw_text) char *form = sw_printf("code=%s&csrf=%s", code, csrf);
    return visit(w, "POST", "/slack/install/callback", "", form, cookie);
}

static void an_administrator_without_a_state_is_asked_first(void **state) {
    struct world *w = *state;
    char cookie[64], csrf[128];
    const struct sw_decision *d =
        visit(w, "GET", "/slack/install/callback", "code=%3Cadmin%3E&state=", "", "");
    assert_page(d, 200, "name=\"code\" value=\"&lt;admin&gt;\"");
    between(d->reply.cookie, "__Host-sw_install=", ";", cookie, sizeof(cookie));
    between(d->reply.body, "name=\"csrf\" value=\"", "\"", csrf, sizeof(csrf));
    assert_page(post(w, "", "%3Cadmin%3E", csrf), 403, "did not start in this browser");
    assert_page(post(w, RANDOM43, "%3Cadmin%3E", csrf), 403, "did not start in this browser");
    assert_page(post(w, cookie, "another", csrf), 403, "did not start in this browser");
    assert_page(post(w, cookie, "%3Cadmin%3E", ""), 403, "did not start in this browser");
    /* What is good for the form is no state, and the other way round. */
    assert_page(back(w, cookie, csrf, "code=%3Cadmin%3E"), 403, "did not start");
    struct browser b = {0};
    start(w, &b);
    assert_page(post(w, b.cookie, "c", b.state), 403, "did not start in this browser");
    d = post(w, cookie, "%3Cadmin%3E", csrf);
    assert_int_equal(d->appends, 1);
    assert_string_equal(d->append[0].m->inst, "INSTALL");
    assert_string_equal(sw_str(d->append[0].m->body, "method"), "POST");
    assert_true(d->append[0].counted && d->append[0].dedupe[0]);
    SW_AUTO(sw_json) json_t *web = opened(w, w->auth, "web");
    assert_string_equal(sw_str(json_object_get(web, "form"), "code"), "<admin>");
    assert_null(json_object_get(web, "query"));
    w->ctx.now_ms += 10 * MINUTE;
    assert_page(post(w, cookie, "%3Cadmin%3E", csrf), 410, "longer than ten minutes");
}

static void without_an_app_nothing_can_be_installed(void **state) {
    struct world *w = *state;
    w->conf.slack_client_id = (char *)"";
    assert_page(visit(w, "GET", "/slack/install", "", "", ""), 503, "Not set up yet");
    assert_page(visit(w, "GET", "/slack/install/callback", "code=c", "", ""), 503,
                "Not set up yet");
    assert_null(w->d.reply.cookie);
}

static void nobody_waits_where_no_page_can_come(void **state) {
    struct world *w = *state;
    struct browser b = {0};
    start(w, &b);
    w->wait_id = "";
    assert_page(back(w, b.cookie, b.state, "code=c"), 503, "Not possible right now");
}

/* ---- what Slack tells later ---- */

static const struct sw_decision *event(struct world *w, const char *body) {
    world_request(w, "POST", "/slack/events", body, strlen(body));
    sign(w, SECRET, NOW_S);
    return ask(w);
}

static void events_go_to_the_installation_that_slack_names(void **state) {
#define EVENT(type, rest)                                                                          \
    "{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event_time\":1794999990,"                 \
    "\"api_app_id\":\"A1\",\"event\":{\"type\":\"" type "\"}," rest "}"
    static const struct {
        const char *body, *inst;
    } rows[] = {
        {EVENT("app_uninstalled", "\"team_id\":\"T1\""), "T1"},
        {EVENT("app_uninstalled", "\"team_id\":\"T1\",\"enterprise_id\":\"E1\""), "T1"},
        {EVENT("app_uninstalled",
               "\"team_id\":\"T1\",\"enterprise_id\":null,\"authorizations\":[]"),
         "T1"},
        {EVENT("app_uninstalled", "\"team_id\":\"T1\",\"authorizations\":[{\"team_id\":\"T2\","
                                  "\"enterprise_id\":\"E1\",\"is_enterprise_install\":false}]"),
         "T2"},
        {EVENT("app_uninstalled", "\"team_id\":\"T1\",\"authorizations\":[{\"team_id\":\"T2\","
                                  "\"enterprise_id\":\"E1\",\"is_enterprise_install\":true}]"),
         "E1"},
        {EVENT("tokens_revoked", "\"team_id\":\"T1\",\"enterprise_id\":\"E2\",\"authorizations\":["
                                 "{\"team_id\":null,\"is_enterprise_install\":true}]"),
         "E2"},
        {EVENT("app_uninstalled", "\"team_id\":null,\"enterprise_id\":\"E1\""), "E1"},
        {EVENT("app_uninstalled", "\"team_id\":\"T1\",\"enterprise_id\":\"E1\","
                                  "\"is_enterprise_install\":true"),
         "E1"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        const struct sw_decision *d = event(w, rows[i].body);
        assert_int_equal(d->appends, 1);
        assert_string_equal(d->append[0].actor, "auth");
        assert_string_equal(d->append[0].m->inst, rows[i].inst);
        assert_string_equal(d->append[0].dedupe, "slack:Ev1");
        assert_int_equal(d->append[0].dedupe_ms, 24 * 3600 * 1000LL);
        assert_false(d->append[0].counted);
        assert_int_equal(d->reply.status, 200);
        assert_int_equal(d->duplicate.status, 200);
        assert_int_equal(d->away.status, 503); /* and Slack sends it again */
        assert_int_equal(d->shed.status, 503);
        const json_t *body = d->append[0].m->body;
        assert_string_equal(sw_str(body, "source"), "slack");
        assert_string_equal(sw_str(body, "app"), "A1");
        assert_int_equal(sw_int(body, "at_ms"), 1794999990000LL);
    }
}

/* Where Slack's clock is before ours, what was installed after the event must not seem older than it. */
static void an_event_is_not_of_later_than_when_it_came(void **state) {
    static const struct {
        int ahead_s;
        int64_t at_ms;
    } rows[] = {{-1, NOW - 1000}, {0, NOW}, {1, NOW}, {3600, NOW}, {2000000000, NOW}};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text)
        char *body = sw_printf("{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"team_id\":"
                               "\"T1\",\"event_time\":%lld,\"event\":{\"type\":"
                               "\"app_uninstalled\"}}",
                               NOW / 1000 + rows[i].ahead_s);
        const struct sw_decision *d = event(w, body);
        assert_int_equal(sw_int(d->append[0].m->body, "at_ms"), rows[i].at_ms);
    }
}

static void whose_tokens_were_revoked_is_told(void **state) {
    struct world *w = *state;
    const struct sw_decision *d =
        event(w, "{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"team_id\":\"T1\",\"event\":{"
                 "\"type\":\"tokens_revoked\",\"tokens\":{\"oauth\":[\"U1\"],\"bot\":[\"U0BOT\",7,"
                 "\"<b>\",null]}}}");
    assert_int_equal(d->appends, 1);
    const json_t *body = d->append[0].m->body;
    SW_AUTO(sw_text) char *bots = json_dumps(json_object_get(body, "bots"), JSON_COMPACT);
    assert_string_equal(bots, "[\"U0BOT\"]");
    assert_null(json_object_get(body, "users"));  /* we have no tokens of people */
    assert_int_equal(sw_int(body, "at_ms"), NOW); /* Slack did not say when */
}

static void what_becomes_of_a_channel_is_told_to_notifier(void **state) {
    static const char *const types[] = {"rename", "archive", "unarchive", "deleted", "left"};
    static const struct {
        const char *channel, *id, *name;
    } rows[] = {
        {"\"C1\"", "C1", ""},
        {"{\"id\":\"C2\",\"name\":\"ship-it\",\"created\":1,\"topic\":\"secret\"}", "C2",
         "ship-it"},
        {"{\"id\":\"G3\",\"name\":\"\"}", "G3", ""},
        {"{\"id\":\"c3\"}", NULL, NULL},
        {"{}", NULL, NULL},
        {"7", NULL, NULL},
        {"\"C/1\"", NULL, NULL},
    };
    struct world *w = *state;
    const size_t kinds = 2 * sizeof(types) / sizeof(*types), count = sizeof(rows) / sizeof(*rows);
    for (size_t i = 0; i < kinds * count; i++) {
        const size_t row = i % count, type = i / count;
        SW_AUTO(sw_text)
        char *name = sw_printf("%s_%s", type % 2 ? "group" : "channel", types[type / 2]);
        SW_AUTO(sw_text)
        char *body = sw_printf("{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"team_id\":"
                               "\"T1\",\"event_time\":1794999990,\"api_app_id\":\"A1\",\"event\":{"
                               "\"type\":\"%s\",\"channel\":%s,\"user\":\"U1\"}}",
                               name, rows[row].channel);
        const struct sw_decision *d = event(w, body);
        if (!rows[row].id) {
            assert_refused(d, 400, "bad_event");
            continue;
        }
        assert_int_equal(d->appends, 1);
        assert_string_equal(d->append[0].actor, "notifier");
        assert_string_equal(d->append[0].m->inst, "T1");
        assert_string_equal(d->append[0].dedupe, "slack:Ev1");
        SW_AUTO(sw_json)
        json_t *want =
            json_pack("{s:s, s:s, s:s, s:I, s:{s:s}}", "source", "slack", "type", name, "event_id",
                      "Ev1", "at_ms", (json_int_t)1794999990000LL, "channel", "id", rows[row].id);
        if (rows[row].name[0])
            json_object_set_new(json_object_get(want, "channel"), "name",
                                json_string(rows[row].name));
        assert_true(json_equal(d->append[0].m->body, want));
    }
}

static void events_of_no_use_or_of_nobody_append_nothing(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *refused;
    } rows[] = {
        {"{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"team_id\":\"T1\","
         "\"event\":{\"type\":\"message\"}}",
         200, "ignored"},
        {"{\"type\":\"app_rate_limited\",\"team_id\":\"T1\"}", 200, "ignored"},
        {"{\"type\":\"event_callback\",\"event\":null}", 200, "ignored"},
        {"{\"type\":\"event_callback\",\"team_id\":\"T1\",\"event\":{\"type\":\"app_uninstalled\"}"
         "}",
         400, "bad_event"},
        {"{\"event_id\":\"Ev 1\",\"team_id\":\"T1\",\"event\":{\"type\":\"app_uninstalled\"}}", 400,
         "bad_event"},
        {"{\"event_id\":\"Ev1\",\"team_id\":\"T/1\",\"event\":{\"type\":\"app_uninstalled\"}}", 400,
         "bad_event"},
        {"{\"event_id\":\"Ev1\",\"event\":{\"type\":\"tokens_revoked\"}}", 400, "bad_event"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        assert_refused(event(w, rows[i].body), rows[i].status, rows[i].refused);
    }
    const char *good = EVENT("app_uninstalled", "\"team_id\":\"T1\"");
    world_request(w, "POST", "/slack/events", good, strlen(good));
    sign(w, "another secret", NOW_S);
    assert_refused(ask(w), 401, "bad_signature");
}

static void commands_of_an_org_wide_install_are_the_organizations(void **state) {
#define SLASH "user_id=U1&channel_id=C1&command=%2Fh&text=help&response_url=" HOOKS "/c/1"
    static const struct {
        const char *form, *inst, *team, *enterprise;
    } rows[] = {
        {SLASH "&team_id=T1&enterprise_id=E1&is_enterprise_install=true", "E1", "T1", "E1"},
        {SLASH "&team_id=&enterprise_id=E1&is_enterprise_install=true", "E1", "", "E1"},
        {SLASH "&team_id=T1&enterprise_id=E1&is_enterprise_install=false", "T1", "T1", "E1"},
        {SLASH "&team_id=T1&enterprise_id=E1", "T1", "T1", "E1"},
        {SLASH "&team_id=T1&is_enterprise_install=true", NULL, NULL, NULL},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        const struct sw_decision *d = slash(w, rows[i].form);
        assert_int_equal(d->appends, rows[i].inst ? 1 : 0);
        if (!rows[i].inst) continue;
        const json_t *who = json_object_get(d->append[0].m->body, "who");
        assert_string_equal(d->append[0].m->inst, rows[i].inst);
        assert_string_equal(sw_str(who, "team"), rows[i].team);
        assert_string_equal(sw_str(who, "enterprise"), rows[i].enterprise);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(the_landing_page_has_the_button_where_there_is_an_app),
        TEST(the_way_to_slack_leaves_nothing_behind),
        TEST(a_browser_keeps_its_cookie_and_each_state_is_another),
        TEST(a_cookie_that_a_neighbour_could_plant_counts_for_nothing),
        TEST(what_comes_back_goes_to_auth_once),
        TEST(a_state_is_good_here_only_and_not_for_long),
        TEST(slack_says_that_it_was_not_allowed),
        TEST(an_administrator_without_a_state_is_asked_first),
        TEST(without_an_app_nothing_can_be_installed),
        TEST(nobody_waits_where_no_page_can_come),
        TEST(events_go_to_the_installation_that_slack_names),
        TEST(an_event_is_not_of_later_than_when_it_came),
        TEST(whose_tokens_were_revoked_is_told),
        TEST(what_becomes_of_a_channel_is_told_to_notifier),
        TEST(events_of_no_use_or_of_nobody_append_nothing),
        TEST(commands_of_an_org_wide_install_are_the_organizations),
    };
    return cmocka_run_group_tests_name("ingress_install", tests, NULL, NULL);
}
