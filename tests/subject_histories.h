/* subject_histories.h -- what happens to each kind of subject, in the order in which it happens, and what is read of it then.
 *
 * shapes   see subject_world.h; `parent` and `log` are texts as Slack gets them, "broadcast" of a failure; NULL: there is none
 * units    seconds
 * errors   none
 * owner    static
 * source   GitHub "Webhook events and payloads", Heroku "App Webhooks", actors/plan_say.c
 * limits   none
 */
#ifndef SW_TESTS_SUBJECT_HISTORIES_H
#define SW_TESTS_SUBJECT_HISTORIES_H

#include "tests/subject_world.h"

#define PUSH                                                                                       \
    "'type':'push'," REPO "," ADA ",'ref':'refs/heads/main','after':'" SHA                         \
    "','count':3,'compare':'https://github.com/acme/storefront/compare/0c1d2e3...4f2a9c1','head':" \
    "{'message':'Fix the cart'}}"
#define RUN(id, name, status)                                                                      \
    "'type':'check_run'," REPO ",'sha':'" SHA                                                      \
    "','branch':'main','app':{'slug':'github-actions','name':'GitHub Actions'},'run':{'id':" id    \
    ",'name':'" name "','url':'https://github.com/acme/storefront/actions/runs/17/job/" id         \
    "'," status "}}"
#define DONE(conclusion) "'status':'completed','conclusion':'" conclusion "'"
#define RUNS "'status':'in_progress'"
#define SUITE(status)                                                                              \
    "'type':'check_suite'," REPO ",'sha':'" SHA                                                    \
    "','branch':'main','suite':{'id':5,'app':{'slug':'github-actions','name':'GitHub "             \
    "Actions'}," status "}}"
#define WORKFLOW(status)                                                                           \
    "'type':'workflow_run'," REPO ",'sha':'" SHA                                                   \
    "','branch':'main','workflow':{'id':17,'name':'CI'," status "}}"
#define STATUS(context, state)                                                                     \
    "'type':'status'," REPO ",'sha':'" SHA "','context':'" context "','state':'" state             \
    "','branches':['fix','main'],'url':'https://ci.example.com/17','commit':{'message':'Fix the "  \
    "cart'}}"
#define TESTS(status)                                                                              \
    "'type':'test-run','source':'pipeline/p1','pipeline':{'id':'p1'},'run':{'id':'t1','number':4," \
    "'status':'" status "','sha':'" SHA "','branch':'main','message':'Fix the cart'}}"
#define PULL(action, more)                                                                         \
    "'type':'pull_request','action':'" action "'," REPO "," ADA                                    \
    ",'pull':{'number':12,'title':'Fix the cart','url':'https://github.com/acme/storefront/pull/"  \
    "12','head':{'ref':'fix'},'base':{'ref':'main'},'user':{'id':12,'login':'bob'}" more "}}"
#define DEPLOYMENT(id, env)                                                                        \
    REPO ",'deployment':{'id':" id ",'sha':'" SHA "','ref':'main','environment':'" env             \
         "','task':'deploy','creator':{'id':11,'login':'ada'}}"
#define ASKED(id, env) "'type':'deployment'," DEPLOYMENT(id, env) "}"
#define IS(id, env, state, words)                                                                  \
    "'type':'deployment_status'," DEPLOYMENT(                                                      \
        id, env) ",'status':{'id':1,'state':'" state "','description':'" words                     \
                 "','url':'https://dashboard.heroku.com/apps/storefront-staging/"                  \
                 "activity/builds/7','environment_url':'https://storefront-pr-12.herokuapp.com'}}"
#define BUILD(id, status)                                                                          \
    "'type':'api:build'," OF_APP ",'build':{'id':'" id "','status':'" status "','commit':'" SHA    \
    "'}}"
#define RELEASE(version, status, words)                                                            \
    "'type':'api:release'," OF_APP ",'release':{'id':'r" version "','version':" version            \
    ",'status':'" status "','description':'" words "'}}"
#define DYNO(name, state, version)                                                                 \
    "'type':'dyno'," OF_APP ",'dyno':{'name':'" name "','state':'" state "','release':" version "}}"
#define APP(action, more) "'type':'api:app','action':'" action "'," OF_APP more "}"
#define TAG(type) "'type':'" type "'," REPO "," ADA ",'ref':'v1.2','ref_type':'tag'}"

struct history {
    const char *name, *key;
    const char *events[24];
    const char *state;
    bool ended;
    const char *parent, *log, *broadcast;
};

extern const struct history histories[];

#endif
