/* test_auth_openid.c -- Slack says who is in the browser, and all that is tried to be somebody else. */
#include "auth_browser.h"
#include "auth_github.h"

#define USER "https://slack.com/user_id"
#define TEAM "https://slack.com/team_id"
#define ORG "https://slack.com/enterprise_id"

static int up(void **state) {
    return world_up(state, &sw_actor_auth);
}

/* A new link for U1, up to Slack's page. */
static void start(struct world *w, struct browser *b) {
    memset(b, 0, sizeof(*b));
    json_object_clear(w->facts);
    type_command(w, b, "U1", "promote");
    get_link(w, b);
    at_slack(w, b);
}

/* Nobody is linked, no command went on, the link is used up, and the audit says why. */
static void assert_refused(const struct world *w, int status, const char *detail) {
    const json_t *entry = audited(w, "login");
    page(w, status);
    assert_int_equal(json_array_size(w->outputs), 4); /* and the link is forgotten */
    assert_int_equal(count(w, "tally", "slipway_links_total", NULL), 1);
    assert_int_equal(count(w, "forget", NULL, NULL), 1);
    assert_int_equal(json_object_size(w->facts), 1);
    assert_non_null(json_object_get(w->facts, PEND));
    assert_string_equal(sw_str(entry, "outcome"), "refused");
    assert_string_equal(sw_str(entry, "detail"), detail);
    assert_int_equal(json_object_size(json_object_get(entry, "accounts")), 0);
}

static void the_code_is_exchanged_by_a_client_that_says_its_secret(void **state) {
    struct world *w = *state;
    static const char *const secrets[] = {"slack-code", NULL};
    struct browser b;
    start(w, &b);
    assert_non_null(strstr(sw_str(page(w, 303), "location"), "&team=T1&"));
    assert_non_null(strstr(sw_str(page(w, 303), "cookie"), b.cookie));
    assert_int_equal(strlen(b.nonce), 43);
    back_from_openid(w, b.cookie, b.state, "code", "slack-code");
    json_t *call = call_of(w);
    const json_t *request = json_object_get(call, "value"),
                 *form = json_object_get(request, "form");
    const json_t *basic = json_object_get(request, "basic");
    assert_string_equal(sw_str(request, "up"), "slack");
    assert_string_equal(sw_str(request, "method"), "POST");
    assert_string_equal(sw_str(request, "path"), "/openid.connect.token");
    assert_string_equal(sw_str(request, "repeat"), "once");
    assert_true(json_is_true(json_object_get(request, "seal")));
    assert_string_equal(sw_str(basic, "user"), "25.11");
    assert_string_equal(sw_str(json_object_get(basic, "password"), "$conf"), "slack_client_secret");
    assert_string_equal(sw_str(form, "grant_type"), "authorization_code");
    assert_string_equal(sw_str(form, "redirect_uri"), BASE SW_PATH_CALLBACK_SLACK);
    assert_null(json_object_get(form, "code_verifier"));
    SW_AUTO(sw_json) json_t *secret = opened(call, "oauth", w->auth);
    assert_string_equal(sw_str(secret, "code"), "slack-code");
    assert_hidden(w, secrets);
    assert_int_equal(count(w, "answer", NULL, NULL), 0); /* the browser waits */
    answer(w, call, json_pack("{s:s}", "error", "unsure"), NULL);
    json_decref(call);
    call = call_of(w); /* again, once */
    answer(w, call, json_pack("{s:i}", "status", 200), id_token(claims(w, &b)));
    assert_non_null(strstr(sw_str(page(w, 303), "location"), "id.heroku.example"));
    assert_int_equal(json_object_size(w->facts), 2); /* the next state, and what was typed */
    json_decref(call);
}

static void names_go_along_to_the_pages_and_not_into_the_audit(void **state) {
    struct world *w = *state;
    struct browser b;
    sign_in(w, &b, "login");
    const json_t *who = json_object_get(audited(w, "login"), "who");
    assert_null(json_object_get(who, "name"));
    assert_null(json_object_get(who, "team_name"));
    assert_string_equal(sw_str(who, "team"), "T1");
    static const struct {
        const char *missing, *shown;
    } rows[] = {{"name", "<bdi>U1</bdi> in <bdi>Acme &amp; Co<"},
                {"https://slack.com/team_name", "<bdi>Ada &lt;L&gt;</bdi> in <bdi>acme<"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(w, &b);
        json_t *said = claims(w, &b);
        json_object_set_new(said, "https://slack.com/team_domain", json_string("acme"));
        json_object_del(said, rows[i].missing);
        slack_says(w, &b, said);
        between(sw_str(page(w, 303), "location"), "&state=", "&", b.state, sizeof(b.state));
        back(w, b.cookie, b.state, "code", "the-code");
        json_t *call = exchanged(w, call_of(w));
        answer(w, call, ada(), NULL);
        assert_non_null(strstr(sw_str(page(w, 200), "html"), rows[i].shown));
        json_decref(call);
    }
}

static void what_does_not_belong_to_this_sign_in_links_nothing(void **state) {
    struct world *w = *state;
    const json_int_t now_s = NOW / 1000;
    const struct {
        const char *claim;
        json_t *value; /* NULL: it is missing */
        const char *says;
    } rows[] = {
        {"iss", NULL, "iss"},
        {"iss", json_string("https://slack.example/"), "iss"},
        {"iss", json_string("https://evil.example"), "iss"},
        {"aud", NULL, "aud"},
        {"aud", json_string("25.12"), "aud"},
        {"aud", json_string(""), "aud"},
        {"aud", json_pack("[s, s]", "25.11", "25.12"), "aud"},
        {"aud", json_pack("[]"), "aud"},
        {"aud", json_pack("[[s]]", "25.11"), "aud"},
        {"aud", json_pack("{s:s}", "25.11", "25.11"), "aud"},
        {"exp", NULL, "exp"},
        {"exp", json_integer(now_s), "exp"},
        {"exp", json_integer(-1), "exp"},
        {"exp", json_string("1895000000"), "exp"},
        {"nonce", NULL, "nonce"},
        {"nonce", json_string(""), "nonce"},
        {"nonce", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "nonce"},
        {USER, NULL, "user_id"},
        {USER, json_string(""), "user_id"},
        {USER, json_integer(1), "user_id"},
        {USER, json_string("U1<script>"), "user_id"},
        {TEAM, NULL, "team_id"},
        {TEAM, json_null(), "team_id"},
        {TEAM, json_string("T1 "), "team_id"},
        {TEAM, json_string("TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT"), "team_id"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b;
        start(w, &b);
        json_t *said = claims(w, &b);
        if (rows[i].value) {
            json_object_set_new(said, rows[i].claim, rows[i].value);
        } else {
            json_object_del(said, rows[i].claim);
        }
        slack_says(w, &b, said);
        SW_AUTO(sw_text)
        char *detail = sw_printf("Slack's answer does not belong to the sign-in: %s", rows[i].says);
        assert_refused(w, 502, detail);
        assert_non_null(strstr(sw_str(page(w, 502), "html"), "nothing was linked"));
    }
}

static void what_is_no_id_token_links_nothing(void **state) {
    struct world *w = *state;
    SW_AUTO(sw_text) char *huge = sw_malloc(30001);
    memset(huge, 'A', 30000);
    huge[30000] = '\0';
    memcpy(huge, "e30.", 4);
    strcpy(huge + 29995, ".c2ln");
    const char *const rows[] = {
        "",
        ".",
        "..",
        "e30.e30",                     /* two parts */
        "e30.e30.c2ln.x",              /* four */
        "e30.W10.c2ln",                /* a list */
        "e30.bnVsbA.c2ln",             /* null */
        "e30.e30=.c2ln",               /* padded */
        "e30.e3.c2ln",                 /* half an object */
        "e30.+/+/.c2ln",               /* not for URLs */
        "e30.eyJhIjoxLCJhIjoyfQ.c2ln", /* a claim that comes twice */
        huge,
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b;
        start(w, &b);
        back_from_openid(w, b.cookie, b.state, "code", "slack-code");
        json_t *call = call_of(w);
        answer(w, call, json_pack("{s:i}", "status", 200),
               json_pack("{s:b, s:s}", "ok", 1, "id_token", rows[i]));
        json_decref(call);
        assert_refused(w, 502, "Slack's answer does not belong to the sign-in: id_token");
    }
}

/* It came from Slack itself, over TLS, to a client that said its secret: its header and its signature
 * say nothing that is not known. So "alg": "none" is no attack: nobody but Slack could send it. */
static void header_and_signature_are_not_looked_at(void **state) {
    struct world *w = *state;
    struct browser b;
    start(w, &b);
    back_from_openid(w, b.cookie, b.state, "code", "slack-code");
    json_t *call = call_of(w), *sealed = id_token(claims(w, &b));
    SW_AUTO(sw_text) char *token = sw_strdup(sw_str(sealed, "id_token"));
    char *payload = strchr(token, '.');
    *strrchr(token, '.') = '\0';
    SW_AUTO(sw_text) char *none = sw_printf("eyJhbGciOiJub25lIn0%s.", payload);
    json_object_set_new(sealed, "id_token", json_string(none));
    answer(w, call, json_pack("{s:i}", "status", 200), sealed);
    page(w, 303);
    json_decref(call);
}

/* A command of U1, whose card's link is for that workspace and organization; "": none. */
static void type_in(struct world *w, struct browser *b, const char *team, const char *org) {
    const char *key;
    json_t *value;
    type_command(w, b, "U1", "promote");
    json_object_foreach(w->facts, key, value) {
        json_t *who_ = json_object_get(value, "who");
        if (!who_) continue;
        json_object_set_new(who_, "team", json_string(team));
        if (org[0]) json_object_set_new(who_, "enterprise", json_string(org));
    }
}

/* Who may be in the browser, and who not; `team` and `org` are where the command was typed. */
static void only_the_person_it_was_made_for_is_led_on(void **state) {
    struct world *w = *state;
    static const struct {
        const char *team, *org;                  /* of who, "": none */
        const char *user, *said_team, *said_org; /* of Slack; NULL: not said */
        const char *other;                       /* who it was; NULL: the person */
    } rows[] = {
        {"T1", "", "U1", "T1", NULL, NULL},
        {"T1", "", "U2", "T1", NULL, "U2 of T1"}, /* the forwarded link */
        {"T1", "", "U1", "T2", NULL, "U1 of T2"}, /* opened in another workspace */
        {"T1", "", "U2", "T2", NULL, "U2 of T2"},
        {"T1", "", "U1", "T2", "E1", "U1 of T2"}, /* no word of an organization in the command */
        {"T1", "", "U1", NULL, "E1", "U1 of E1"},
        {"T1", "E1", "U1", "T2", "E1", NULL}, /* a Grid: the same person in all its workspaces */
        {"T1", "E1", "U1", "E1", NULL, NULL},
        {"T1", "E1", "U1", NULL, "E1", NULL},
        {"T1", "E1", "U1", "T1", NULL, NULL},
        {"T1", "E1", "U2", "T1", "E1", "U2 of T1"},
        {"T1", "E1", "U1", "T2", "E2", "U1 of T2"},
        {"T1", "E1", "U1", "T2", NULL, "U1 of T2"},
        {"", "E1", "U1", "T2", "E1", NULL}, /* a click in an org-wide installation */
        {"", "E1", "U1", "T2", "E2", "U1 of T2"},
        {"", "", "U1", "T1", NULL, "U1 of T1"},
        {"T1", "", "U1x", "T1", NULL, ""},
        {"T1", "", "u1", "T1", NULL, ""},
        /* Slack Connect: the workspace that installed is T1, the person and the command are of T2. */
        {"T2", "", "U1", "T2", NULL, NULL},
        {"T2", "", "U1", "T1", NULL, "U1 of T1"},
        {"T2", "E2", "U1", "T3", "E2", NULL},
        {"T2", "E2", "U1", "T1", "E1", "U1 of T1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b = {0};
        json_object_clear(w->facts);
        type_in(w, &b, rows[i].team, rows[i].org);
        get_link(w, &b);
        at_slack(w, &b);
        SW_AUTO(sw_text) char *team = sw_printf("&team=%s&", rows[i].team);
        const char *asked = strstr(sw_str(page(w, 303), "location"), "&team=");
        assert_int_equal(asked != NULL, rows[i].team[0] != '\0');
        if (asked) assert_int_equal(strncmp(asked, team, strlen(team)), 0);
        json_t *said = claims(w, &b);
        json_object_set_new(said, USER, json_string(rows[i].user));
        json_object_del(said, TEAM);
        if (rows[i].said_team) json_object_set_new(said, TEAM, json_string(rows[i].said_team));
        if (rows[i].said_org) json_object_set_new(said, ORG, json_string(rows[i].said_org));
        slack_says(w, &b, said);
        if (!rows[i].other) {
            page(w, 303);
            assert_int_equal(count(w, "audit", NULL, NULL), 0);
            continue;
        }
        if (!rows[i].other[0]) {
            assert_refused(w, 502, "Slack's answer does not belong to the sign-in: user_id");
            continue;
        }
        SW_AUTO(sw_text)
        char *detail = sw_printf("Slack says that it was %s who opened the link", rows[i].other);
        assert_refused(w, 403, detail);
        const char *html = sw_str(page(w, 403), "html");
        assert_non_null(strstr(html, "you are Ada &lt;L&gt; in Acme &amp; Co"));
        assert_non_null(strstr(html, "nothing was linked"));
    }
}

/* The attacker goes through Slack as himself, with a link of his own, and sends on what comes then. */
static void the_way_cannot_be_handed_over_in_between(void **state) {
    struct world *w = *state;
    struct browser attacker = {0}, victim = {0};
    type_command(w, &attacker, "U1", "login");
    get_link(w, &attacker);
    type_command(w, &victim, "U2", "login"); /* she is at it, too */
    get_link(w, &victim);
    go(w, &attacker);
    back(w, "", attacker.state, "code", "code-of-the-victim");
    assert_only_page(w, 403);
    back(w, victim.cookie, attacker.state, "code", "code-of-the-victim");
    assert_only_page(w, 403);
    assert_int_equal(count(w, "http", NULL, NULL), 0);
}

/* A code that the victim's browser was given, injected into the attacker's own way. */
static void a_code_of_another_session_is_known_by_its_nonce(void **state) {
    struct world *w = *state;
    struct browser victim = {0}, attacker = {0};
    type_command(w, &victim, "U1", "login");
    get_link(w, &victim);
    at_slack(w, &victim);
    type_command(w, &attacker, "U1", "login");
    get_link(w, &attacker);
    at_slack(w, &attacker);
    assert_string_not_equal(victim.nonce, attacker.nonce);
    back_from_openid(w, attacker.cookie, attacker.state, "code", "code-of-the-victim");
    json_t *call = call_of(w);
    answer(w, call, json_pack("{s:i}", "status", 200), id_token(claims(w, &victim)));
    page(w, 502);
    assert_string_equal(sw_str(audited(w, "login"), "detail"),
                        "Slack's answer does not belong to the sign-in: nonce");
    json_decref(call);
}

static void a_state_of_slack_is_for_slack_once_and_for_its_browser(void **state) {
    struct world *w = *state;
    static const struct {
        const char *path;
        const char *cookie; /* NULL: its own */
        const char *issuer; /* NULL: not said */
        int status;         /* 0: it is taken */
    } rows[] = {
        {SW_PATH_CALLBACK, NULL, NULL, 410},        /* Heroku's path */
        {SW_PATH_CALLBACK_GITHUB, NULL, NULL, 410}, /* GitHub's */
        {SW_PATH_CALLBACK_SLACK, "", NULL, 403},
        {SW_PATH_CALLBACK_SLACK, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, 403},
        {SW_PATH_CALLBACK_SLACK, NULL, "https://id.heroku.example", 403},
        {SW_PATH_CALLBACK_SLACK, NULL, "https://slack.example/", 403},
        {SW_PATH_CALLBACK_SLACK, NULL, "https://slack.example", 0},
        {SW_PATH_CALLBACK_SLACK, NULL, NULL, 410}, /* replayed */
    };
    struct browser b;
    start(w, &b);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *query =
            json_pack("{s:s, s:s, s:s*}", "state", b.state, "code", "x", "iss", rows[i].issuer);
        run(w,
            web(w, "GET", rows[i].path, query, NULL, rows[i].cookie ? rows[i].cookie : b.cookie));
        if (rows[i].status) {
            assert_only_page(w, rows[i].status);
        } else {
            assert_int_equal(count(w, "http", NULL, NULL), 1);
        }
    }
    start(w, &b);
    w->now_ms += 10 * MINUTE;
    back_from_openid(w, b.cookie, b.state, "code", "x");
    assert_only_page(w, 410);
    start(w, &b);
    go(w, &b);
    back_from_openid(w, b.cookie, b.state, "code", "x"); /* Heroku's state at Slack's path */
    assert_only_page(w, 410);
}

static void who_says_no_or_nothing_at_slack_is_not_led_on(void **state) {
    struct world *w = *state;
    static const struct {
        const char *key, *value;
        int status;
        const char *says;
    } rows[] = {{"error", "access_denied", 403, "Nothing was linked"},
                {"error", "invalid_team_for_non_distributed_app", 502, "Slack did not sign you in"},
                {"code", "", 400, "must be opened by Slack"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b;
        start(w, &b);
        back_from_openid(w, b.cookie, b.state, rows[i].key, rows[i].value);
        assert_int_equal(count(w, "http", NULL, NULL), 0);
        assert_non_null(strstr(sw_str(page(w, rows[i].status), "html"), rows[i].says));
        get_link(w, &b); /* Slack has said nothing: the link is there still */
        go(w, &b);
    }
}

static void what_slack_does_not_answer_links_nothing(void **state) {
    struct world *w = *state;
    static const struct {
        int status;
        const char *error;  /* of the call */
        const char *sealed; /* Slack's word, in a 200 */
        const char *says;
    } rows[] = {
        {200, NULL, "invalid_code", "Slack did not accept"},
        {200, NULL, "bad_client_secret", "not set up for Slack"},
        {200, NULL, NULL, "Slack cannot be reached"},
        {429, NULL, NULL, "Slack cannot be reached"},
        {429, NULL, "ratelimited", "Slack cannot be reached"},
        {200, "too_big", NULL, "Slack cannot be reached"},
        {0, "refused", NULL, "no client secret"},
        {503, "timeout", NULL, "Slack cannot be reached"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct browser b;
        start(w, &b);
        back_from_openid(w, b.cookie, b.state, "code", "slack-code");
        json_t *call = call_of(w);
        json_object_set_new(json_object_get(call, "body"), "tries", json_integer(2));
        json_t *http = json_pack("{s:i, s:s*}", "status", rows[i].status, "error", rows[i].error);
        answer(w, call, http,
               rows[i].sealed ? json_pack("{s:b, s:s}", "ok", 0, "error", rows[i].sealed) : NULL);
        json_decref(call);
        assert_only_page(w, 502);
        assert_non_null(strstr(sw_str(page(w, 502), "html"), rows[i].says));
        assert_non_null(strstr(sw_str(page(w, 502), "html"), "Nothing was linked"));
        get_link(w, &b); /* it works still */
    }
}

static void where_heroku_is_linked_slack_leads_to_github(void **state) {
    struct world *w = *state;
    struct browser b;
    set_up_github(w);
    start(w, &b);
    link_up(w, "U1", 5, NOW + HOUR);
    slack_says(w, &b, claims(w, &b));
    at_github(w, &b);
    finish_at_github(w, &b, oauth_token());
    assert_non_null(strstr(sw_str(page(w, 200), "html"), "<bdi>Ada &lt;L&gt;</bdi> in <bdi>Acme"));
    assert_string_equal(sw_str(github(w), "login"), "ada-l");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, up, world_down)
        T(the_code_is_exchanged_by_a_client_that_says_its_secret),
        T(names_go_along_to_the_pages_and_not_into_the_audit),
        T(what_does_not_belong_to_this_sign_in_links_nothing),
        T(what_is_no_id_token_links_nothing),
        T(header_and_signature_are_not_looked_at),
        T(only_the_person_it_was_made_for_is_led_on),
        T(the_way_cannot_be_handed_over_in_between),
        T(a_code_of_another_session_is_known_by_its_nonce),
        T(a_state_of_slack_is_for_slack_once_and_for_its_browser),
        T(who_says_no_or_nothing_at_slack_is_not_led_on),
        T(what_slack_does_not_answer_links_nothing),
        T(where_heroku_is_linked_slack_leads_to_github),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
