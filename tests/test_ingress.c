/* test_ingress.c -- what Slack sends: signatures, forms, and what goes on. */
#include "tests/ingress_world.h"

#define URL "https%3A%2F%2Fhooks.example%2Fcommands%2FT1%2F2%2Fabc"
#define FORM                                                                                       \
    "token=t&team_id=T1&team_domain=d&channel_id=C1&channel_name=ops&user_id=U1&user_name=ada&"    \
    "command=%2Fh&text=promote+x&api_app_id=A1&is_enterprise_install=false&response_url=" URL      \
    "&trigger_id=1.2.abc"

static void stores_a_signed_command_once(void **state) {
    struct world *w = *state;
    const struct sw_decision *d = slash(w, FORM);
    assert_int_equal(d->appends, 1);
    const struct sw_append *append = &d->append[0];
    assert_string_equal(append->actor, "parser");
    assert_true(append->counted);
    assert_memory_equal(append->dedupe, "sig:", 4);
    assert_string_equal(append->dedupe + 4, w->signature + 3);
    assert_int_equal(append->dedupe_ms, 600000);
    assert_string_equal(append->m->kind, SW_KIND_SLASH);
    assert_string_equal(append->m->inst, "T1");
    assert_int_equal(append->m->born_ms, NOW);
    SW_AUTO(sw_json)
    json_t *body = json_pack("{s:{s:s, s:s, s:s, s:s}, s:s}", "who", "team", "T1", "user", "U1",
                             "channel", "C1", "channel_name", "ops", "command", "/h");
    assert_true(json_equal(append->m->body, body));
    SW_AUTO(sw_json) json_t *text = opened(w, w->parser, "text");
    assert_string_equal(sw_str(text, "text"), "promote x");
    assert_string_equal(sw_str(text, "trigger_id"), "1.2.abc");
    SW_AUTO(sw_json) json_t *url = opened(w, w->responder, "response_url");
    assert_string_equal(sw_str(url, "url"), "https://hooks.example/commands/T1/2/abc");
    assert_int_equal(json_object_size(append->m->boxes), 2);
    assert_int_equal(d->reply.status, 200);
    assert_null(d->reply.body);
    assert_int_equal(d->duplicate.status, 200);
    assert_null(d->duplicate.body);
    assert_string_equal(d->reply.id, "");
    assert_null(d->refused);
    assert_false(d->wait);
}

static void who_sends_by_hand_is_told_the_id(void **state) {
    struct world *w = *state;
    const struct sw_decision *d = slash(w, FORM "&x=1");
    assert_string_equal(d->reply.id, "");
    SW_AUTO(sw_text) char *form = sw_printf("%.*ssend.1", (int)strlen(FORM) - 7, FORM);
    d = slash(w, form);
    assert_string_equal(d->reply.id, d->append[0].m->cmd);
    assert_string_equal(d->duplicate.id, "");
}

static void tells_when_it_is_busy_or_not_sure(void **state) {
    struct world *w = *state;
    const struct sw_decision *d = slash(w, FORM);
    const struct sw_reply *replies[] = {&d->shed, &d->away};
    for (size_t i = 0; i < 2; i++) {
        SW_AUTO(sw_json) json_t *told = json_loads(replies[i]->body, 0, NULL);
        assert_int_equal(replies[i]->status, 200);
        assert_non_null(strstr(replies[i]->type, "application/json"));
        assert_string_equal(sw_str(told, "response_type"), "ephemeral");
        assert_true(strlen(sw_str(told, "text")) > 40);
    }
    assert_non_null(strstr(d->away.body, "check before you repeat"));
}

static void ids_sort_by_time_and_differ(void **state) {
    struct world *w = *state;
    char last[64] = "";
    for (int i = 0; i < 200; i++) {
        w->ctx.now_ms = NOW + i * 7;
        w->ctx.seed[1] = (uint8_t)i;
        const char *id = slash(w, FORM)->append[0].m->cmd;
        assert_int_equal(strlen(id), 22);
        assert_true(strcmp(last, id) < 0);
        strcpy(last, id);
    }
    w->ctx.now_ms = NOW;
    slash(w, FORM);
    strcpy(last, w->d.append[0].m->cmd);
    slash(w, FORM);
    assert_string_equal(w->d.append[0].m->cmd, last); /* pure */
    w->ctx.seed[9] ^= 1;
    slash(w, FORM);
    assert_string_not_equal(w->d.append[0].m->cmd, last);
    assert_memory_equal(w->d.append[0].m->cmd, last, 10);
}

static void a_signature_holds_for_five_minutes_either_way(void **state) {
    static const struct {
        int64_t away_s;
        bool good;
    } rows[] = {{0, true},     {300, true},   {-300, true},   {301, false},
                {-301, false}, {3600, false}, {-86400, false}};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_request(w, "POST", "/slack/commands", FORM, strlen(FORM));
        sign(w, SECRET, NOW_S + rows[i].away_s);
        if (rows[i].good) {
            assert_int_equal(ask(w)->appends, 1);
        } else {
            assert_refused(ask(w), 401, "stale");
        }
    }
}

static void both_secrets_count_while_one_is_rotated(void **state) {
    struct world *w = *state;
    world_request(w, "POST", "/slack/commands", FORM, strlen(FORM));
    sign(w, OLD_SECRET, NOW_S);
    assert_refused(ask(w), 401, "bad_signature");
    w->conf.slack_secret.previous = sw_strdup(OLD_SECRET);
    assert_int_equal(ask(w)->appends, 1);
    sign(w, SECRET, NOW_S);
    assert_int_equal(ask(w)->appends, 1);
    sign(w, "a third", NOW_S);
    assert_refused(ask(w), 401, "bad_signature");
    free(sw_take(&w->conf.slack_secret.current));
    sign(w, OLD_SECRET, NOW_S);
    assert_refused(ask(w), 503, "no_secret");
}

static void a_known_signature_is_computed_as_slack_does(void **state) {
    /* The example of Slack's page on verifying requests. */
    static const char body[] =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
        "collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"
        "2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c";
    struct world *w = *state;
    world_request(w, "POST", "/slack/commands", body, strlen(body));
    w->request.slack_timestamp = "1531420618";
    w->request.slack_signature =
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    w->ctx.now_ms = 1531420618000LL;
    free(w->conf.hooks);
    w->conf.hooks = sw_strdup("https://hooks.slack.com");
    assert_int_equal(ask(w)->appends, 1);
    assert_string_equal(w->d.append[0].m->inst, "T1DC2JH3J");
}

static void refuses_what_is_not_quite_signed(void **state) {
    struct world *w = *state;
    static const char *const timestamps[] = {
        "",           "17950000 00", "+1795000000", "1795000000.0", "abc",
        "0x6afd5dc0", " 1795000000", "1795000000 ", "-1",           "1795000000000000000000"};
    char changed[80];
    world_request(w, "POST", "/slack/commands", FORM, strlen(FORM));
    assert_refused(ask(w), 401, "no_signature");
    sign(w, SECRET, NOW_S);
    w->request.slack_timestamp = "";
    assert_refused(ask(w), 401, "no_signature");
    for (size_t i = 1; i < sizeof(timestamps) / sizeof(timestamps[0]); i++) {
        w->request.slack_timestamp = timestamps[i];
        assert_refused(ask(w), 401, "bad_signature");
    }
    w->request.slack_timestamp = w->timestamp;
    for (size_t i = 0; i < strlen(w->signature); i++) {
        strcpy(changed, w->signature);
        changed[i] ^= 1;
        w->request.slack_signature = changed;
        assert_refused(ask(w), 401, "bad_signature");
        changed[i] = '\0';
        assert_refused(ask(w), 401, i ? "bad_signature" : "no_signature");
    }
    for (char *c = strcpy(changed, w->signature); *c; c++) {
        if (*c >= 'a' && *c <= 'f') *c = (char)(*c - 32);
    }
    assert_refused(ask(w), 401, "bad_signature"); /* a second spelling would be a second key */
    strcat(strcpy(changed, w->signature), "0");
    assert_refused(ask(w), 401, "bad_signature");
    w->request.slack_signature = w->signature;
    assert_int_equal(ask(w)->appends, 1);
}

static void no_byte_of_the_body_can_change(void **state) {
    struct world *w = *state;
    char body[] = FORM;
    world_request(w, "POST", "/slack/commands", body, strlen(body));
    sign(w, SECRET, NOW_S);
    for (size_t i = 0; i < strlen(FORM); i++) {
        body[i] ^= 0x20;
        assert_refused(ask(w), 401, "bad_signature");
        body[i] ^= 0x20;
    }
    w->request.body_size--;
    assert_refused(ask(w), 401, "bad_signature");
    w->request.body_size++;
    assert_int_equal(ask(w)->appends, 1);
}

static void ssl_check_is_answered_and_does_nothing(void **state) {
    struct world *w = *state;
    world_request(w, "POST", "/slack/commands", "token=x&ssl_check=1", 19);
    assert_int_equal(ask(w)->reply.status, 200);
    assert_int_equal(w->d.appends, 0);
    assert_null(w->d.refused);
    assert_null(w->d.reply.body);
    world_request(w, "POST", "/slack/commands", FORM "&ssl_check=1", strlen(FORM "&ssl_check=1"));
    assert_int_equal(ask(w)->appends, 0);
    assert_int_equal(w->d.reply.status, 200);
    static const char *const others[] = {"text=ssl_check=1", "xssl_check=1", "ssl_check=10"};
    for (size_t i = 0; i < 3; i++) {
        world_request(w, "POST", "/slack/commands", others[i], strlen(others[i]));
        assert_refused(ask(w), 401, "no_signature");
    }
}

static void tells_what_is_wrong_with_a_signed_form(void **state) {
    static const struct {
        const char *form, *told;
    } rows[] = {
        {"", "`team_id` is missing"},
        {"team_id=&user_id=U1&channel_id=C1&command=/h&response_url=" URL, "`team_id` is missing"},
        {"team_id=T1&channel_id=C1&command=/h&response_url=" URL, "`user_id` is missing"},
        {"team_id=T1&user_id=U1&command=/h&response_url=" URL, "`channel_id` is missing"},
        {"team_id=T1&user_id=U1&channel_id=C1&response_url=" URL, "`command` is missing"},
        {"team_id=T1&user_id=U1&channel_id=C1&command=/h", "`response_url` is missing"},
        {FORM "&is_enterprise_install=true", "`is_enterprise_install` came twice"},
        {FORM "&team_id=T1", "`team_id` came twice"},
        {"team_id=T1&is_enterprise_install=true&user_id=U1&channel_id=C1&command=/"
         "h&response_url=" URL,
         "`enterprise_id` is missing"},
        {"team_id=t1&user_id=U1&channel_id=C1&command=/h&response_url=" URL, "`team_id` is not"},
        {"team_id=T1&user_id=U-1&channel_id=C1&command=/h&response_url=" URL, "`user_id` is not"},
        {"team_id=T1&user_id=U1&channel_id=C%00&command=/h&response_url=" URL,
         "`channel_id` is not"},
        {"team_id=T1&enterprise_id=e&user_id=U1&channel_id=C1&command=/h&response_url=" URL,
         "`enterprise_id` is not"},
        {"team_id=T23456789012345678901234567890123&user_id=U1&channel_id=C1&command=/"
         "h&response_url=" URL,
         "`team_id` is not"},
        {"team_id=T1&user_id=U1&channel_id=C1&command=h&response_url=" URL, "`command` is not"},
        {"team_id=T1&user_id=U1&channel_id=C1&command=/h%0a&response_url=" URL, "`command` is not"},
        {"team_id=T1&user_id=U1&channel_id=C1&command=/&response_url=" URL, "`command` is not"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_refused(slash(w, rows[i].form), 200, "bad_form");
        SW_AUTO(sw_json) json_t *told = json_loads(w->d.reply.body, 0, NULL);
        assert_string_equal(sw_str(told, "response_type"), "ephemeral");
        assert_non_null(strstr(w->d.reply.type, "application/json"));
        if (!strstr(sw_str(told, "text"), rows[i].told))
            fail_msg("row %zu says: %s", i, w->d.reply.body);
    }
}

static void the_enterprise_owns_an_org_wide_install(void **state) {
    struct world *w = *state;
    slash(w, "team_id=T1&enterprise_id=E1&is_enterprise_install=true&user_id=U1&channel_id=C1&"
             "command=/h&response_url=" URL);
    assert_int_equal(w->d.appends, 1);
    assert_string_equal(w->d.append[0].m->inst, "E1");
    const json_t *who = json_object_get(w->d.append[0].m->body, "who");
    assert_string_equal(sw_str(who, "enterprise"), "E1");
    assert_string_equal(sw_str(who, "team"), "T1");
    slash(w, "team_id=T1&enterprise_id=E1&is_enterprise_install=false&user_id=U1&channel_id=C1&"
             "command=/h&response_url=" URL);
    assert_string_equal(w->d.append[0].m->inst, "T1");
    slash(w, "enterprise_id=E1&is_enterprise_install=true&user_id=U1&channel_id=C1&command=/h&"
             "response_url=" URL);
    assert_string_equal(w->d.append[0].m->inst, "E1");
}

/* The text of a command, as parser reads it. */
static json_t *typed(struct world *w, const char *text) {
    SW_AUTO(sw_text)
    char *form = sw_printf("team_id=T1&user_id=U1&channel_id=C1&command=/h&response_url=%s&text=%s",
                           URL, text);
    if (slash(w, form)->appends == 0) return NULL;
    return opened(w, w->parser, "text");
}

static void carries_any_text_whole(void **state) {
    static const struct {
        const char *form, *text;
        size_t size;
    } rows[] = {
#define ROW(form, text) {form, text, sizeof(text) - 1}
        ROW("", ""),
        ROW("a+b%2Bc", "a b+c"),
        ROW("a%00b", "a\0b"),
        ROW("%f0%9f%9a%80", "\xf0\x9f\x9a\x80"),
        ROW("\xc3\xa9", "\xc3\xa9"),
        ROW("a%ffb", "a\xef\xbf\xbd"
                     "b"),
        ROW("%c3", "\xef\xbf\xbd"),
        ROW("%ed%a0%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"), /* a surrogate */
        ROW("%c0%80", "\xef\xbf\xbd\xef\xbf\xbd"),                /* an overlong NUL */
        ROW("%f0%9f%9ax", "\xef\xbf\xbdx"),                       /* cut short */
        ROW("100%25+%zz+%", "100% %zz %"),
        ROW("a=b", "a=b"),
        ROW("%22%5c%0a", "\"\\\n"),
#undef ROW
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        SW_AUTO(sw_json) json_t *value = typed(w, rows[i].form);
        const json_t *text = json_object_get(value, "text");
        assert_int_equal(json_string_length(text), rows[i].size);
        assert_memory_equal(json_string_value(text), rows[i].text, rows[i].size + 1);
    }
}

static void counts_characters_of_text_not_bytes(void **state) {
    static const char *const pieces[] = {"a", "%f0%9f%9a%80", "%00", "%22", "%ff"};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        size_t size = strlen(pieces[i]);
        SW_AUTO(sw_text) char *text = sw_zalloc(4001 * size + 1);
        for (size_t n = 0; n < 4000; n++) {
            memcpy(text + n * size, pieces[i], size);
        }
        SW_AUTO(sw_json) json_t *value = typed(w, text);
        assert_non_null(value);
        char *packed;
        size_t packed_size;
        assert_int_equal(sw_msg_pack(w->d.append[0].m, &packed, &packed_size), 0);
        free(packed);
        memcpy(text + 4000 * size, pieces[i], size);
        assert_null(typed(w, text));
        assert_refused(&w->d, 200, "bad_form");
        assert_non_null(strstr(w->d.reply.body, "longer than 4000"));
    }
}

static void answers_url_verification_and_counts_other_events(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *refused, *answer;
    } rows[] = {
        {"{\"type\":\"url_verification\",\"challenge\":\"3eZbrw1aB\"}", 200, NULL, "3eZbrw1aB"},
        {"{\"type\":\"url_verification\"}", 400, "bad_challenge", "bad_challenge\n"},
        {"{\"type\":\"url_verification\",\"challenge\":\"<b> x\"}", 400, "bad_challenge",
         "bad_challenge\n"},
        {"{\"type\":\"event_callback\",\"event_id\":\"E\"}", 200, "ignored", NULL},
        {"[]", 400, "bad_json", "bad_json\n"},
        {"{", 400, "bad_json", "bad_json\n"},
        {"", 400, "bad_json", "bad_json\n"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_request(w, "POST", "/slack/events", rows[i].body, strlen(rows[i].body));
        assert_refused(ask(w), 401, "no_signature");
        sign(w, SECRET, NOW_S);
        ask(w);
        assert_int_equal(w->d.appends, 0);
        assert_int_equal(w->d.reply.status, rows[i].status);
        assert_true(!w->d.refused == !rows[i].refused);
        if (rows[i].refused) assert_string_equal(w->d.refused, rows[i].refused);
        assert_true(!w->d.reply.body == !rows[i].answer);
        if (rows[i].answer) assert_string_equal(w->d.reply.body, rows[i].answer);
    }
}

static void knows_its_paths_and_their_methods(void **state) {
    static const struct {
        const char *method, *path;
        int status;
        const char *refused;
    } rows[] = {
        {"GET", "/", 200, NULL},
        {"HEAD", "/", 200, NULL},
        {"POST", "/", 405, "method"},
        {"GET", "/slack/commands", 405, "method"},
        {"HEAD", "/slack/events", 405, "method"},
        {"GET", "/webhooks/heroku", 405, "method"},
        {"GET", "/webhooks/github", 405, "method"},
        {"POST", "/webhooks/github/", 404, "not_found"},
        {"POST", SW_PATH_CALLBACK, 405, "method"},
        {"HEAD", "/link/x", 405, "method"},
        {"GET", "/link/x", 404, "bad_link"},
        {"GET", "/link", 404, "not_found"},
        {"POST", "/slack/commands/", 404, "not_found"},
        {"POST", "/Slack/commands", 404, "not_found"},
        {"GET", "/healthz", 404, "not_found"},
        {"GET", "/%2e%2e/etc/passwd", 404, "not_found"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_request(w, rows[i].method, rows[i].path, "", 0);
        ask(w);
        assert_int_equal(w->d.reply.status, rows[i].status);
        assert_int_equal(w->d.appends, 0);
        if (rows[i].refused) assert_string_equal(w->d.refused, rows[i].refused);
        if (!rows[i].refused) assert_null(w->d.refused);
    }
}

static void bounds_the_body_by_path(void **state) {
    static const struct {
        const char *path;
        size_t size;
    } rows[] = {{"/slack/commands", 65536},
                {"/slack/events", 65536},
                {"/webhooks/heroku", 26214400},
                {"/webhooks/github", 26214400},
                {"/link/x", 4096}};
    struct world *w = *state;
    SW_AUTO(sw_text) char *body = sw_zalloc(26214402);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_request(w, "POST", rows[i].path, body, rows[i].size);
        assert_string_not_equal(ask(w)->refused, "too_large");
        w->request.body_size++;
        assert_refused(ask(w), 413, "too_large");
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(stores_a_signed_command_once),
        TEST(who_sends_by_hand_is_told_the_id),
        TEST(tells_when_it_is_busy_or_not_sure),
        TEST(ids_sort_by_time_and_differ),
        TEST(a_signature_holds_for_five_minutes_either_way),
        TEST(both_secrets_count_while_one_is_rotated),
        TEST(a_known_signature_is_computed_as_slack_does),
        TEST(refuses_what_is_not_quite_signed),
        TEST(no_byte_of_the_body_can_change),
        TEST(ssl_check_is_answered_and_does_nothing),
        TEST(tells_what_is_wrong_with_a_signed_form),
        TEST(the_enterprise_owns_an_org_wide_install),
        TEST(carries_any_text_whole),
        TEST(counts_characters_of_text_not_bytes),
        TEST(answers_url_verification_and_counts_other_events),
        TEST(knows_its_paths_and_their_methods),
        TEST(bounds_the_body_by_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
