/* test_auth_install.c -- Slack's code becomes a bot token, kept by its installation; and how that ends, in any order. */
#include "auth_browser.h"

#define INSTALLED (NOW - 1000)
#define BOT_ACCT "acct/T1/bot"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

/* ---- auth of "INSTALL" ---- */

static struct sw_msg *back_from_slack(const struct world *w, const char *method) {
    struct sw_msg *m = sw_msg_create(SW_KIND_WEB, "c-install", "INSTALL", w->now_ms);
    json_object_update_new(m->body, json_pack("{s:s, s:s, s:s}", "wait", "w1", "method", method,
                                              "path", SW_PATH_INSTALL_CALLBACK));
    box(m, w->ingress, "auth", "web",
        json_pack("{s:{s:s}}", !strcmp(method, "POST") ? "form" : "query", "code", "the-code"));
    return m;
}

/* The call that exchanges the code; the caller decrefs. */
static json_t *exchange(struct world *w, const char *method) {
    run(w, back_from_slack(w, method));
    assert_int_equal(json_array_size(w->outputs), 2); /* and it is counted */
    return json_incref((json_t *)the(w, "http", NULL, SW_KIND_AUTH_HTTP));
}

/* Slack's answer to it, as JSON or a failure; takes both. */
static void answered(struct world *w, const json_t *call, json_t *http, json_t *sealed) {
    struct sw_msg *m = sw_msg_create(sw_str(call, "kind"), sw_str(call, "cmd"), "INSTALL", NOW);
    json_object_update(m->body, json_object_get(call, "body"));
    json_object_update(m->boxes, json_object_get(call, "boxes"));
    json_object_set_new(m->body, "http", http);
    if (sealed) box(m, w->auth, "auth", "answer", sealed);
    w->now_ms += 5000; /* an answer takes its time */
    run(w, m);
}

static json_t *parsed(const char *text) {
    json_t *value = json_loads(text, 0, NULL);
    if (!value) fail_msg("%s is no JSON", text);
    return value;
}

#define TEAM "\"team\":{\"id\":\"T1\",\"name\":\"Acme <b>\"}"
#define BOT                                                                                        \
    "\"ok\":true,\"access_token\":\"xoxb-new\",\"token_type\":\"bot\",\"scope\":"                  \
    "\"commands,chat:write\",\"bot_user_id\":\"UBOT\",\"app_id\":\"A1\",\"authed_user\":{\"id\":"  \
    "\"UADM\"},"

static void says(struct world *w, const char *method, const char *json) {
    json_t *call = exchange(w, method);
    answered(w, call, json_pack("{s:i}", "status", 200), parsed(json));
    json_decref(call);
}

/* What was passed on; NULL: nothing. */
static const json_t *passed(const struct world *w) {
    return count(w, "pass", NULL, NULL) ? the(w, "pass", "auth", SW_KIND_INSTALL) : NULL;
}

static void the_code_is_exchanged_by_the_app_itself(void **state) {
    static const char *const secrets[] = {"the-code", NULL};
    struct world *w = *state;
    json_t *call = exchange(w, "GET");
    const json_t *request = json_object_get(call, "value"),
                 *form = json_object_get(request, "form");
    assert_string_equal(sw_str(request, "up"), "slack");
    assert_string_equal(sw_str(request, "path"), "/oauth.v2.access");
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "seal")));
    assert_string_equal(sw_str(json_object_get(request, "basic"), "user"), "25.11");
    assert_string_equal(
        sw_str(json_object_get(json_object_get(request, "basic"), "password"), "$conf"),
        "slack_client_secret");
    assert_string_equal(sw_str(form, "redirect_uri"), BASE "/slack/install/callback");
    assert_hidden(w, secrets);
    SW_AUTO(sw_json) json_t *code = opened(call, "oauth", w->auth);
    assert_string_equal(sw_str(code, "code"), "the-code");
    json_decref(call);
}

static void where_it_was_installed_is_whose_it_is(void **state) {
#define ORG "\"is_enterprise_install\":true,"
    static const struct {
        const char *json, *inst;
        bool team;
    } rows[] = {
        {"{" BOT TEAM "}", "T1", true},
        {"{" BOT TEAM ",\"enterprise\":null,\"is_enterprise_install\":false}", "T1", true},
        {"{" BOT TEAM ",\"enterprise\":{\"id\":\"E1\",\"name\":\"Grid\"}}", "T1", true},
        {"{" BOT ORG "\"team\":null,\"enterprise\":{\"id\":\"E1\",\"name\":\"Grid\"}}", "E1",
         false},
        {"{" BOT ORG TEAM ",\"enterprise\":{\"id\":\"E1\"}}", "E1", false},
    };
    static const char *const secrets[] = {"xoxb", NULL};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        says(w, "GET", rows[i].json);
        assert_int_equal(json_array_size(w->outputs), 1); /* the page is the installation's */
        const json_t *m = passed(w), *body = body_of(m);
        assert_non_null(m);
        assert_string_equal(sw_str(m, "inst"), rows[i].inst);
        assert_string_equal(sw_str(body, "wait"), "w1");
        assert_string_equal(sw_str(body, "bot_user"), "UBOT");
        assert_string_equal(sw_str(body, "app"), "A1");
        assert_string_equal(sw_str(body, "by"), "UADM");
        assert_int_equal(sw_int(body, "installed_ms"), NOW); /* when the browser came back */
        assert_int_equal(json_object_get(body, "team") != NULL, rows[i].team);
        assert_null(json_object_get(body, "expires_in"));
        assert_hidden(w, secrets);
        SW_AUTO(sw_json) json_t *bot = opened(m, "bot", w->auth);
        assert_string_equal(sw_str(bot, "access_token"), "xoxb-new");
        assert_null(json_object_get(bot, "refresh_token"));
        w->now_ms = NOW;
    }
}

static void a_rotating_token_comes_with_its_end_and_its_successor(void **state) {
    struct world *w = *state;
    says(w, "GET", "{" BOT TEAM ",\"expires_in\":43200,\"refresh_token\":\"xoxe-1\"}");
    SW_AUTO(sw_json) json_t *bot = opened(passed(w), "bot", w->auth);
    assert_string_equal(sw_str(bot, "refresh_token"), "xoxe-1");
    assert_int_equal(sw_int(body_of(passed(w)), "expires_in"), 43200);
}

static void what_is_no_installation_leaves_nothing(void **state) {
    static const struct {
        const char *json, *text;
        int status;
    } rows[] = {
        {"{\"ok\":false,\"error\":\"invalid_code\"}", "good once and for ten minutes", 502},
        {"{\"ok\":false,\"error\":\"bad_redirect_uri\"}",
         "do not fit together: bad_redirect_uri. Tell", 502},
        {"{\"ok\":false,\"error\":\"bad_client_secret\"}", "Tell the person who runs it", 502},
        {"{\"ok\":false,\"error\":\"<b>\"}", "Slack did not install Slipway", 502},
        {"{\"ok\":false,\"error\":\"cannot_install_an_org_installed_app\"}", "It is there already",
         409},
        {"{\"ok\":true," TEAM "}", "Slack did not install Slipway", 502},
        {"{\"ok\":true,\"access_token\":\"\"," TEAM "}", "Slack did not install Slipway", 502},
        {"{\"ok\":true,\"access_token\":7," TEAM "}", "Slack did not install Slipway", 502},
        {"{\"access_token\":\"xoxb\"," TEAM "}", "Slack did not install Slipway", 502},
        {"{\"ok\":true,\"access_token\":\"xoxp\",\"token_type\":\"user\"," TEAM "}",
         "Slack did not install Slipway", 502},
        {"{" BOT "\"team\":null}", "Slack did not install Slipway", 502},
        {"{" BOT "\"team\":{\"id\":\"T/1\"}}", "Slack did not install Slipway", 502},
        {"{" BOT ORG TEAM ",\"enterprise\":null}", "Slack did not install Slipway", 502},
        {"[]", "Slack did not install Slipway", 502},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("row %zu\n", i);
        says(w, "GET", rows[i].json);
        assert_only_page(w, rows[i].status);
        const char *html = sw_str(page(w, rows[i].status), "html");
        if (!strstr(html, rows[i].text)) fail_msg("no %s in %s", rows[i].text, html);
        assert_non_null(strstr(html, "href=\"../install\""));
    }
}

static void slack_away_is_asked_twice_at_most_and_said(void **state) {
    struct world *w = *state;
    json_t *call = exchange(w, "GET");
    answered(w, call, json_pack("{s:s}", "error", "unsure"), NULL);
    json_decref(call);
    call = json_incref((json_t *)the(w, "http", NULL, SW_KIND_AUTH_HTTP));
    answered(w, call, json_pack("{s:s}", "error", "timeout"), NULL);
    assert_only_page(w, 502);
    assert_non_null(strstr(sw_str(page(w, 502), "html"), "cannot be reached right now"));
    answered(w, call, json_pack("{s:i}", "status", 503), NULL);
    assert_only_page(w, 502);
    /* The first call had used the code up: it is not true that nothing was changed. */
    answered(w, call, json_pack("{s:i}", "status", 200), parsed("{\"error\":\"invalid_code\"}"));
    assert_only_page(w, 502);
    assert_non_null(strstr(sw_str(page(w, 502), "html"), "is not known"));
    assert_null(strstr(sw_str(page(w, 502), "html"), "Nothing was changed"));
    /* It was not even asked: the secret of the client is missing. */
    answered(w, call, json_pack("{s:s}", "error", "refused"), NULL);
    assert_non_null(strstr(sw_str(page(w, 502), "html"), "no client secret"));
    json_decref(call);
}

static void an_administrator_installs_for_an_organization_only(void **state) {
    struct world *w = *state;
    says(w, "POST", "{" BOT TEAM "}");
    assert_only_page(w, 403);
    says(w, "POST", "{" BOT ORG "\"team\":null,\"enterprise\":{\"id\":\"E1\"}}");
    assert_string_equal(sw_str(passed(w), "inst"), "E1");
}

static void codes_that_are_made_up_do_not_drown_slack(void **state) {
    struct world *w = *state;
    for (int minute = 0; minute < 2; minute++) {
        for (int i = 0; i < 60; i++)
            json_decref(exchange(w, i % 2 ? "GET" : "POST"));
        for (int i = 0; i < 2; i++) {
            run(w, back_from_slack(w, "GET"));
            assert_only_page(w, 429);
            w->now_ms += 59999 * (1 - i);
        }
        w->now_ms++;
    }
}

static void only_the_door_of_installing_leads_here(void **state) {
    struct world *w = *state;
    struct sw_msg *m = back_from_slack(w, "GET");
    strcpy(m->inst, "T1");
    assert_int_equal(world_try(w, m), -EINVAL);
}

/* ---- auth of the installation ---- */

static struct sw_msg *install_in(const struct world *w, const char *inst, const char *token,
                                 int64_t installed_ms) {
    struct sw_msg *m = sw_msg_create(SW_KIND_INSTALL, "c-install", inst, w->now_ms);
    const bool org = inst[0] == 'E';
    json_object_update_new(m->body, json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:I}",
                                              "wait", "w1", org ? "enterprise" : "team", "id", inst,
                                              "name", "Acme <b>", "app", "A1", "bot_user", "UBOT",
                                              "scope", "commands,chat:write", "by", "UADM",
                                              "installed_ms", (json_int_t)installed_ms));
    if (token) box(m, w->auth, "auth", "bot", json_pack("{s:s}", "access_token", token));
    return m;
}

static void install(struct world *w, const char *token, int64_t installed_ms) {
    run(w, install_in(w, "T1", token, installed_ms));
}

static const json_t *bot(const struct world *w) {
    return json_object_get(json_object_get(w->facts, BOT_ACCT), "slack");
}

static void assert_kept(struct world *w, const char *token) {
    SW_AUTO(sw_json) json_t *tokens = NULL;
    if (!token) {
        assert_null(bot(w));
        return;
    }
    assert_int_equal(sw_row_unseal(w->auth, sw_str(bot(w), "row"), "T1/bot/slack", &tokens), 0);
    assert_string_equal(sw_str(tokens, "access_token"), token);
}

static void the_token_is_kept_and_everybody_is_told(void **state) {
    static const char *const secrets[] = {"xoxb", NULL};
    struct world *w = *state;
    install(w, "xoxb-new", INSTALLED);
    assert_kept(w, "xoxb-new");
    assert_hidden(w, secrets);
    assert_int_equal(sw_int(bot(w), "linked_ms"), INSTALLED);
    assert_int_equal(sw_int(bot(w), "expires_ms"), 0);
    assert_string_equal(sw_str(bot(w), "id"), "UBOT");
    assert_string_equal(sw_str(bot(w), "by"), "UADM");
    const json_t *told = the(w, "send", "responder", SW_KIND_BOT);
    assert_int_equal(sw_int(body_of(told), "version"), sw_int(bot(w), "version"));
    assert_false(json_is_true(json_object_get(body_of(told), "gone")));
    SW_AUTO(sw_json) json_t *token = opened(told, "bot", w->responder);
    assert_string_equal(sw_str(token, "token"), "xoxb-new");
    const json_t *account = body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT));
    assert_string_equal(sw_str(account, "user"), "bot");
    assert_string_equal(sw_str(account, "provider"), "slack");
    const json_t *audit = json_object_get(the(w, "audit", NULL, NULL), "value");
    assert_string_equal(sw_str(audit, "task"), "install");
    assert_string_equal(sw_str(json_object_get(audit, "who"), "user"), "UADM");
    assert_string_equal(sw_str(audit, "detail"), "commands,chat:write");
    assert_int_equal(count(w, "tally", NULL, NULL), 1);
    const char *html = sw_str(page(w, 200), "html");
    assert_non_null(strstr(html, "Acme &lt;b&gt;"));
    assert_non_null(strstr(html, "<code>/h login</code>"));
    assert_non_null(strstr(html, "slack://open?team=T1"));
    assert_null(strstr(html, "links them again"));
}

static void an_organization_is_told_to_link_again(void **state) {
    struct world *w = *state;
    run(w, install_in(w, "E1", "xoxb-org", INSTALLED));
    const char *html = sw_str(page(w, 200), "html");
    assert_non_null(strstr(html, "links them again here"));
    assert_non_null(strstr(html, "Organization"));
    assert_non_null(json_object_get(w->facts, "acct/E1/bot"));
}

static void the_newest_installation_stays(void **state) {
    struct world *w = *state;
    install(w, "xoxb-first", INSTALLED);
    const json_int_t first = sw_int(bot(w), "version");
    install(w, "xoxb-second", INSTALLED + 10);
    assert_kept(w, "xoxb-second");
    assert_true(sw_int(bot(w), "version") > first);
    install(w, "xoxb-late", INSTALLED + 5);
    assert_only_page(w, 200); /* it is installed, by the newer one */
    assert_kept(w, "xoxb-second");
}

static void a_message_without_a_token_is_refused(void **state) {
    struct world *w = *state;
    assert_int_equal(world_try(w, install_in(w, "T1", NULL, INSTALLED)), -ENOENT);
    assert_int_equal(world_try(w, install_in(w, "T1", "", INSTALLED)), -EBADMSG);
}

/* ---- how it ends ---- */

static void event(struct world *w, const char *type, int64_t at_ms, const char *bot_user,
                  const char *app) {
    struct sw_msg *m = message(w, SW_KIND_EVENT, "c-event",
                               json_pack("{s:s, s:s, s:s, s:I, s:s, s:[s]}", "source", "slack",
                                         "type", type, "event_id", "Ev1", "at_ms",
                                         (json_int_t)at_ms, "app", app, "bots", bot_user));
    run(w, m);
}

static void uninstalled(struct world *w, int64_t at_ms) {
    event(w, "app_uninstalled", at_ms, "none", "A1");
}

static void revoked(struct world *w, int64_t at_ms) {
    event(w, "tokens_revoked", at_ms, "UBOT", "A1");
}

/* i: install, I: again, later; u, r: the events about what was there before I. */
static void in_any_order_the_newest_installation_stays(void **state) {
    static const char *const orders[] = {"iurI",  "iruI",  "iIur",   "iIru", "iuIr", "irIu",
                                         "iuurr", "iuIuI", "iururI", "Iiur", "uri",  "iu",
                                         "ir",    "iur",   "urI",    "Iur",  "uIr"};
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        struct world *w = *state;
        const bool again = strchr(orders[i], 'I') != NULL;
        print_message("%s\n", orders[i]);
        json_object_clear(w->facts);
        for (const char *at = orders[i]; *at; at++) {
            w->now_ms++;
            if (*at == 'i') install(w, "xoxb-first", NOW);
            if (*at == 'I') install(w, "xoxb-second", NOW + 2000);
            if (*at == 'u') uninstalled(w, NOW + 1000);
            if (*at == 'r') revoked(w, NOW + 1000);
        }
        assert_kept(w, again ? "xoxb-second" : NULL);
        w->now_ms = NOW;
    }
}

static void whoever_uses_the_token_hears_that_it_is_gone(void **state) {
    struct world *w = *state;
    install(w, "xoxb-new", INSTALLED);
    const json_int_t version = sw_int(bot(w), "version");
    uninstalled(w, NOW);
    const json_t *told = body_of(the(w, "send", "responder", SW_KIND_BOT));
    assert_true(json_is_true(json_object_get(told, "gone")));
    assert_int_equal(sw_int(told, "version"), version);
    assert_true(json_is_true(
        json_object_get(body_of(the(w, "send", "refresher", SW_KIND_ACCOUNT)), "gone")));
    assert_int_equal(sw_int(json_object_get(w->facts, "gone/T1"), "at_ms"), NOW - 1);
    assert_true(count(w, "audit", NULL, NULL) >= 1);
    install(w, "xoxb-again", NOW + 1);
    assert_true(sw_int(bot(w), "version") > version || w->now_ms <= version);
}

static void an_event_of_the_same_moment_is_older(void **state) {
    struct world *w = *state;
    install(w, "xoxb-new", INSTALLED);
    uninstalled(w, INSTALLED);
    assert_kept(w, "xoxb-new");
    install(w, "xoxb-later", INSTALLED + 1); /* and does not keep it from being used */
    assert_kept(w, "xoxb-later");
}

static void events_about_others_change_nothing(void **state) {
    struct world *w = *state;
    install(w, "xoxb-new", INSTALLED);
    event(w, "tokens_revoked", NOW, "UOTHER", "A1");
    assert_int_equal(json_array_size(w->outputs), 0);
    event(w, "app_uninstalled", NOW, "UBOT",
          "A2"); /* an app of before, whose secret is still known */
    assert_int_equal(json_array_size(w->outputs), 0);
    assert_kept(w, "xoxb-new");
}

static void an_installation_that_ended_while_it_was_made_is_not_kept(void **state) {
    struct world *w = *state;
    uninstalled(w, NOW);
    install(w, "xoxb-new", INSTALLED);
    assert_only_page(w, 410);
    assert_kept(w, NULL);
}

/* ---- what responder says of a token ---- */

static void refused(struct world *w, json_int_t version, const char *error) {
    run(w, message(w, SW_KIND_BOT_REFUSED, "c-refused",
                   json_pack("{s:I, s:s}", "version", version, "error", error)));
}

static void rotating(struct world *w) {
    struct sw_msg *m = install_in(w, "T1", NULL, INSTALLED);
    json_object_set_new(m->body, "expires_in", json_integer(43200));
    box(m, w->auth, "auth", "bot",
        json_pack("{s:s, s:s}", "access_token", "xoxe.xoxb-1", "refresh_token", "xoxe-1"));
    run(w, m);
}

static void a_refused_token_that_has_a_successor_is_sent_it_again(void **state) {
    struct world *w = *state;
    install(w, "xoxb-new", INSTALLED);
    refused(w, sw_int(bot(w), "version") - 1, "token_revoked");
    assert_int_equal(json_array_size(w->outputs), 1);
    SW_AUTO(sw_json)
    json_t *token = opened(the(w, "send", "responder", SW_KIND_BOT), "bot", w->responder);
    assert_string_equal(sw_str(token, "token"), "xoxb-new");
}

static void an_expired_token_is_refreshed_in_one_flight(void **state) {
    struct world *w = *state;
    rotating(w);
    refused(w, sw_int(bot(w), "version"), "token_expired");
    assert_int_equal(count(w, "send", "refresher", SW_KIND_REFRESH), 1);
    refused(w, sw_int(bot(w), "version"), "token_expired");
    assert_int_equal(count(w, "send", "refresher", SW_KIND_REFRESH), 0);
    assert_kept(w, "xoxe.xoxb-1");
}

/* The call that renews it may be what ended the old one: its answer is on its way, and says more. */
static void a_word_about_a_token_that_is_being_renewed_ends_nothing(void **state) {
    static const char *const words[] = {"token_revoked", "account_inactive", "invalid_auth"};
    struct world *w = *state;
    rotating(w);
    const json_int_t version = sw_int(bot(w), "version");
    refused(w, version, "token_expired");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        refused(w, version, words[i]);
        assert_int_equal(json_array_size(w->outputs), 0);
    }
    assert_kept(w, "xoxe.xoxb-1");
    w->now_ms += 4 * MINUTE; /* no flight lasts so long */
    refused(w, version, words[0]);
    assert_kept(w, NULL);
}

static void a_definite_word_about_the_newest_token_ends_it(void **state) {
    static const char *const words[] = {"token_revoked", "account_inactive", "invalid_auth",
                                        "token_expired"};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        print_message("%s\n", words[i]);
        json_object_clear(w->facts);
        install(w, "xoxb-new", INSTALLED); /* which cannot be refreshed */
        refused(w, sw_int(bot(w), "version"), words[i]);
        assert_kept(w, NULL);
        assert_true(json_is_true(
            json_object_get(body_of(the(w, "send", "responder", SW_KIND_BOT)), "gone")));
    }
    refused(w, 7, "token_revoked"); /* and where there is none that is said again */
    const json_t *told = body_of(the(w, "send", "responder", SW_KIND_BOT));
    assert_true(json_is_true(json_object_get(told, "gone")));
    assert_int_equal(sw_int(told, "version"), 7);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(the_code_is_exchanged_by_the_app_itself),
        TEST(where_it_was_installed_is_whose_it_is),
        TEST(a_rotating_token_comes_with_its_end_and_its_successor),
        TEST(what_is_no_installation_leaves_nothing),
        TEST(slack_away_is_asked_twice_at_most_and_said),
        TEST(an_administrator_installs_for_an_organization_only),
        TEST(codes_that_are_made_up_do_not_drown_slack),
        TEST(only_the_door_of_installing_leads_here),
        TEST(the_token_is_kept_and_everybody_is_told),
        TEST(an_organization_is_told_to_link_again),
        TEST(the_newest_installation_stays),
        TEST(a_message_without_a_token_is_refused),
        TEST(in_any_order_the_newest_installation_stays),
        TEST(whoever_uses_the_token_hears_that_it_is_gone),
        TEST(an_event_of_the_same_moment_is_older),
        TEST(events_about_others_change_nothing),
        TEST(an_installation_that_ended_while_it_was_made_is_not_kept),
        TEST(a_refused_token_that_has_a_successor_is_sent_it_again),
        TEST(an_expired_token_is_refreshed_in_one_flight),
        TEST(a_word_about_a_token_that_is_being_renewed_ends_nothing),
        TEST(a_definite_word_about_the_newest_token_ends_it),
    };
    return cmocka_run_group_tests_name("auth_install", tests, NULL, NULL);
}
