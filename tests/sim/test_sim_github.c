/* test_sim_github.c -- the simulated GitHub's repositories, refs, rules, checks and archives. */
#include "client.h"
#include "util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STOREFRONT "/repos/acme/storefront"

static char ada[128];

static void as(const char *login, char ret_token[128]) {
    json_auto_t *tokens = client_github_sign_in(&sim, login);
    strcpy(ret_token, client_text(tokens, "access_token"));
    sim.token = ret_token;
}

static int start(void **state) {
    (void)state;
    client_start(&sim, NULL);
    as("ada-l", ada);
    return 0;
}

static long status_of(const char *path) {
    REPLY reply = client_github(&sim, "GET", path, NULL);
    return reply.status;
}

static void sha_of(const char *repo, const char *ref, char ret[41]) {
    SIM_FREE char *path = sim_fmt("/repos/%s/commits/%s", repo, ref);
    REPLY reply = client_github(&sim, "GET", path, NULL);
    assert_int_equal(reply.status, 200);
    assert_int_equal(strlen(client_text(reply.json, "sha")), 40);
    strcpy(ret, client_text(reply.json, "sha"));
}

static void checks(const char *json) {
    client_tell(&sim, "/sim/github/checks", json);
}

static void refs_are_found_by_branch_tag_and_sha(void **state) {
    (void)state;
    char main_sha[41], cart[41], tag[41], same[41];
    sha_of("acme/storefront", "main", main_sha);
    sha_of("acme/storefront", "feature/cart", cart);
    sha_of("acme/storefront", "v1.2", tag);
    assert_string_not_equal(main_sha, cart);
    assert_string_not_equal(main_sha, tag);
    const char *others[] = {"feature%2Fcart", "heads/feature/cart", cart};
    for (size_t i = 0; i < SIM_ARRAY_LEN(others); i++) {
        sha_of("acme/storefront", others[i], same);
        assert_string_equal(same, cart);
    }
    cart[9] = '\0'; /* as people write a commit */
    sha_of("acme/storefront", cart, same);
    assert_memory_equal(same, cart, 9);
    REPLY unknown = client_github(&sim, "GET", STOREFRONT "/commits/no/such", NULL);
    assert_int_equal(unknown.status, 422);
    assert_string_equal(client_text(unknown.json, "message"), "No commit found for SHA: no/such");
    REPLY branch = client_github(&sim, "GET", STOREFRONT "/branches/feature/cart", NULL);
    assert_int_equal(branch.status, 200);
    assert_string_equal(client_text(branch.json, "name"), "feature/cart");
    assert_int_equal(status_of(STOREFRONT "/branches/v1.2"), 404);
}

static void seeded_refs_are_the_same_in_every_run(void **state) {
    (void)state;
    char before[41], after[41];
    sha_of("acme/billing", "trunk", before);
    client_stop(&sim);
    (void)start(NULL);
    sha_of("acme/billing", "trunk", after);
    assert_string_equal(before, after);
}

/* What promotions deploy is the commit of a slug, which no branch points to any more. */
static void commits_of_slugs_are_known_to_their_own_repository(void **state) {
    (void)state;
    char token[128], path[128];
    json_auto_t *tokens = client_sign_in(&sim, "ada@example.com");
    strcpy(token, client_text(tokens, "access_token"));
    sim.token = token;
    REPLY release = client_api(&sim, "GET", "/apps/storefront-staging/releases/42", NULL, NULL);
    SIM_FREE char *slug_path =
        sim_fmt("/apps/storefront-staging/slugs/%s", sim_json_text2(release.json, "slug", "id"));
    REPLY slug = client_api(&sim, "GET", slug_path, NULL, NULL);
    sim.token = ada;
    snprintf(path, sizeof(path), STOREFRONT "/commits/%s", client_text(slug.json, "commit"));
    assert_int_equal(status_of(path), 200);
    snprintf(path, sizeof(path), "/repos/acme/billing/commits/%s",
             client_text(slug.json, "commit"));
    assert_int_equal(status_of(path), 422);
}

static void who_may_not_see_a_repository_finds_none(void **state) {
    (void)state;
    char bob[128], cyd[128];
    REPLY own = client_github(&sim, "GET", STOREFRONT, NULL);
    assert_string_equal(client_text(own.json, "default_branch"), "main");
    assert_true(json_is_true(json_object_get(json_object_get(own.json, "permissions"), "push")));
    as("bob-b", bob);
    assert_int_equal(status_of(STOREFRONT), 200);
    REPLY billing = client_github(&sim, "GET", "/repos/acme/billing", NULL);
    assert_string_equal(client_text(billing.json, "default_branch"), "trunk");
    assert_true(
        json_is_false(json_object_get(json_object_get(billing.json, "permissions"), "push")));
    REPLY refused =
        client_github(&sim, "POST", "/repos/acme/billing/deployments", "{\"ref\":\"trunk\"}");
    assert_int_equal(refused.status, 403);
    assert_int_equal(status_of("/repos/acme/atlas"), 404);
    as("cyd-c", cyd);
    assert_int_equal(status_of(STOREFRONT "/deployments"), 404);
    client_tell(&sim, "/sim/github/access",
                "{\"repo\":\"acme/storefront\",\"login\":\"cyd-c\","
                "\"right\":\"write\"}");
    REPLY made = client_github(&sim, "POST", STOREFRONT "/deployments", "{\"ref\":\"main\"}");
    assert_int_equal(made.status, 201);
}

static void required_contexts_come_from_protection_or_from_a_ruleset(void **state) {
    (void)state;
    REPLY branch = client_github(&sim, "GET", STOREFRONT "/branches/main", NULL);
    const json_t *protection = json_object_get(branch.json, "protection");
    const json_t *contexts =
        json_object_get(json_object_get(protection, "required_status_checks"), "contexts");
    assert_int_equal(json_array_size(contexts), 2);
    assert_string_equal(json_string_value(json_array_get(contexts, 0)), "ci/test");
    REPLY none = client_github(&sim, "GET", STOREFRONT "/rules/branches/main", NULL);
    assert_int_equal(json_array_size(none.json), 0);
    REPLY trunk = client_github(&sim, "GET", "/repos/acme/billing/branches/trunk", NULL);
    protection = json_object_get(trunk.json, "protection");
    contexts = json_object_get(json_object_get(protection, "required_status_checks"), "contexts");
    assert_int_equal(json_array_size(contexts), 0);
    REPLY rules = client_github(&sim, "GET", "/repos/acme/billing/rules/branches/trunk", NULL);
    const json_t *rule = json_array_get(rules.json, 1);
    assert_string_equal(client_text(rule, "type"), "required_status_checks");
    const json_t *list =
        json_object_get(json_object_get(rule, "parameters"), "required_status_checks");
    assert_string_equal(client_text(json_array_get(list, 1), "context"), "lint");
}

static void checks_start_green_and_change_when_told(void **state) {
    (void)state;
    REPLY green = client_github(&sim, "GET", STOREFRONT "/commits/feature/cart/status", NULL);
    assert_string_equal(client_text(green.json, "state"), "success");
    checks("{\"repo\":\"acme/storefront\",\"ref\":\"feature/cart\",\"context\":\"ci/test\","
           "\"state\":\"pending\"}");
    REPLY wait = client_github(&sim, "GET", STOREFRONT "/commits/feature/cart/status", NULL);
    assert_string_equal(client_text(wait.json, "state"), "pending");
    assert_int_equal(sim_json_int(wait.json, "total_count", 0), 1);
    checks("{\"repo\":\"acme/storefront\",\"ref\":\"feature/cart\",\"context\":\"ci/extra\","
           "\"state\":\"error\"}");
    REPLY bad = client_github(&sim, "GET", STOREFRONT "/commits/feature/cart/status", NULL);
    assert_string_equal(client_text(bad.json, "state"), "failure");
    REPLY other = client_github(&sim, "GET", STOREFRONT "/commits/main/status", NULL);
    assert_string_equal(client_text(other.json, "state"), "success");
    client_tell(&sim, "/sim/reset", "{}");
    REPLY again = client_github(&sim, "GET", STOREFRONT "/commits/feature/cart/status", NULL);
    assert_string_equal(client_text(again.json, "state"), "success");
}

static long run_count(const char *query, const char *want_first) {
    SIM_FREE char *path = sim_fmt(STOREFRONT "/commits/main/check-runs%s", query);
    REPLY reply = client_github(&sim, "GET", path, NULL);
    assert_int_equal(reply.status, 200);
    const json_t *first = json_array_get(json_object_get(reply.json, "check_runs"), 0);
    const char *end = sim_json_text(first, "conclusion");
    assert_string_equal(end != NULL ? end : client_text(first, "status"), want_first);
    return (long)sim_json_int(reply.json, "total_count", -1);
}

/* A rerun of a finished check hides the old one; another suite's check stands beside it. */
static void only_the_newest_run_of_a_suite_counts(void **state) {
    (void)state;
    const char *pending = "{\"repo\":\"acme/storefront\",\"ref\":\"main\",\"context\":\"lint\","
                          "\"state\":\"pending\"}";
    assert_int_equal(run_count("", "success"), 1);
    checks(pending);
    assert_int_equal(run_count("", "in_progress"), 1);
    assert_int_equal(run_count("?filter=all", "in_progress"), 2);
    checks("{\"repo\":\"acme/storefront\",\"ref\":\"main\",\"context\":\"lint\","
           "\"state\":\"cancelled\"}");
    assert_int_equal(run_count("?filter=all", "cancelled"), 2);
    checks("{\"repo\":\"acme/storefront\",\"ref\":\"main\",\"context\":\"lint\",\"suite\":2,"
           "\"kind\":\"check\",\"state\":\"success\"}");
    assert_int_equal(run_count("", "success"), 2);
}

static void lists_come_in_pages_with_links(void **state) {
    (void)state;
    for (int i = 0; i < 64; i++) {
        SIM_FREE char *json =
            sim_fmt("{\"repo\":\"acme/storefront\",\"ref\":\"main\",\"context\":\"unit/%d\","
                    "\"kind\":\"check\",\"state\":\"success\"}",
                    i);
        checks(json);
    }
    char link[1024];
    REPLY first = client_github(&sim, "GET", STOREFRONT "/commits/main/check-runs", NULL);
    assert_int_equal(json_array_size(json_object_get(first.json, "check_runs")), 30);
    assert_int_equal(sim_json_int(first.json, "total_count", 0), 65);
    client_header(&first, "Link", link, sizeof(link));
    assert_non_null(strstr(link, "/github" STOREFRONT "/commits/main/check-runs?page=2>; "
                                 "rel=\"next\""));
    assert_non_null(strstr(link, "?page=3>; rel=\"last\""));
    REPLY last = client_github(
        &sim, "GET", STOREFRONT "/commits/main/check-runs?per_page=60&filter=all&page=2", NULL);
    assert_int_equal(json_array_size(json_object_get(last.json, "check_runs")), 5);
    client_header(&last, "Link", link, sizeof(link));
    assert_null(strstr(link, "rel=\"next\""));
    assert_non_null(strstr(link, "per_page=60"));
    assert_non_null(strstr(link, "filter=all"));
    assert_non_null(strstr(link, "page=1>; rel=\"first\""));
    REPLY most =
        client_github(&sim, "GET", STOREFRONT "/commits/main/check-runs?per_page=1000", NULL);
    assert_int_equal(json_array_size(json_object_get(most.json, "check_runs")), 65);
    REPLY past = client_github(&sim, "GET", STOREFRONT "/commits/main/check-runs?page=9", NULL);
    assert_int_equal(json_array_size(json_object_get(past.json, "check_runs")), 0);
}

static void an_archive_link_needs_its_token_only(void **state) {
    (void)state;
    char location[512];
    REPLY reply = client_github(&sim, "GET", STOREFRONT "/tarball/feature/cart", NULL);
    assert_int_equal(reply.status, 302);
    client_header(&reply, "Location", location, sizeof(location));
    assert_memory_equal(location, sim.base, strlen(sim.base));
    for (int i = 0; i < 2; i++) {
        REPLY data = client_get(&sim, location + strlen(sim.base));
        assert_int_equal(data.status, 200);
        assert_memory_equal(data.body, "\x1f\x8b", 2);
    }
    char *sha = strstr(location, "?token=") - 1;
    *sha ^= 1;
    REPLY other = client_get(&sim, location + strlen(sim.base));
    assert_int_equal(other.status, 404);
    *sha ^= 1;
    location[strlen(location) - 1] ^= 1;
    REPLY wrong = client_get(&sim, location + strlen(sim.base));
    assert_int_equal(wrong.status, 404);
    assert_int_equal(status_of(STOREFRONT "/tarball/no-such"), 404);
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_null(strstr(journal.body, "token="));
}

static void a_build_is_made_from_an_archive_and_hides_its_link(void **state) {
    (void)state;
    char location[512], token[128];
    REPLY link = client_github(&sim, "GET", STOREFRONT "/tarball/main", NULL);
    client_header(&link, "Location", location, sizeof(location));
    json_auto_t *tokens = client_sign_in(&sim, "ada@example.com");
    strcpy(token, client_text(tokens, "access_token"));
    sim.token = token;
    SIM_FREE char *ask = sim_fmt("{\"source_blob\":{\"url\":\"%s\"}}", location);
    REPLY build = client_api(&sim, "POST", "/apps/storefront-staging/builds", NULL, ask);
    assert_int_equal(build.status, 201);
    for (bool fetched = false; !fetched;) {
        REPLY lines = client_get(&sim, "/sim/journal?text=1");
        fetched = strstr(lines.body, "GET /archive/acme/storefront/legacy.tar.gz/") != NULL;
        if (fetched) assert_non_null(strstr(strstr(lines.body, "GET /archive/"), " 200\n"));
    }
    REPLY journal = client_get(&sim, "/sim/journal");
    assert_non_null(strstr(journal.body, "?token=*"));
    assert_null(strstr(journal.body, strstr(location, "token=")));
}

static void a_push_moves_the_branch(void **state) {
    (void)state;
    char before[41], after[41];
    sha_of("acme/storefront", "main", before);
    REPLY push = client_post(&sim, "/sim/github/push",
                             "{\"repo\":\"acme/storefront\",\"ref\":\"main\","
                             "\"state\":\"pending\"}");
    assert_int_equal(push.status, 200);
    sha_of("acme/storefront", "main", after);
    assert_string_equal(after, client_text(push.json, "sha"));
    assert_string_not_equal(after, before);
    REPLY status = client_github(&sim, "GET", STOREFRONT "/commits/main/status", NULL);
    assert_string_equal(client_text(status.json, "state"), "pending");
    sha_of("acme/storefront", before, after);
    assert_string_equal(after, before);
    /* Every other branch lacks that commit now. */
    REPLY merged = client_github(&sim, "POST", STOREFRONT "/deployments", "{\"ref\":\"hot-fix\"}");
    assert_int_equal(merged.status, 202);
}

int main(void) {
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, start, client_tear_down)
    const struct CMUnitTest tests[] = {
        ROW(refs_are_found_by_branch_tag_and_sha),
        ROW(seeded_refs_are_the_same_in_every_run),
        ROW(commits_of_slugs_are_known_to_their_own_repository),
        ROW(who_may_not_see_a_repository_finds_none),
        ROW(required_contexts_come_from_protection_or_from_a_ruleset),
        ROW(checks_start_green_and_change_when_told),
        ROW(only_the_newest_run_of_a_suite_counts),
        ROW(lists_come_in_pages_with_links),
        ROW(an_archive_link_needs_its_token_only),
        ROW(a_build_is_made_from_an_archive_and_hides_its_link),
        ROW(a_push_moves_the_branch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
