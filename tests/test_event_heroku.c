/* test_event_heroku.c -- what goes on of each of Heroku's events, whatever is in it. */
#include "tests/event_tree.h"

#define SHA "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
#define OP "01kb1d7v0000000000000z"
#define BEGIN(resource, action)                                                                    \
    "{'id':'ev-1','resource':'" resource "','action':'" action                                     \
    "','actor':{'id':'a-1','email':'ada@example.com'},'published_at':'2020-01-01T00:00:00Z',"      \
    "'webhook_metadata':{'attempt':{'id':'at'},'delivery':{'id':'de'},'event':{'id':'ev-1',"       \
    "'include':'api:x'}}"
#define APP "'app':{'id':'app-1','name':'storefront'}"
#define MADE "'created_at':'2026-11-18T10:20:00Z',"
#define AT "'updated_at':'2026-11-18T10:26:40Z'"
#define OUT(source, type, action)                                                                  \
    "{'v':1,'source':'" source "','type':'" type "','event_id':'ev-1','dedupe':'wh:ev-1',"         \
    "'at_ms':1794997600000,'action':'" action "','actor':{'id':'a-1','email':'ada@example.com'}"
#define ALL "action resource"

static const struct {
    const char *name, *payload, *record, *musts;
} rows[] = {
    {"release",
     BEGIN("release", "update") ",'data':{'id':'rel-1'," APP ",'version':43,'status':'succeeded',"
                                "'current':true,'description':'Deploy 6113728','slug':{'id':'s-1',"
                                "'commit':'" SHA "'},'user':{'email':'u@example.com'}," MADE AT
                                ",'output_stream_url':'https://b.example/l?X-Amz-Signature=1'}}",
     OUT("heroku/app-1", "api:release",
         "update") "," APP
                   ",'release':{'id':'rel-1','version':43,'status':'succeeded','current':true,"
                   "'description':'Deploy 6113728','commit':'" SHA
                   "','slug':'s-1','began_ms':1794997200000}}",
     ALL " data.app.id data.version data.status"},
    {"build",
     BEGIN("build", "create") ",'data':{'id':'b-1'," APP ",'status':'pending','source_blob':{"
                              "'url':'https://s.example/t?Signature=1','version':'" SHA
                              "','version_description':'ada/api@main 6113728 (slipway " OP
                              ")'},'release':{'id':'rel-2'},'slug':null," MADE AT "}}",
     OUT("heroku/app-1", "api:build",
         "create") "," APP ",'build':{'id':'b-1','status':'pending','commit':'" SHA
                   "','release':'rel-2','began_ms':1794997200000,'op':'" OP "'}}",
     ALL " data.app.id data.id data.status"},
    {"app",
     BEGIN("app", "update") ",'data':{'id':'app-1','name':'new-name','maintenance':true,'git_url':"
                            "'https://git.example/x.git'," AT "},'previous_data':{'name':"
                            "'storefront','maintenance':false,'updated_at':'x'}}",
     OUT("heroku/app-1", "api:app", "update") ",'app':{'id':'app-1','name':'new-name',"
                                              "'maintenance':true},'previous':{'name':'storefront'"
                                              ",'maintenance':false}}",
     ALL " data.id data.name"},
    {"dyno",
     BEGIN("dyno", "create") ",'data':{'id':'d-1'," APP ",'name':'web.1','type':'web','state':"
                             "'starting','command':'x','attach_url':'rendezvous://x:y@z',"
                             "'release':{'id':'r','version':43}," AT "}}",
     OUT("heroku/app-1", "api:dyno", "create") "," APP ",'dyno':{'id':'d-1','name':'web.1','type':'"
                                               "web','state':'starting','release':43}}",
     ALL " data.app.id data.name data.state"},
    {"test-run",
     BEGIN("test-run",
           "update") ",'data':{'id':'t-1','number':7,'status':'failed','commit_sha':'" SHA
                     "','commit_branch':'main','commit_message':'Fix "
                     "it\n\nlong','pipeline':{'id':'p-1'},"
                     "'source_blob_url':'https://s.example/t?Signature=1'," AT "}}",
     OUT("pipeline/p-1", "test-run", "update") ",'pipeline':{'id':'p-1'},'run':{'id':'t-1',"
                                               "'number':7,'status':'failed','sha':'" SHA
                                               "','branch':'main','message':'Fix it'}}",
     ALL " data.pipeline.id data.id data.number data.status"},
};

static int make(const char *name, const json_t *payload, json_t **ret) {
    (void)name;
    return sw_event_heroku(payload, TREE_NOW, ret);
}

static void each_resource_goes_on_as_its_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text) char *payload = tree_json(rows[i].payload);
        SW_AUTO(sw_text) char *record = tree_json(rows[i].record);
        print_message("          %s\n", rows[i].name);
        tree_check(rows[i].name, payload, record, rows[i].musts, make);
    }
}

static void what_became_of_a_dyno_is_not_what_somebody_did_to_it(void **state) {
    SW_AUTO(sw_text) char *text = tree_json(rows[3].payload);
    SW_AUTO(sw_json) json_t *payload = tree_load(text), *include = json_string("dyno");
    SW_AUTO(sw_json) json_t *crashed = json_string("crashed"), *record = NULL;
    (void)state;
    tree_set(payload, "webhook_metadata.event.include", include);
    tree_set(payload, "data.state", crashed);
    assert_int_equal(make("dyno", payload, &record), 0);
    assert_string_equal(sw_str(record, "type"), "dyno");
    assert_string_equal(sw_str(json_object_get(record, "dyno"), "state"), "crashed");
}

static void other_resources_and_actions_are_nobodys(void **state) {
    static const char *const others[] = {
        "{}",
        BEGIN("formation", "update") ",'data':{" APP "}}",
        BEGIN("release", "destroy") ",'data':{" APP "}}",
        BEGIN("build", "destroy") ",'data':{" APP "}}",
        BEGIN("api:release", "create") ",'data':{" APP "}}",
        BEGIN("addon", "create") ",'data':{" APP ",'config_vars':['SECRET']}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        SW_AUTO(sw_text) char *text = tree_json(others[i]);
        SW_AUTO(sw_json) json_t *payload = tree_load(text), *record = NULL;
        if (make("", payload, &record) != -ENOENT) fail_msg("row %zu", i);
    }
}

static void the_id_is_the_events_and_not_the_attempts(void **state) {
    SW_AUTO(sw_text) char *text = tree_json(rows[0].payload);
    SW_AUTO(sw_json) json_t *payload = tree_load(text), *other = json_string("ev-2");
    SW_AUTO(sw_json) json_t *bad = json_string("ev:2"), *record = NULL, *second = NULL;
    (void)state;
    tree_set(payload, "id", other);
    assert_int_equal(make("", payload, &record), 0);
    assert_string_equal(sw_str(record, "dedupe"), "wh:ev-1");
    tree_set(payload, "webhook_metadata", NULL);
    assert_int_equal(make("", payload, &second), 0);
    assert_string_equal(sw_str(second, "dedupe"), "wh:ev-2");
    tree_set(payload, "id", bad);
    json_decref(sw_take(&second));
    assert_int_equal(make("", payload, &second), -EBADMSG);
}

static void without_an_actor_it_was_whom_the_release_names(void **state) {
    SW_AUTO(sw_text) char *text = tree_json(rows[0].payload);
    SW_AUTO(sw_json) json_t *payload = tree_load(text), *record = NULL;
    (void)state;
    tree_set(payload, "actor", NULL);
    assert_int_equal(make("", payload, &record), 0);
    assert_string_equal(sw_str(json_object_get(record, "actor"), "email"), "u@example.com");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_resource_goes_on_as_its_table_says),
        cmocka_unit_test(what_became_of_a_dyno_is_not_what_somebody_did_to_it),
        cmocka_unit_test(other_resources_and_actions_are_nobodys),
        cmocka_unit_test(the_id_is_the_events_and_not_the_attempts),
        cmocka_unit_test(without_an_actor_it_was_whom_the_release_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
