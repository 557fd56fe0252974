/* auth_event.c -- what GitHub tells of accounts by itself; see auth_priv.h. */
#include "actors/auth_priv.h"

#include <errno.h>
#include <string.h>

/* One person's: unlinked, unless it was linked again after the event came. */
static int withdraw(struct sw__auth *a, const char *id, const char *user) {
    const json_t *account;
    int r = sw__auth_stored(a, SW_GITHUB, user, &account);
    if (r < 0) return r;
    if (!account || strcmp(sw_str(account, "id"), id) != 0 ||
        sw_int(account, "linked_ms") > a->in->born_ms)
        return 0;
    return sw__auth_unlink(a, SW_GITHUB, user, "withdrawn");
}

/* Somebody took our access away in GitHub's settings. Each person of ours gets a message of their own: what one unlinking
 * can set off fills a call. */
int sw__auth_github_event(struct sw__auth *a) {
    const json_t *body = a->in->body, *users;
    const char *source = sw_str(body, "source"), *user = sw_str(body, "user");
    const size_t size = strlen(SW__AUTH_GITHUB_USER);
    json_t *one;
    size_t i;
    if (strncmp(source, SW__AUTH_GITHUB_USER, size) != 0 || !source[size] ||
        strcmp(sw_str(body, "type"), "github_app_authorization") != 0 ||
        strcmp(sw_str(body, "action"), "revoked") != 0)
        return -EINVAL;
    const char *id = source + size;
    if (user[0]) return withdraw(a, id, user);
    int r = sw__auth_sharers(a, id, &users);
    if (r < 0) return r;
    json_array_foreach(users, i, one) {
        json_t *copy = json_copy((json_t *)body);
        json_object_set(copy, "user", one);
        sw_send(a->out, "auth", SW_KIND_EVENT, copy);
    }
    return 0;
}
