/* test_responder_bot.c -- the bot token of an installation: which one a call takes, and what follows when Slack does not. */
#include "common/seal.h"
#include "responder_talk.h"

struct place { /* a world with keys */
    struct world w;
    char dir[64];
    struct sw_keys *auth;
};

static struct sw_keys *keys_of(const char *dir, const char *role) {
    struct sw_keys *keys = NULL;
    char error[256] = "";
    if (sw_keys_load(dir, role, &keys, error, sizeof(error)) < 0) fail_msg("%s", error);
    return keys;
}

static void place_init(struct place *p) {
    world_init(&p->w);
    strcpy(p->dir, "/tmp/sw-bot-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    assert_int_equal(sw_keys_make(p->dir), 0);
    p->auth = keys_of(p->dir, "auth");
    p->w.keys = keys_of(p->dir, "responder");
}

static void place_finish(struct place *p) {
    SW_AUTO(sw_text) char *clean = sw_printf("rm -rf '%s'", p->dir);
    sw_keys_destroy(p->auth);
    sw_keys_destroy(p->w.keys);
    world_finish(&p->w);
    assert_int_equal(system(clean), 0);
}

/* What auth says: a new token, or (NULL) that it is gone. */
static int bot(struct place *p, json_int_t version, const char *token) {
    json_t *boxes = json_object();
    if (token) {
        SW_AUTO(sw_text) char *box = NULL;
        SW_AUTO(sw_json) json_t *secret = json_pack("{s:s}", "token", token);
        assert_int_equal(sw_seal(p->auth, "responder", "0002-bot", secret, &box), 0);
        json_object_set_new(boxes, "bot", json_string(box));
    }
    return world_step(
        &p->w, SW_KIND_BOT, "0002-bot",
        json_pack("{s:I, s:b, s:s}", "version", version, "gone", !token, "bot_user", "U0BOT"),
        boxes);
}

/* What the runtime would put after "Bearer" of call `i`; the caller frees. */
static char *token_of(const struct place *p, size_t i) {
    const json_t *bearer = json_object_get(world_request(&p->w, i), "bearer");
    SW_AUTO(sw_json) json_t *secret = NULL;
    if (sw_str(bearer, "$conf")[0]) return sw_printf("the file's %s", sw_str(bearer, "$conf"));
    assert_int_equal(
        sw_unseal(p->w.keys, sw_str(bearer, "$box"), sw_str(bearer, "context"), &secret), 0);
    return sw_strdup(sw_str(secret, sw_str(bearer, "field")));
}

static void expect_token(const struct place *p, size_t i, const char *token) {
    SW_AUTO(sw_text) char *found = token_of(p, i);
    assert_string_equal(found, token);
}

/* The only message to auth of the last step, or NULL. */
static const json_t *told(const struct place *p) {
    const json_t *found = NULL;
    size_t i;
    json_t *o;
    json_array_foreach(p->w.last, i, o) {
        if (strcmp(sw_str(o, "op"), "send") != 0) continue;
        assert_null(found);
        assert_string_equal(sw_str(o, "kind"), SW_KIND_BOT_REFUSED);
        assert_int_equal(json_object_size(json_object_get(o, "boxes")), 0);
        found = json_object_get(o, "body");
    }
    return found;
}

static void expect_told(const struct place *p, json_int_t version, const char *error) {
    assert_non_null(told(p));
    assert_int_equal(sw_int(told(p), "version"), version);
    assert_string_equal(sw_str(told(p), "error"), error);
}

static void a_workspace_that_installed_it_has_a_token_of_its_own(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    parent(&p.w, "0001-a", "started", 1, false);
    expect_token(&p, 0, "the file's slack_token");
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    parent(&p.w, "0001-b", "started", 1, false);
    expect_token(&p, 1, "xoxb-own");
    assert_true(world_shows(p.w.facts, "bot/T0SIM1"));
    assert_false(world_shows(p.w.facts, "xoxb-own"));
    assert_false(world_shows(p.w.calls, "xoxb-own"));
    place_finish(&p);
}

static void every_kind_of_call_takes_it(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    p.w.conf.slack_token.current = NULL;
    p.w.no_url = true;
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    parent(&p.w, CMD, "started", 1, false);
    expect_token(&p, 0, "xoxb-own");
    answer(&p.w, OK_TS);
    parent(&p.w, CMD, "running", 2, false);
    expect_method(&p.w, 0, "chat.update");
    expect_token(&p, 0, "xoxb-own");
    answer(&p.w, OK_TS);
    thread(&p.w, CMD, 1);
    expect_token(&p, 0, "xoxb-own");
    answer(&p.w, OK_TS);
    world_reply(&p.w, "0003-c", "private", "logout.none", NULL, -1, true);
    expect_method(&p.w, 0, "chat.postEphemeral");
    expect_token(&p, 0, "xoxb-own");
    answer(&p.w, SAYS("user_not_in_channel"));
    expect_method(&p.w, 0, "conversations.open");
    expect_token(&p, 0, "xoxb-own");
    place_finish(&p);
}

static void a_response_url_needs_no_token(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    world_reply(&p.w, CMD, "private", "logout.none", NULL, -1, true);
    expect_method(&p.w, 0, "hooks");
    assert_null(json_object_get(world_request(&p.w, 0), "bearer"));
    place_finish(&p);
}

static void an_older_token_changes_nothing_and_a_newer_one_does(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, "xoxb-five"), 0);
    assert_int_equal(bot(&p, 4, "xoxb-four"), 0);
    assert_int_equal(bot(&p, 4, NULL), 0);
    parent(&p.w, "0001-a", "started", 1, false);
    expect_token(&p, 0, "xoxb-five");
    assert_int_equal(bot(&p, 6, "xoxb-six"), 0);
    parent(&p.w, "0001-b", "started", 1, false);
    expect_token(&p, 1, "xoxb-six");
    place_finish(&p);
}

static void what_is_no_token_is_not_taken(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, ""), -EBADMSG);
    assert_int_equal(bot(&p, 0, "xoxb-none"), -EBADMSG);
    assert_int_equal(
        world_step(&p.w, SW_KIND_BOT, "0002-bot", json_pack("{s:i}", "version", 7), json_object()),
        -ENOENT);
    assert_null(json_object_get(p.w.facts, "bot/T0SIM1"));
    place_finish(&p);
}

static void without_its_token_it_is_as_if_there_were_none(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    assert_int_equal(bot(&p, 6, NULL), 0);
    assert_false(world_shows(p.w.facts, "box"));
    parent(&p.w, CMD, "started", 1, false); /* the file's is not for those who uninstalled it */
    expect_method(&p.w, 0, "hooks");
    place_finish(&p);
}

static void a_token_that_goes_while_a_message_changes_ends_by_response_url(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    shown(&p.w, CMD);
    assert_int_equal(bot(&p, 6, NULL), 0);
    parent(&p.w, CMD, "success", 9, true);
    expect_method(&p.w, 0, "chat.update");
    expect_token(&p, 0, "the file's no_token"); /* which nobody has: it is not even called */
    answer(&p.w, "{\"error\":\"refused\"}");
    expect_method(&p.w, 0, "hooks");
    expect_text(&p.w, 0, "promoted *storefront*");
    place_finish(&p);
}

static void an_expired_token_is_told_and_the_next_one_posts(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    parent(&p.w, CMD, "started", 1, false);
    answer(&p.w, SAYS("token_expired"));
    expect_told(&p, 5, "token_expired");
    assert_int_equal(world_count(&p.w), 0);
    assert_int_equal(bot(&p, 6, "xoxb-next"), 0);
    assert_true(world_fire(&p.w));
    assert_int_equal(p.w.now_ms - START_MS, 2000);
    expect_method(&p.w, 0, "chat.postMessage");
    expect_token(&p, 0, "xoxb-next");
    answer(&p.w, OK_TS);
    assert_null(told(&p));
    place_finish(&p);
}

static void a_token_that_is_dead_is_told_and_another_way_is_gone(void **state) {
    static const char *const words[] = {"token_revoked", "account_inactive", "invalid_auth"};
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct place p;
        SW_AUTO(sw_text)
        char *says =
            sw_printf("{\"status\":200,\"json\":{\"ok\":false,\"error\":\"%s\"}}", words[i]);
        place_init(&p);
        assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
        parent(&p.w, CMD, "started", 1, false);
        answer(&p.w, says);
        expect_told(&p, 5, words[i]);
        expect_method(&p.w, 0, "hooks");
        place_finish(&p);
    }
}

static void where_a_newer_token_is_there_it_tries_that(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    p.w.no_url = true;
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    world_reply(&p.w, CMD, "private", "logout.none", NULL, -1, true);
    assert_int_equal(bot(&p, 6, "xoxb-next"), 0);
    answer(&p.w, SAYS("token_revoked"));
    expect_told(&p, 5, "token_revoked");
    assert_int_equal(world_count(&p.w), 0);
    assert_true(world_fire(&p.w));
    expect_method(&p.w, 0, "chat.postEphemeral");
    expect_token(&p, 0, "xoxb-next");
    place_finish(&p);
}

/* The runtime did not make the call: changed in Redis, or of a key that is gone. */
static void
a_token_that_does_not_open_is_asked_for_again_and_the_message_goes_another_way(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    parent(&p.w, CMD, "started", 1, false);
    answer(&p.w, "{\"error\":\"refused\"}");
    expect_told(&p, 5, "unreadable");
    expect_method(&p.w, 0, "hooks");
    answer(&p.w, "{\"status\":200}");
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    parent(&p.w, "0003-next", "started", 1, false);
    expect_method(&p.w, 0, "chat.postMessage");
    expect_token(&p, 0, "xoxb-own");
    answer(&p.w, OK_TS);
    assert_null(told(&p));
    place_finish(&p);
}

static void of_what_is_gone_or_was_never_there_nothing_is_asked(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    parent(&p.w, CMD, "started", 1, false);
    answer(&p.w, "{\"error\":\"refused\"}"); /* of the file */
    assert_null(told(&p));
    assert_int_equal(bot(&p, 5, "xoxb-own"), 0);
    parent(&p.w, "0003-next", "started", 1, false);
    assert_int_equal(bot(&p, 5, NULL), 0);
    /* No way is left: a dead letter. */
    assert_int_equal(world_answer(&p.w, 0, "{\"error\":\"refused\"}"), -EHOSTUNREACH);
    assert_null(told(&p));
    place_finish(&p);
}

static void of_the_token_of_the_file_nobody_is_told(void **state) {
    struct place p;
    (void)state;
    place_init(&p);
    parent(&p.w, CMD, "started", 1, false);
    answer(&p.w, SAYS("token_expired"));
    assert_null(told(&p));
    expect_method(&p.w, 0, "hooks");
    place_finish(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workspace_that_installed_it_has_a_token_of_its_own),
        cmocka_unit_test(every_kind_of_call_takes_it),
        cmocka_unit_test(a_response_url_needs_no_token),
        cmocka_unit_test(an_older_token_changes_nothing_and_a_newer_one_does),
        cmocka_unit_test(what_is_no_token_is_not_taken),
        cmocka_unit_test(without_its_token_it_is_as_if_there_were_none),
        cmocka_unit_test(a_token_that_goes_while_a_message_changes_ends_by_response_url),
        cmocka_unit_test(an_expired_token_is_told_and_the_next_one_posts),
        cmocka_unit_test(a_token_that_is_dead_is_told_and_another_way_is_gone),
        cmocka_unit_test(where_a_newer_token_is_there_it_tries_that),
        cmocka_unit_test(
            a_token_that_does_not_open_is_asked_for_again_and_the_message_goes_another_way),
        cmocka_unit_test(of_what_is_gone_or_was_never_there_nothing_is_asked),
        cmocka_unit_test(of_the_token_of_the_file_nobody_is_told),
    };
    return cmocka_run_group_tests_name("responder_bot", tests, NULL, NULL);
}
