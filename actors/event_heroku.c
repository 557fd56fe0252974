/* event_heroku.c -- what goes on of Heroku's events: one table a resource; see event.h.
 *
 * None of the addresses in them is taken: output_stream_url and source_blob.url are signed, and let whoever has them in. */
#include "actors/event_priv.h"
#include "actors/form.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EMAIL_BYTES 254
#define COMMIT_BYTES 64

static const struct sw__row common[] = {
    MUST("action", "action", WORD),
    MAY("actor.id", "actor.id|data.user.id", WORD),
    CUT("actor.email", "actor.email|data.user.email", TEXT, EMAIL_BYTES),
    END,
};

static const struct sw__row of_app[] = {
    MUST("app.id", "data.app.id", WORD),
    MAY("app.name", "data.app.name", TEXT),
    END,
};

static const struct sw__row release[] = {
    MAY("release.id", "data.id", WORD),
    MUST("release.version", "data.version", NUMBER),
    MUST("release.status", "data.status", WORD),
    MAY("release.current", "data.current", PERHAPS),
    MAY("release.description", "data.description", TEXT),
    CUT("release.commit", "data.slug.commit", TEXT, COMMIT_BYTES),
    MAY("release.slug", "data.slug.id", WORD),
    MAY("release.began_ms", "data.created_at", TIME),
    END,
};

static const struct sw__row build[] = {
    MUST("build.id", "data.id", WORD),
    MUST("build.status", "data.status", WORD),
    CUT("build.commit", "data.slug.commit|data.source_blob.version", TEXT, COMMIT_BYTES),
    MAY("build.release", "data.release.id", WORD),
    MAY("build.began_ms", "data.created_at", TIME),
    MAY("build.op", "data.source_blob.version_description", OP_WORDS),
    END,
};

static const struct sw__row app[] = {
    MUST("app.id", "data.id", WORD),
    MUST("app.name", "data.name", TEXT),
    MAY("app.maintenance", "data.maintenance", PERHAPS),
    MAY("previous.name", "previous_data.name", TEXT),
    MAY("previous.maintenance", "previous_data.maintenance", PERHAPS),
    END,
};

static const struct sw__row dyno[] = {
    MAY("dyno.id", "data.id", WORD),
    MUST("dyno.name", "data.name", TEXT),
    MAY("dyno.type", "data.type", TEXT),
    MUST("dyno.state", "data.state", WORD),
    MAY("dyno.release", "data.release.version", NUMBER),
    END,
};

static const struct sw__row test_run[] = {
    MUST("pipeline.id", "data.pipeline.id", WORD),
    MUST("run.id", "data.id", WORD),
    MUST("run.number", "data.number", NUMBER),
    MUST("run.status", "data.status", WORD),
    CUT("run.sha", "data.commit_sha", TEXT, COMMIT_BYTES),
    MAY("run.branch", "data.commit_branch", TEXT),
    MAY("run.message", "data.commit_message", LINE),
    END,
};

static const char *const changes[] = {"create", "update", NULL};
static const char *const changes_or_end[] = {"create", "update", "destroy", NULL};

static const struct {
    const char *resource, *type;
    const struct sw__row *rows, *more; /* NULL: no more */
    const char *from, *id;             /* the source: its first word, and the path of its id */
    const char *const *actions;
} types[] = {
    {"release", "api:release", of_app, release, "heroku", "data.app.id", changes},
    {"build", "api:build", of_app, build, "heroku", "data.app.id", changes},
    {"app", "api:app", app, NULL, "heroku", "data.id", changes_or_end},
    {"dyno", "api:dyno", of_app, dyno, "heroku", "data.app.id", changes_or_end},
    {"test-run", "test-run", test_run, NULL, "pipeline", "data.pipeline.id", changes},
};

static const char *text_at(const json_t *payload, const char *path) {
    const char *text = json_string_value(sw__event_at(payload, path));
    return text ? text : "";
}

/* Of dynos there are two events: what somebody did by the API, and what became of one. */
static const char *type_of(const json_t *payload, size_t i) {
    const bool own = types[i].more == dyno &&
                     !strcmp(text_at(payload, "webhook_metadata.event.include"), "dyno");
    return own ? "dyno" : types[i].type;
}

int sw_event_heroku(const json_t *payload, int64_t now_ms, json_t **ret) {
    const char *resource = text_at(payload, "resource");
    const size_t count = sizeof(types) / sizeof(types[0]);
    size_t i = 0;
    while (i < count && strcmp(types[i].resource, resource) != 0)
        i++;
    if (i == count || !sw_is_among(text_at(payload, "action"), types[i].actions)) return -ENOENT;
    const char *event_id = text_at(payload, "webhook_metadata.event.id|id");
    const char *id = text_at(payload, types[i].id);
    if (!sw_event_is_id(event_id) || !sw_event_is_id(id)) return -EBADMSG;
    SW_AUTO(sw_json)
    json_t *record = json_pack(
        "{s:i, s:o, s:s, s:s, s:o, s:I}", "v", 1, "source",
        json_sprintf("%s/%s", types[i].from, id), "type", type_of(payload, i), "event_id", event_id,
        "dedupe", json_sprintf("wh:%s", event_id), "at_ms",
        (json_int_t)sw__event_ms(payload, "data.updated_at|published_at|created_at", now_ms));
    const struct sw__row *const tables[] = {common, types[i].rows, types[i].more};
    int r = sw__event_fill(record, payload, tables);
    if (r == 0) *ret = sw_take(&record);
    return r;
}
