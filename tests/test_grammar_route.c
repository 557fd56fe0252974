/* test_grammar_route.c -- who is told of what: channels, filters, and pipelines with odd names; see actors/grammar.h. */
#include "grammar_rows.h"

static void channels_are_named_by_slack_or_by_hand(void **state) {
    static const struct row rows[] = {
        VALID("route x to #ops", "route pipeline=x channel=ops"),
        VALID("route x to <#C024BE91L|ops>", "route pipeline=x channel=C024BE91L"),
        VALID("route x to <#C024BE91L>", "route pipeline=x channel=C024BE91L"),
        VALID("route x to <#C024BE91L|>", "route pipeline=x channel=C024BE91L"),
        VALID("route x to #123", "route pipeline=x channel=123"),
        VALID("route route to #\xc3\xa9t\xc3\xa9",
              "route pipeline=route channel=\xc3\xa9t\xc3\xa9"),
        WRONG("route x #ops", "'#ops' is not 'to', which the channel must follow"),
        WRONG("route x to", "the channel after 'to' is missing"),
        WRONG("route x to ops", "'ops' is not a channel: it looks like #ops"),
        WRONG("route x to #", "'#' is not a channel"),
        WRONG("route x to @bob", "'@bob' is not a channel"),
        WRONG("route x to <#c1|ops>", "is not a channel"),
        WRONG("route x to #ops #dev", "'#dev' has no meaning"),
        WRONG("route X to #ops", "'X' is not a pipeline"),
        WRONG("route! x to #ops", "route takes no '!'"),
    };

    (void)state;
    CHECK(rows);
}

/* Only Slack says which channels a person may name: what looks like its word for one, but was typed, is none. */
static void nobody_names_a_channel_that_slack_did_not_offer(void **state) {
    static const struct row rows[] = {
        WRONG("route x to #C024BE91L", "'#C024BE91L' is not a channel"),
        WRONG("route x to &lt;#C024BE91L|ops&gt;", "is not a channel"),
        WRONG("route x to &lt;#C024BE91L&gt;", "is not a channel"),
        WRONG("route x to <https://x|&lt;#C1|ops&gt;>", "is not a channel"),
        WRONG("route x to &lt;<https://x|#C024BE91L>&gt;", "is not a channel"),
        WRONG("route x to &lt;<!subteam^S1|#C1>&gt;", "is not a channel"),
        WRONG("unroute x from &lt;#C024BE91L&gt;", "is not a channel"),
    };

    (void)state;
    CHECK(rows);
}

static void routes_are_shown_of_all_or_of_one_pipeline(void **state) {
    static const struct row rows[] = {
        VALID("route", "route_list"),
        VALID("route  ", "route_list"),
        VALID("route x", "route_list pipeline=x"),
        VALID("route  to ", "route_list pipeline=to"),
        VALID("route r7k2", "route_list pipeline=r7k2"),
        WRONG("route X", "'X' is not a pipeline: its name has"),
        WRONG("route #ops", "'#ops' is not a pipeline"),
        WRONG("route:x", "route has no subtask 'x'"),
    };

    (void)state;
    CHECK(rows);
}

static void a_pipeline_may_be_called_test_or_resume(void **state) {
    static const struct row rows[] = {
        VALID("route test", "route_list pipeline=test"),
        VALID("route test to <#C1|ops>", "route pipeline=test channel=C1"),
        VALID("route  resume  to  #ops when failed",
              "route pipeline=resume channel=ops states=failed"),
        VALID("route test r7k2", "route_test id=r7k2"),
        VALID("route  test  r7k2 ", "route_test id=r7k2"),
        VALID("route resume r7k2 test", "route_resume pipeline=test id=r7k2"),
        VALID("route resume r7k2 to", "route_resume pipeline=to id=r7k2"),
        WRONG("route test to", "the channel after 'to' is missing"),
        WRONG("route test storefront",
              "'storefront' is not the id of a route: it looks like r7k2, and 'route' shows it. "
              "Usage: route test ID"),
        WRONG("route test #ops", "'#ops' is not the id of a route"),
        WRONG("route test r7k2 now", "'now' has no meaning at this place"),
        WRONG("route test r7k2 123456", "route test takes no one-time code"),
        WRONG("route test R7K2", "is not the id of a route"),
        WRONG("route test r1", "is not the id of a route"),
        WRONG("route test r123456789012345678", "is not the id of a route"),
        VALID("route resume", "route_list pipeline=resume"),
        WRONG("route resume r7k2", "the name of its pipeline is missing. Usage: route resume ID"),
        WRONG("route resume r7k2 X", "'X' is not a pipeline"),
        WRONG("route resume x y", "'x' is not the id of a route"),
    };

    (void)state;
    CHECK(rows);
}

#define TO "route x to #ops"
#define ROUTED "route pipeline=x"

static void filters_come_in_any_order(void **state) {
    static const struct row rows[] = {
        VALID(TO " only deploys", ROUTED " channel=ops only=deploys"),
        VALID(TO " only deploys, releases,ci pulls and pushes,and tags crashes ,apps  reviews ",
              ROUTED
              " channel=ops only=deploys,releases,ci,pulls,pushes,tags,crashes,apps,reviews"),
        VALID(TO " only ci ci, ci", ROUTED " channel=ops only=ci"),
        VALID(TO " in prod", ROUTED " channel=ops stages=production"),
        VALID(TO " in prd and stg, development review",
              ROUTED " channel=ops stages=development,staging,production,review"),
        VALID(TO " when started,succeeded,failed",
              ROUTED " channel=ops states=started,succeeded,failed"),
        VALID(TO " branch main", ROUTED " branch=main channel=ops"),
        VALID(TO " branch release/*", ROUTED " branch=release/* channel=ops"),
        VALID(TO " branch 'release/*',", ROUTED " branch=release/* channel=ops"),
        VALID(TO " branch \xe2\x80\x9chot-?\xe2\x80\x9d", ROUTED " branch=hot-? channel=ops"),
        VALID(TO " branch and", ROUTED " branch=and channel=ops"),
        VALID(TO " branch main only deploys in prod when failed",
              ROUTED " branch=main channel=ops only=deploys stages=production states=failed"),
        VALID(TO " when failed, in prod and only deploys, branch main",
              ROUTED " branch=main channel=ops only=deploys stages=production states=failed"),
        WRONG(TO " only deploy",
              "'deploy' is not an event; events are deploys, releases, ci, pulls, pushes, tags, "
              "crashes, apps, reviews. Usage: route ["),
        WRONG(TO " only deploys,foo,ci", "'foo' is not an event; events are"),
        WRONG(TO " only", "an event must follow 'only': events are deploys, "),
        WRONG(TO " only , and", "an event must follow 'only'"),
        WRONG(TO " only in prod", "an event must follow 'only'"),
        WRONG(TO " in prod/x", "'prod/x' is not a stage; stages are development, staging, "),
        WRONG(TO " in test", "'test' is not a stage; stages are development, staging, production, "
                             "review. Usage"),
        WRONG(TO " in", "a stage must follow 'in'"),
        WRONG(TO " when fails", "'fails' is not a state; states are started, succeeded, failed"),
        WRONG(TO " when", "a state must follow 'when'"),
        WRONG(TO " branch", "or a pattern such as release/*, must follow 'branch'"),
        WRONG(TO " branch when failed", "must follow 'branch'"),
        WRONG(TO " branch a:b", "'a:b' is not a branch or a pattern"),
        WRONG(TO " branch a\tb", "is not a branch or a pattern"),
        WRONG(TO " branch ,", "',' is not a branch"),
        WRONG(TO " branch main dev", "'dev' has no meaning at this place"),
        WRONG(TO " only ci only ci", "'only' is there twice"),
        WRONG(TO " branch a in prod branch b", "'branch' is there twice"),
        WRONG(TO " in prod in", "'in' is there twice"),
        WRONG(TO " please", "'please' has no meaning at this place"),
        WRONG(TO " 123456", "route takes no one-time code"),
        WRONG(TO " only ci 123456", "'[code]' is not an event"),
    };

    (void)state;
    CHECK(rows);
}

static void what_is_wrong_in_a_filter_is_marked(void **state) {
    static const struct {
        const char *text, *mark;
    } rows[] = {
        {TO " only ci,foo,ci", "                        ^^^"},
        {TO " only", "                     ^"},
        {TO " only in prod", "                     ^^"},
        {TO " in prod when now", "                             ^^^"},
        {TO " only ci only", "                        ^^^^"},
        {TO " branch a:b only ci", "                       ^^^"},
        {"route x to <#C1|ops> please", "                ^^^^^^"},
        {"route test x", "           ^"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *e = sw_grammar_explain(rows[i].text, strlen(rows[i].text));

        if (!text_of(e, "mark") || strcmp(text_of(e, "mark"), rows[i].mark) != 0)
            fail_msg("[%s] is marked [%s]", rows[i].text, text_of(e, "mark"));
        json_decref(e);
    }
}

static void a_route_ends_by_its_id_its_pipeline_or_its_channel(void **state) {
    static const struct row rows[] = {
        VALID("unroute", "unroute"),
        VALID("unroute! ", "unroute forced"),
        VALID("unroute r7k2", "unroute pipeline=r7k2"),
        VALID("unroute x", "unroute pipeline=x"),
        VALID("unroute x from #ops", "unroute pipeline=x channel=ops"),
        VALID("unroute x from <#C1|ops>", "unroute pipeline=x channel=C1"),
        WRONG("unroute x from", "a channel must follow 'from'"),
        WRONG("unroute x from ops", "'ops' is not a channel"),
        WRONG("unroute from #ops", "'#ops' has no meaning"),
        WRONG("unroute x to #ops", "'to #ops' cannot stand"),
        WRONG("unroute x y", "'y' has no meaning"),
        VALID("why 4f2a9c1", "why id=4f2a9c1"),
        VALID("why 0b7c6f52-5a3e-11ef-8d2a-3f1c0a9b7e64",
              "why id=0b7c6f52-5a3e-11ef-8d2a-3f1c0a9b7e64"),
        WRONG("why", "the id of an event is missing"),
        WRONG("why not?", "'not?' is not the id of an event, or the first 7 letters of a commit"),
        WRONG("why so blue", "'blue' has no meaning"),
    };

    (void)state;
    CHECK(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_named_by_slack_or_by_hand),
        cmocka_unit_test(nobody_names_a_channel_that_slack_did_not_offer),
        cmocka_unit_test(routes_are_shown_of_all_or_of_one_pipeline),
        cmocka_unit_test(a_pipeline_may_be_called_test_or_resume),
        cmocka_unit_test(filters_come_in_any_order),
        cmocka_unit_test(what_is_wrong_in_a_filter_is_marked),
        cmocka_unit_test(a_route_ends_by_its_id_its_pipeline_or_its_channel),
    };

    return cmocka_run_group_tests_name("grammar_route", tests, NULL, NULL);
}
