/* test_event_github.c -- what goes on of each of GitHub's events, whatever is in it. */
#include "tests/event_tree.h"

#define DELIVERY "72d3162e-cc78-11e3-81ab-4c9367dc0958"
#define A "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
#define B "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
#define OP "01kb1d7v0000000000000z"
#define AT "2026-11-18T10:26:40Z"
#define IN                                                                                         \
    ",'repository':{'id':7,'full_name':'ada/api','html_url':'https://github.com/ada/api',"         \
    "'default_branch':'main','private':true,'pushed_at':1794997600,'updated_at':'" AT "'},"        \
    "'sender':{'id':5,'login':'ada'},'organization':{'id':1,'login':'x'}}"
#define OUT(type)                                                                                  \
    "{'v':1,'source':'github/7','type':'" type "','event_id':'" DELIVERY                           \
    "','dedupe':'gh:5117:" DELIVERY "','at_ms':1794997600000,'repo':{'id':7,'name':'ada/api',"     \
    "'url':'https://github.com/ada/api','default_branch':'main','private':true},"                  \
    "'sender':{'id':5,'login':'ada'}"
#define ALL "repository.id repository.full_name"
#define DEPLOYMENT                                                                                 \
    "'deployment':{'id':9,'sha':'" A "','ref':'main','environment':'production','task':'deploy',"  \
    "'description':'by hand','creator':{'id':5,'login':'ada'},'transient_environment':false,"      \
    "'production_environment':true,'payload':{'slipway':'" OP "','app':'x'},'created_at':'" AT     \
    "'}"
#define DEPLOYMENT_OUT                                                                             \
    ",'deployment':{'id':9,'sha':'" A "','ref':'main','environment':'production','task':'deploy'," \
    "'description':'by hand','creator':{'id':5,'login':'ada'},'transient':false,"                  \
    "'production':true,'began_ms':1794997600000,'op':'" OP "'}"
#define DEPLOYMENT_MUSTS " deployment.id deployment.sha deployment.ref deployment.environment"
#define COMMIT                                                                                     \
    "'commit':{'sha':'" A "','commit':{'message':'Fix it\n\nlong','author':{'email':'a@b.c'}},"    \
    "'author':{'id':5,'login':'ada'}}"

static const struct {
    const char *name, *payload, *record, *musts;
} rows[] = {
    {"push",
     "{'ref':'refs/heads/main','before':'" B "','after':'" A "','forced':true,'created':false,"
     "'deleted':false,'compare':'https://github.com/ada/api/compare/a...b','commits':[{'id':'" A
     "'},{}],'pusher':{'email':'a@b.c'},'head_commit':{'id':'" A "','message':'Fix it\n\nlong',"
     "'timestamp':'2020-01-01T00:00:00Z','author':{'name':'Ada','email':'a@b.c','username':'ada'}"
     "}" IN,
     OUT("push") ",'ref':'refs/heads/main','before':'" B "','after':'" A
                 "','forced':true,'created':false,'deleted':false,"
                 "'compare':'https://github.com/ada/api/compare/a...b','count':2,'head':{'id':'" A
                 "','message':'Fix it','author':{'login':'ada','name':'Ada'}}}",
     ALL " ref before after"},
    {"pull_request",
     "{'action':'opened','number':3,'pull_request':{'number':3,'title':'A title','html_url':"
     "'https://github.com/ada/api/pull/3','state':'open','draft':true,'merged':false,"
     "'updated_at':'" AT "','head':{'ref':'fix','sha':'" A "'},'base':{'ref':'main','sha':'" B
     "'},'user':{'id':5,'login':'ada'},'body':'Two\nlines'}" IN,
     OUT("pull_request") ",'action':'opened','pull':{'number':3,'title':'A title','url':"
                         "'https://github.com/ada/api/pull/3','state':'open','draft':true,"
                         "'merged':false,'head':{'ref':'fix','sha':'" A
                         "'},'base':{'ref':'main'},'user':{'id':5,'login':'ada'},"
                         "'body':'Two\nlines'}}",
     ALL " pull_request.number pull_request.state pull_request.head.sha"},
    {"status",
     "{'id':1,'sha':'" A "','context':'ci/build','state':'failure','description':'2 failed',"
     "'target_url':'https://ci.example.com/7','updated_at':'" AT "','branches':[{'name':'main',"
     "'commit':{}},{'name':'fix'}]," COMMIT IN,
     OUT("status") ",'sha':'" A "','context':'ci/build','state':'failure','description':'2 failed',"
                   "'url':'https://ci.example.com/7','branches':['main','fix'],"
                   "'commit':{'message':'Fix it','author':{'id':5,'login':'ada'}}}",
     ALL " sha context state"},
    {"check_run",
     "{'action':'completed','check_run':{'id':4,'name':'lint','status':'completed','conclusion':"
     "'success','html_url':'https://github.com/ada/api/runs/4','details_url':'https://ci.example/4'"
     ",'head_sha':'" A "','completed_at':'" AT "','output':{'text':'long'},'check_suite':{"
     "'head_branch':'main'},'app':{'slug':'ci','name':'The CI'}}" IN,
     OUT("check_run") ",'action':'completed','run':{'id':4,'name':'lint','status':'completed',"
                      "'conclusion':'success','url':'https://github.com/ada/api/runs/4'},'sha':'" A
                      "','branch':'main','app':{'slug':'ci','name':'The CI'}}",
     ALL " check_run.id check_run.name check_run.status check_run.head_sha"},
    {"check_suite",
     "{'action':'completed','check_suite':{'id':4,'status':'completed','conclusion':'failure',"
     "'head_sha':'" A "','head_branch':'main','updated_at':'" AT "','app':{'slug':'ci','name':"
     "'The CI'}}" IN,
     OUT("check_suite") ",'action':'completed','suite':{'id':4,'status':'completed','conclusion':"
                        "'failure','app':{'slug':'ci','name':'The CI'}},'sha':'" A
                        "','branch':'main'}",
     ALL " check_suite.id check_suite.head_sha"},
    {"workflow_run",
     "{'action':'completed','workflow_run':{'id':4,'name':'build','status':'completed',"
     "'conclusion':'success','html_url':'https://github.com/ada/api/actions/runs/4','run_attempt':2"
     ",'event':'push','head_sha':'" A "','head_branch':'main','updated_at':'" AT "'}" IN,
     OUT("workflow_run") ",'action':'completed','workflow':{'id':4,'name':'build','status':"
                         "'completed','conclusion':'success','url':"
                         "'https://github.com/ada/api/actions/runs/4','attempt':2,'event':'push'},"
                         "'sha':'" A "','branch':'main'}",
     ALL " workflow_run.id workflow_run.status workflow_run.head_sha"},
    {"deployment", "{'action':'created'," DEPLOYMENT IN,
     OUT("deployment") ",'action':'created'" DEPLOYMENT_OUT "}", ALL DEPLOYMENT_MUSTS},
    {"deployment_status",
     "{'action':'created','deployment_status':{'id':2,'state':'success','description':'live',"
     "'log_url':'https://dashboard.example/7','target_url':'https://old.example','environment_url':"
     "'https://api.example','created_at':'" AT "'}," DEPLOYMENT IN,
     OUT("deployment_status") ",'action':'created','status':{'id':2,'state':'success',"
                              "'description':'live','url':'https://dashboard.example/7',"
                              "'environment_url':'https://api.example'}" DEPLOYMENT_OUT "}",
     ALL DEPLOYMENT_MUSTS " deployment_status.id deployment_status.state"},
    {"release",
     "{'action':'published','release':{'id':8,'tag_name':'v1','name':'One','html_url':"
     "'https://github.com/ada/api/releases/tag/v1','draft':false,'prerelease':true,"
     "'published_at':'" AT "','body':'long'}" IN,
     OUT("release") ",'action':'published','release':{'id':8,'tag':'v1','name':'One','url':"
                    "'https://github.com/ada/api/releases/tag/"
                    "v1','draft':false,'prerelease':true}}",
     ALL " release.id release.tag_name"},
    {"create", "{'ref':'v1','ref_type':'tag','description':'x'" IN,
     OUT("create") ",'ref':'v1','ref_type':'tag'}", ALL " ref ref_type"},
    {"delete", "{'ref':'fix','ref_type':'branch'" IN,
     OUT("delete") ",'ref':'fix','ref_type':'branch'}", ALL " ref ref_type"},
    {"repository", "{'action':'renamed','changes':{'repository':{'name':{'from':'old'}}}" IN,
     OUT("repository") ",'action':'renamed'}", ALL " action"},
};

static int make(const char *name, const json_t *payload, json_t **ret) {
    return sw_event_github(payload, name, "5117", DELIVERY, TREE_NOW, ret);
}

static void each_type_goes_on_as_its_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SW_AUTO(sw_text) char *payload = tree_json(rows[i].payload);
        SW_AUTO(sw_text) char *record = tree_json(rows[i].record);
        print_message("          %s\n", rows[i].name);
        tree_check(rows[i].name, payload, record, rows[i].musts, make);
    }
}

static void other_types_and_actions_are_nobodys(void **state) {
    static const struct {
        const char *name, *payload;
    } others[] = {
        {"issues", "{'action':'opened'" IN},
        {"", "{'ref':'v1','ref_type':'tag'" IN},
        {"Push", "{'ref':'refs/heads/x'" IN},
        {"repository", "{'action':'created'" IN},
        {"repository", "{'action':'rename'" IN},
        {"repository", "{'action':''" IN},
        {"create", "{'ref':null,'ref_type':'repository'" IN},
        {"installation", "{'action':'created'" IN},
        {"repository", "{'action':['renamed']" IN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        SW_AUTO(sw_text) char *text = tree_json(others[i].payload);
        SW_AUTO(sw_json) json_t *payload = tree_load(text), *record = NULL;
        if (make(others[i].name, payload, &record) != -ENOENT) fail_msg("row %zu", i);
    }
}

static void ids_of_hook_and_delivery_can_be_keys(void **state) {
    static const char *const ids[] = {"", "a:b", "a b", "\xc3\xa9", "a/b", DELIVERY DELIVERY};
    static const char *const hooks[] = {"x", "1:2", "-1", "123456789012345678901"};
    SW_AUTO(sw_text) char *text = tree_json("{'ref':'v1','ref_type':'tag'" IN);
    SW_AUTO(sw_json) json_t *payload = tree_load(text), *record = NULL, *without = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        assert_int_equal(sw_event_github(payload, "create", "1", ids[i], TREE_NOW, &record),
                         -EBADMSG);
    for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++)
        assert_int_equal(sw_event_github(payload, "create", hooks[i], DELIVERY, TREE_NOW, &record),
                         -EBADMSG);
    assert_int_equal(sw_event_github(payload, "create", "", DELIVERY, TREE_NOW, &without), 0);
    assert_string_equal(sw_str(without, "dedupe"), "gh::" DELIVERY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_goes_on_as_its_table_says),
        cmocka_unit_test(other_types_and_actions_are_nobodys),
        cmocka_unit_test(ids_of_hook_and_delivery_can_be_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
