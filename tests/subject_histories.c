/* subject_histories.c -- see subject_histories.h. */
#include "tests/subject_histories.h"

#define GOOD "\xe2\x9c\x94 "
#define BAD "\xe2\x9c\x96 "
#define BUSY "\xe2\x80\xa6 "
#define DOUBT "\xe2\x9a\xa0 "
#define TO " \xe2\x86\x92 "
#define DOT " \xc2\xb7 "
#define CHANGES                                                                                    \
    "<https://github.com/acme/storefront/compare/0c1d2e3...4f2a9c1|The changes, at GitHub>"
#define COMMIT "<@U0ADA> pushed 3 commits to *acme/storefront* `main` (`4f2a9c1`): Fix the cart\n"
#define COMMIT_KEY "commit/7/" SHA
#define HEROKU "continuous-integration/heroku"
#define PUSHED "What happened:\n0  <@U0ADA> pushed 3 commits to `main`\n"

const struct history histories[] = {
    {"a push that nothing tests", COMMIT_KEY, {"0 {" PUSH}, "", true, COMMIT CHANGES, NULL, NULL},
    {"tests of a push that pass",
     COMMIT_KEY,
     {"0 {" PUSH, "2 {" WORKFLOW(RUNS), "3 {" RUN("1", "lint", RUNS), "4 {" RUN("2", "test", RUNS),
      "9 {" RUN("1", "lint", DONE("success")), "9 {" RUN("3", "docs", DONE("skipped")),
      "30 {" RUN("2", "test", DONE("success")), "31 {" WORKFLOW(DONE("success")),
      "31 {" SUITE(DONE("success"))},
     "succeeded",
     true,
     GOOD COMMIT "CI passed: all 3 checks, 1 skipped\n" CHANGES DOT "it took 28 s",
     PUSHED "3  " BUSY "`lint` began\n4  " BUSY "`test` began\n9  `docs` was skipped\n9  " GOOD
            "`lint` passed\n30  " GOOD "`test` passed",
     NULL},
    {"tests that fail while others run",
     COMMIT_KEY,
     {"0 {" PUSH, "3 {" RUN("1", "lint", RUNS), "4 {" RUN("2", "test", RUNS),
      "9 {" RUN("1", "lint", DONE("failure"))},
     "failed",
     false,
     BAD COMMIT "CI failed: `lint` (1 of 2 are done)\n"
                "<https://github.com/acme/storefront/actions/runs/17/job/1|Details of the failure, "
                "at GitHub>" DOT CHANGES,
     PUSHED "3  " BUSY "`lint` began\n4  " BUSY "`test` began\n9  " BAD "`lint` failed",
     BAD "CI failed: `lint` on *acme/storefront* `main` (`4f2a9c1`)\n"
         "<https://github.com/acme/storefront/actions/runs/17/job/1|Details of the failure, at "
         "GitHub>"},
    {"a failure that a second run mends",
     COMMIT_KEY,
     {"0 {" PUSH, "3 {" RUN("1", "lint", RUNS), "9 {" RUN("1", "lint", DONE("timed_out")),
      "40 {" RUN("8", "lint", RUNS), "50 {" RUN("8", "lint", DONE("success"))},
     "succeeded",
     true,
     GOOD COMMIT "CI passed\n" CHANGES DOT "it took 47 s",
     PUSHED "3  " BUSY "`lint` began\n9  " BAD "`lint` failed: timed out\n40  " BUSY
            "`lint` began\n50  " GOOD "`lint` passed",
     NULL},
    {"tests of a commit whose push is not known, from three places",
     COMMIT_KEY,
     {"1 {" STATUS("ci/circle", "pending"), "2 {" TESTS("pending"), "3 {" TESTS("running"),
      "8 {" STATUS("ci/circle", "error"), "20 {" TESTS("succeeded")},
     "failed",
     true,
     BAD "CI of *acme/storefront* `main` (`4f2a9c1`): Fix the cart\n"
         "CI failed: `ci/circle` (of 2 checks)\n"
         "<https://ci.example.com/17|Details of the failure, at ci.example.com>" DOT
         "<https://github.com/acme/storefront/commit/" SHA "|The changes, at GitHub>" DOT
         "it took 19 s",
     "What happened:\n1  " BUSY "`ci/circle` began\n2  " BUSY "`Heroku CI` began\n8  " BAD
     "`ci/circle` failed\n20  " GOOD "`Heroku CI` passed",
     BAD "CI failed: `ci/circle` on *acme/storefront* `main` (`4f2a9c1`)\n"
         "<https://ci.example.com/17|Details of the failure, at ci.example.com>"},
    {"Heroku CI, which tells GitHub as well",
     COMMIT_KEY,
     {"0 {" PUSH, "1 {" STATUS(HEROKU, "pending"), "2 {" TESTS("running"),
      "8 {" STATUS(HEROKU, "success"), "9 {" TESTS("succeeded")},
     "succeeded",
     true,
     GOOD COMMIT "CI passed\n" CHANGES DOT "it took 7 s",
     PUSHED "1  " BUSY "`" HEROKU "` began\n8  " GOOD "`" HEROKU "` passed",
     NULL},
    {"a workflow that fails before it has runs, another app's suite, and one cancelled",
     COMMIT_KEY,
     {"0 {" PUSH, "1 {" SUITE(DONE("failure")), "2 {" WORKFLOW(DONE("startup_failure")),
      "3 {" STATUS("ci/circle", "success")},
     "failed",
     true,
     BAD COMMIT "CI failed: `CI` (of 2 checks)\n" CHANGES DOT "it took 2 s",
     PUSHED "2  " BAD "`CI` failed\n3  " GOOD "`ci/circle` passed",
     BAD "CI failed: `CI` on *acme/storefront* `main` (`4f2a9c1`)\n"
         "<https://github.com/acme/storefront/compare/0c1d2e3...4f2a9c1|More about it, at GitHub>"},
    {"tests that somebody stopped",
     COMMIT_KEY,
     {"0 {" PUSH, "3 {" RUN("1", "lint", RUNS), "9 {" RUN("1", "lint", DONE("cancelled")),
      "9 {" RUN("2", "test", DONE("success"))},
     "",
     true,
     DOUBT COMMIT "CI was cancelled: `lint`\n" CHANGES DOT "it took 6 s",
     PUSHED "3  " BUSY "`lint` began\n9  " GOOD "`test` passed\n9  " DOUBT "`lint` was cancelled",
     NULL},
    {"a pull request that is merged",
     "pull/7/12",
     {"0 {" PULL("opened", ",'draft':true"), "60 {" PULL("ready_for_review", ""),
      "70 {" PULL("closed", ",'merged':false"), "80 {" PULL("reopened", ""),
      "90 {" PULL("closed", ",'merged':true")},
     "succeeded",
     true,
     GOOD "Merged #12 *Fix the cart* in *acme/storefront* (`fix`" TO "`main`), by <@U0ADA>\n"
          "<https://github.com/acme/storefront/pull/12|The pull request, at GitHub>",
     "What happened:\n0  Opened, by <@U0ADA>\n60  Ready for review, by <@U0ADA>\n70  " BAD
     "Closed without a merge, by <@U0ADA>\n80  Opened again, by <@U0ADA>\n90  " GOOD
     "Merged, by <@U0ADA>",
     NULL},
    {"a pull request that is open",
     "pull/7/12",
     {"0 {" PULL("opened", "")},
     "started",
     false,
     BUSY "Pull request #12 *Fix the cart* in *acme/storefront* (`fix`" TO "`main`), by bob\n"
          "<https://github.com/acme/storefront/pull/12|The pull request, at GitHub>",
     NULL,
     NULL},
    {"a deployment as executor makes it",
     "deployment/7/99",
     {"0 {" ASKED("99", "staging"), "1 {" IS("99", "staging", "pending", "build running"),
      "30 {" IS("99", "staging", "pending", "build done, release phase running"),
      "40 {" IS("99", "staging", "pending", "release phase completed, dynos restart"),
      "50 {" IS("99", "staging", "success", "it runs"),
      "3000 {" IS("99", "staging", "inactive", "")},
     "succeeded",
     true,
     GOOD
     "Live: *acme/storefront* `main` (`4f2a9c1`)" TO "`staging`, by <@U0ADA>\n"
     "<https://storefront-pr-12.herokuapp.com|storefront-pr-12.herokuapp.com>\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>" DOT "it took 50 s",
     "What happened:\n0  Asked for, by <@U0ADA>\n1  " BUSY "Deploying\n30  " BUSY
     "Releasing: release phase\n40  " BUSY "Restarting\n50  " GOOD
     "Live\n3000  Replaced by another one",
     NULL},
    {"a deployment to an app that fails",
     "deployment/7/99",
     {"0 {" ASKED("99", "production/storefront"),
      "1 {" IS("99", "production/storefront", "in_progress", ""),
      "30 {" IS("99", "production/storefront", "failure", "the release phase failed")},
     "failed",
     true,
     BAD
     "The deploy of *acme/storefront* `main` (`4f2a9c1`)" TO
     "`production/storefront` (production) failed, begun by <@U0ADA>\nthe release phase failed\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>" DOT "it took 30 s",
     "What happened:\n0  Asked for, by <@U0ADA>\n1  " BUSY "Deploying\n30  " BAD
     "Failed: the release phase failed",
     BAD
     "The deploy of *acme/storefront* `main` (`4f2a9c1`)" TO
     "`production/storefront` (production) failed: the release phase failed\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>"},
    {"a deployment that another one replaces",
     "deployment/7/99",
     {"0 {" ASKED("99", "qa"), "1 {" IS("99", "qa", "queued", ""),
      "30 {" IS("99", "qa", "inactive", "")},
     "",
     true,
     DOUBT "The deploy of *acme/storefront* `main` (`4f2a9c1`)" TO
           "`qa` was replaced before it ended, begun by <@U0ADA>\n"
           "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, "
           "at Heroku>",
     "What happened:\n0  Asked for, by <@U0ADA>\n30  Replaced by another one",
     NULL},
    {"a review app, twice",
     "review/7/storefront-pr-12",
     {"0 {" ASKED("99", "storefront-pr-12"), "1 {" IS("99", "storefront-pr-12", "pending", ""),
      "30 {" IS("99", "storefront-pr-12", "failure", "no Procfile"),
      "90 {" ASKED("100", "storefront-pr-12"), "91 {" IS("100", "storefront-pr-12", "pending", ""),
      "120 {" IS("100", "storefront-pr-12", "success", "")},
     "succeeded",
     true,
     GOOD
     "Review app for #12 of *acme/storefront* is live at "
     "<https://storefront-pr-12.herokuapp.com|storefront-pr-12.herokuapp.com>\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>" DOT "it took 30 s",
     "What happened:\n0  Asked for, by <@U0ADA>\n1  " BUSY "Deploying\n30  " BAD
     "Failed: no Procfile\n90  Asked for, by <@U0ADA>\n91  " BUSY "Deploying\n120  " GOOD "Live",
     NULL},
    {"a deploy that Heroku tells of",
     "deploy/a1/4f2a9c1d",
     {"0 {" BUILD("b1", "pending"), "5 {" BUILD("b1", "pending"), "60 {" BUILD("b1", "succeeded"),
      "60 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
      "80 {" RELEASE("43", "succeeded", "Deploy 4f2a9c1d"), "85 {" DYNO("web.1", "up", "43"),
      "86 {" DYNO("web.2", "up", "43"), "900 {" DYNO("web.1", "up", "43")},
     "succeeded",
     true,
     GOOD
     "Live: `4f2a9c1` in *storefront-staging* (staging) as v43, by <@U0ADA>\nIt took 1 min 25 s",
     "What happened:\n0  " BUSY "Building, by <@U0ADA>\n60  Built\n60  " BUSY
     "Releasing v43: release phase\n80  " GOOD "Released as v43\n85  " GOOD "Live: v43 is up",
     NULL},
    {"a deploy that GitHub and Heroku both tell of",
     "deploy/a1/4f2a9c1d",
     {"0 {" ASKED("99", "storefront-staging"), "1 {" BUILD("b1", "pending"),
      "1 {" IS("99", "storefront-staging", "pending", ""), "60 {" BUILD("b1", "succeeded"),
      "60 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
      "80 {" RELEASE("43", "succeeded", "Deploy 4f2a9c1d"),
      "81 {" IS("99", "storefront-staging", "success", "")},
     "succeeded",
     true,
     GOOD
     "Released `main` at `4f2a9c1` to *storefront-staging* (staging) as v43, by <@U0ADA>\n"
     "The dynos restart.\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>" DOT "it took 1 min 19 s",
     "What happened:\n0  Asked for, by <@U0ADA>\n1  " BUSY
     "Building, by <@U0ADA>\n60  Built\n60  " BUSY "Releasing v43: release phase\n80  " GOOD
     "Released as v43",
     NULL},
    {"a deployment to an app of which Heroku tells nothing",
     "deploy/a1/4f2a9c1d",
     {"0 {" ASKED("99", "storefront-staging"),
      "1 {" IS("99", "storefront-staging", "error", "checks failed")},
     "failed",
     true,
     BAD
     "The deploy of *acme/storefront* `main` (`4f2a9c1`)" TO
     "`storefront-staging` (staging) failed, begun by <@U0ADA>\nchecks failed\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>" DOT "it took 1 s",
     "What happened:\n0  Asked for, by <@U0ADA>\n1  " BAD "Failed: checks failed",
     BAD
     "The deploy of *acme/storefront* `main` (`4f2a9c1`)" TO
     "`storefront-staging` (staging) failed: checks failed\n"
     "<https://dashboard.heroku.com/apps/storefront-staging/activity/builds/7|More about it, at "
     "Heroku>"},
    {"a build that does not say its app's name, and fails",
     "deploy/a1/4f2a9c1d",
     {"0 {'type':'api:build','app':{'id':'a1'},'build':{'id':'b1','status':'pending','commit':'" SHA
      "'}}",
      "60 {'type':'api:build','app':{'id':'a1'},'build':{'id':'b1','status':'failed','commit':'" SHA
      "'}}"},
     "failed",
     true,
     BAD
     "The build of `4f2a9c1` for *storefront-staging* (staging) failed\nWhat ran there runs on.\n"
     "It took 1 min 0 s",
     "What happened:\n0  " BUSY "Building\n60  " BAD "The build failed",
     BAD "The build of `4f2a9c1` for *storefront-staging* (staging) failed"},
    {"a release whose name is not taken away by its build",
     "deploy/a1/4f2a9c1d",
     {"0 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
      "1 "
      "{'type':'api:build','app':{'id':'a1'},'build':{'id':'b1','status':'succeeded','commit':'" SHA
      "'}}"},
     "started",
     false,
     BUSY "Releasing `4f2a9c1` to *storefront-staging* (staging) as v43",
     "What happened:\n0  " BUSY "Releasing v43: release phase\n1  Built",
     NULL},
    {"the same commit built again, and not well",
     "deploy/a1/4f2a9c1d",
     {"0 {" BUILD("b1", "pending"), "60 {" BUILD("b1", "succeeded"),
      "60 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
      "80 {" RELEASE("43", "succeeded", "Deploy 4f2a9c1d"), "85 {" DYNO("web.1", "up", "43"),
      "200 {" BUILD("b2", "pending"), "230 {" BUILD("b2", "failed")},
     "failed",
     true,
     BAD "The build of `4f2a9c1` for *storefront-staging* (staging) failed, begun by <@U0ADA>\n"
         "What ran there runs on.\nIt took 30 s",
     "What happened:\n0  " BUSY "Building, by <@U0ADA>\n60  Built\n60  " BUSY
     "Releasing v43: release phase\n80  " GOOD "Released as v43\n85  " GOOD
     "Live: v43 is up\n200  " BUSY "Building, by <@U0ADA>\n230  " BAD "The build failed",
     BAD "The build of `4f2a9c1` for *storefront-staging* (staging) failed"},
    {"a release phase that fails",
     "deploy/a1/4f2a9c1d",
     {"0 {" BUILD("b1", "pending"), "60 {" BUILD("b1", "succeeded"),
      "60 {" RELEASE("43", "pending", "Deploy 4f2a9c1d"),
      "80 {" RELEASE("43", "failed", "Deploy 4f2a9c1d")},
     "failed",
     true,
     BAD "The release of `4f2a9c1` for *storefront-staging* (staging) failed, begun by <@U0ADA>\n"
         "What ran there runs on.\nIt took 1 min 20 s",
     "What happened:\n0  " BUSY "Building, by <@U0ADA>\n60  Built\n60  " BUSY
     "Releasing v43: release phase\n80  " BAD "The release v43 failed",
     BAD "The release of `4f2a9c1` for *storefront-staging* (staging) failed"},
    {"config vars that change, of which no value is ever shown",
     "release/a1/44",
     {"0 {" RELEASE("44", "succeeded", "Set STRIPE_KEY=sk_live_1 config vars")},
     "succeeded",
     true,
     GOOD "*storefront-staging* (staging) v44 is released: Set STRIPE_KEY, by <@U0ADA>",
     NULL,
     NULL},
    {"a promotion",
     "release/a1/45",
     {"0 {" RELEASE("45", "pending", "Promote storefront v9 4f2a9c1d"),
      "7 {" RELEASE("45", "succeeded", "Promote storefront v9 4f2a9c1d"),
      "9 {" DYNO("web.1", "up", "45")},
     "succeeded",
     true,
     GOOD
     "*storefront-staging* (staging) v45 is live: Promote storefront v9 4f2a9c1d, by <@U0ADA>\n"
     "It took 9 s",
     "What happened:\n0  " BUSY "Releasing v45: release phase\n7  " GOOD "Released as v45\n9  " GOOD
     "Live: v45 is up",
     NULL},
    {"dynos that crash",
     "crash/a1/v45",
     {"0 {" DYNO("web.1", "crashed", "45"), "10 {" DYNO("web.1", "crashed", "45"),
      "40 {" DYNO("web.1", "crashed", "45"), "41 {" DYNO("worker.1", "crashed", "45")},
     "failed",
     true,
     BAD "`web.1` of *storefront-staging* (staging) crashed 3 times, and 1 more of its dynos did\n"
         "\xe2\x80\xa2 `web.1` 3 times\n\xe2\x80\xa2 `worker.1` once\nRelease v45. "
         "`/h ps storefront in staging/storefront-staging` shows its dynos.",
     "What happened:\n0  " BAD "`web.1` crashed\n10  " BAD "`web.1` crashed\n40  " BAD
     "`web.1` crashed\n41  " BAD "`worker.1` crashed",
     NULL},
    {"maintenance",
     "app/a1/2025-11-27",
     {"0 {'type':'api:app','action':'update','app':{'id':'a1','name':'storefront-staging',"
      "'maintenance':true},'previous':{'maintenance':false},'actor':{'id':'h11','email':'a@b.c'}}"},
     "",
     false,
     DOUBT "Maintenance is on for *storefront-staging* (staging), by <@U0ADA>\n"
           "Visitors see the maintenance page.",
     NULL,
     NULL},
    {"an app that is renamed and destroyed",
     "app/a1/2025-11-27",
     {"0 {" APP("update", ",'previous':{'name':'shop'}"), "9 {" APP("destroy", "")},
     "",
     true,
     DOUBT "The app *storefront-staging* (staging) was destroyed, by <@U0ADA>",
     "What happened:\n0  Renamed from `shop`, by <@U0ADA>\n9  Destroyed, by <@U0ADA>",
     NULL},
    {"a tag and its release",
     "tag/7/tags/v1.2",
     {"0 {" TAG("create"),
      "5 {'type':'release','action':'published'," REPO "," ADA
      ",'release':{'id':3,'tag':'v1.2','name':'Spring','url':'https://github.com/acme/storefront/"
      "releases/tag/v1.2'}}"},
     "",
     true,
     "Release `v1.2` (Spring) of *acme/storefront* was published, by <@U0ADA>\n"
     "<https://github.com/acme/storefront/releases/tag/v1.2|More about it, at GitHub>",
     "What happened:\n0  Created, by <@U0ADA>\n5  Release published, by <@U0ADA>",
     NULL},
    {"a branch that is deleted",
     "tag/7/heads/fix",
     {"0 {'type':'delete'," REPO "," ADA ",'ref':'fix','ref_type':'branch'}"},
     "",
     true,
     "The branch `fix` of *acme/storefront* was deleted, by <@U0ADA>",
     NULL,
     NULL},
    {0},
};
