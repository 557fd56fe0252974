/* notifier_want.c -- what an event will ask for, read ahead; see notifier_priv.h. */
#include "actors/blocks.h"
#include "actors/notifier_priv.h"

static void want_people(const struct sw__notify *n, const json_t *event) {
    static const char *const paths[][3] = {
        {"github", "sender", "id"},        {"github", "pull", "user.id"},
        {"github", "commit", "author.id"}, {"github", "deployment", "creator.id"},
        {"heroku", "actor", "id"},         {"heroku", "actor", "email"}};
    SW_AUTO(sw_json) json_t *people = json_array(), *here = NULL;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const json_t *id = sw_data_at(json_object_get(event, paths[i][1]), paths[i][2]);
        if (json_is_string(id))
            json_array_append_new(people,
                                  json_pack("{s:s, s:O}", "provider", paths[i][0], "id", id));
        else if (json_is_integer(id))
            json_array_append_new(
                people, json_pack("{s:s, s:o}", "provider", paths[i][0], "id",
                                  json_sprintf("%lld", (long long)json_integer_value(id))));
    }
    (void)sw__people_here(n, people, &here);
}

/* Each of these would be a question to Redis of its own later. The pipeline is not known yet: most keys do not need it. */
void sw__event_want(const struct sw__notify *n) {
    const json_t *body = n->in->body, *list = NULL, *unused;
    const char *source = sw_str(body, "source"), *why;
    char key[SW_SUBJECT_KEY];
    size_t i;
    json_t *id;
    if (!sw__kept_name(source)) return;
    (void)sw__kept_get(n, "src", source, &list);
    json_array_foreach((json_t *)list, i, id) {
        (void)sw__kept_get(n, "pipe", json_string_value(id), &unused);
    }
    sw__follow_want(n);
    sw__why_want(n);
    if (sw_subject_link(body, key) == 0) (void)sw__kept_get(n, "link", key, &unused);
    if (sw_subject_key(body, NULL, key, &why) < 0) return;
    (void)sw__kept_get(n, "subj", key, &unused);
    want_people(n, body);
}
