/* notifier_event.c -- an event becomes the newest state of its subject, and that one notice for each channel that may hear of
 * it; see notifier_priv.h.
 *
 * All of a subject is one message, so a channel that shows it gets each change of it, whatever the words of the filter say.
 * An event of an operation of ours marks its subject: the operation's own channel has the operation's message. Not for
 * ever: a deploy that is done again at Heroku is of the same subject, and of nobody here. */
#include "actors/notifier_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPEN_MS (30 * 24 * 60 * 60 * 1000LL)
#define ENDED_MS (3 * 24 * 60 * 60 * 1000LL)
#define OWN_MS                                                                                     \
    (2 * 60 * 60 * 1000LL) /* since the operation's last event: dynos may take their time */
#define WAITING_MAX 10     /* dynos of a release that is not known yet */
#define NAME_BYTES 200     /* of a repository or an app */
#define WAITING_BYTES 4096 /* each: others may write larger ones to the stream than Heroku's */
/* Of the 64 outputs for names, states and notices: all 50 routes of a pipeline. The rest is what is counted (six labels at
 * once), and what stays of the event. */
#define ROOM 52

/* The verdicts, and how they are counted. */
static const struct {
    const char *what, *label;
} labels[] = {
    {"posted", "posted"},  {"paused", "paused"}, {"stages", "filtered"},   {"branch", "filtered"},
    {"blind", "filtered"}, {"only", "filtered"}, {"states", "filtered"},   {"old", "nothing_new"},
    {"own", "operation"},  {"limit", "limit"},   {"never", "never_shown"}, {"no_route", "no_route"},
};
#define LABELS (sizeof(labels) / sizeof(*labels))

struct subject { /* as it is after the event */
    char key[SW_SUBJECT_KEY];
    const json_t *kept; /* with all its lives */
    struct sw__life life;
    const json_t *was; /* of this life; NULL: the first event */
    json_t *state, *shown, *posted, *op, *people;
    json_t *bare; /* what Heroku alone told of it, where a route is blind; or NULL */
    json_int_t n;
    bool changed, bare_changed;
};

struct event {
    const struct sw__notify *n;
    const json_t *body;
    const json_t *pipes[SW__SHARED_MAX];
    size_t pipe_count, subject_count, outputs;
    struct subject subjects[SW__SHARED_MAX];
    struct subject *of[SW__SHARED_MAX]; /* which of them a pipeline's is */
    struct sw__own own;
    char link[SW_SUBJECT_KEY]; /* what joins a release and the dynos that run it; "": nothing */
    const json_t *linked;      /* {key} or {wait: [event]} */
    const char *never;         /* why it is never shown */
    json_t *verdicts;
    int64_t counts[LABELS];
};

static void event_finish(struct event *e) {
    for (size_t i = 0; i < e->subject_count; i++) {
        struct subject *s = &e->subjects[i];
        json_decref(s->state);
        json_decref(s->bare);
        json_decref(s->shown);
        json_decref(s->posted);
        json_decref(s->op);
        json_decref(s->people);
    }
    json_decref(e->verdicts);
}

static int load_pipes(struct event *e) {
    const json_t *list = NULL, *pipe;
    size_t i;
    json_t *id;
    int r = sw__kept_get(e->n, "src", sw_str(e->body, "source"), &list);
    json_array_foreach((json_t *)list, i, id) {
        int one = sw__kept_get(e->n, "pipe", json_string_value(id), &pipe);
        if (one < 0) r = one; /* ask for all of them before waiting */
        if (one == 0 && pipe && e->pipe_count < SW__SHARED_MAX) e->pipes[e->pipe_count++] = pipe;
    }
    return r;
}

static bool is_github(const json_t *event) {
    return !strncmp(sw_str(event, "source"), "github/", 7);
}

static bool is_name(const char *text) {
    return text[0] && strlen(text) <= NAME_BYTES;
}

/* What is told of a repository or an app names it; NULL: nothing new. */
static json_t *renamed(const json_t *pipe, const json_t *event) {
    const char *type = sw_str(event, "type"),
               *repo = sw_str(json_object_get(event, "repo"), "name");
    const json_t *app = json_object_get(event, "app");
    size_t i;
    json_t *one;
    if (!strcmp(type, "repository") && is_name(repo) &&
        strcmp(repo, sw_str(json_object_get(pipe, "repo"), "name")) != 0) {
        json_t *next = json_deep_copy(pipe);
        json_object_set_new(json_object_get(next, "repo"), "name", json_string(repo));
        return next;
    }
    json_array_foreach(strcmp(type, "api:app") ? NULL : json_object_get(pipe, "apps"), i, one) {
        if (strcmp(sw_str(one, "id"), sw_str(app, "id")) || !is_name(sw_str(app, "name")) ||
            !strcmp(sw_str(one, "name"), sw_str(app, "name")))
            continue;
        json_t *next = json_deep_copy(pipe);
        json_object_set(json_array_get(json_object_get(next, "apps"), i), "name",
                        json_object_get(app, "name"));
        return next;
    }
    return NULL;
}

static void keep_names(struct event *e) {
    for (size_t i = 0; i < e->pipe_count; i++) {
        json_t *next = renamed(e->pipes[i], e->body);
        if (!next) continue;
        e->outputs++;
        sw__kept_put(e->n, "pipe", sw_str(json_object_get(next, "pipeline"), "id"), next, 0);
        e->pipes[i] = next; /* owned by the output now */
    }
}

/* Takes the state, returns the next. */
static json_t *fold_into(json_t *state, const json_t *event, bool *changed) {
    bool now;
    json_t *next = sw_subject_fold(state, event, &now);
    json_decref(state);
    *changed |= now;
    return next;
}

/* Dynos that were up before their release was known. */
static void fold_waiting(struct event *e, struct subject *s) {
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(e->linked, "wait"), i, event) {
        s->state = fold_into(s->state, event, &s->changed);
        if (s->bare) s->bare = fold_into(s->bare, event, &s->bare_changed);
    }
}

static bool is_any_blind(const struct event *e) {
    size_t k;
    json_t *route;
    for (size_t i = 0; i < e->pipe_count; i++) {
        json_array_foreach(json_object_get(e->pipes[i], "routes"), k, route) {
            if (json_object_get(route, "blind")) return true;
        }
    }
    return false;
}

/* GitHub and Heroku tell of the same subject, and who does not see the repository hears of Heroku's half. */
static void fold_bare(struct event *e, struct subject *s) {
    json_t *bare = json_incref(json_object_get(s->was, "bare"));
    if (!is_github(e->body) && (bare || is_any_blind(e)))
        bare = fold_into(bare, e->body, &s->bare_changed);
    s->bare = bare;
}

static int fold(struct event *e, struct subject *s) {
    int r = sw__kept_get(e->n, "subj", s->key, &s->kept);
    if (r < 0) return r;
    s->life = sw__life_of(s->kept, e->body);
    s->was = s->life.was;
    s->state = sw_subject_fold(json_object_get(s->was, "state"), e->body, &s->changed);
    fold_bare(e, s);
    fold_waiting(e, s);
    /* From now on, not from 1: responder may still hold one that was forgotten here, and takes only what is newer. */
    s->n = s->was ? sw_int(s->was, "n") : e->n->ctx->now_ms;
    s->n += s->changed || s->bare_changed;
    const json_t *shown = json_object_get(s->was, "shown");
    s->shown = shown ? json_copy((json_t *)shown) : json_object();
    s->posted = json_object();
    json_t *op = json_object_get(s->was, "op");
    int64_t now_ms = e->n->ctx->now_ms;
    if (e->own.op)
        s->op = json_pack("{s:s, s:s, s:I}", "op", e->own.op, "channel", e->own.channel, "ms",
                          (json_int_t)now_ms);
    else if (now_ms - sw_int(op, "ms") < OWN_MS)
        s->op = json_incref(op);
    return s->state ? 0 : -EBADMSG;
}

static int load_link(struct event *e) {
    if (sw_subject_link(e->body, e->link) == 0)
        return sw__kept_get(e->n, "link", e->link, &e->linked);
    e->link[0] = '\0';
    return 0;
}

/* A release says which subject its dynos belong to; they may be up before it is known. */
static void keep_link(const struct event *e) {
    const char *key = sw_str(e->linked, "key");
    const json_t *waiting = json_object_get(e->linked, "wait");
    if (!e->link[0] || (key[0] && !waiting)) return;
    if (e->subject_count > 0) {
        sw__kept_put(e->n, "link", e->link, json_pack("{s:s}", "key", e->subjects[0].key), OPEN_MS);
    } else if (json_array_size(waiting) < WAITING_MAX &&
               json_dumpb(e->body, NULL, 0, JSON_COMPACT) <= WAITING_BYTES) {
        json_t *next = waiting ? json_copy((json_t *)waiting) : json_array();
        json_array_append(next, (json_t *)e->body);
        sw__kept_put(e->n, "link", e->link, json_pack("{s:o}", "wait", next), ENDED_MS);
    }
}

/* Anybody can write the id of an operation into a deployment: it counts where the operation is theirs. NULL: nothing is to
 * be taken away. */
static json_t *without_op(const struct event *e) {
    const json_t *deployment = json_object_get(e->body, "deployment");
    if (e->own.op || !json_object_get(deployment, "op")) return NULL;
    json_t *event = json_copy((json_t *)e->body), *copy = json_copy((json_t *)deployment);
    json_object_del(copy, "op");
    json_object_set_new(event, "deployment", copy);
    return event;
}

static bool has_app(const json_t *pipe, const char *name) {
    size_t i;
    json_t *app;
    json_array_foreach(json_object_get(pipe, "apps"), i, app) {
        if (!strcmp(sw_str(app, "name"), name)) return true;
    }
    return false;
}

/* A deployment of a repository that several pipelines share: its environment ("app", "stage/app") names an app of another
 * one. */
static bool is_of_another(const struct event *e, const json_t *pipe) {
    const char *place = sw_str(json_object_get(e->body, "deployment"), "environment");
    const char *slash = strchr(place, '/'), *name = slash ? slash + 1 : place;
    if (!name[0] || has_app(pipe, name)) return false;
    for (size_t i = 0; i < e->pipe_count; i++) {
        if (has_app(e->pipes[i], name)) return true;
    }
    return false;
}

/* Two pipelines of one repository have the same subject. */
static int subject_of(struct event *e, const json_t *pipe, struct subject **ret) {
    SW_AUTO(sw_json) json_t *bare = without_op(e);
    char key[SW_SUBJECT_KEY];
    *ret = NULL;
    if (is_of_another(e, pipe)) return 0;
    int r = sw_subject_key(bare ? bare : e->body, pipe, key, &e->never);
    if (r == -ENOENT && e->link[0]) {
        snprintf(key, sizeof(key), "%s", sw_str(e->linked, "key"));
        e->never = "the release that it runs is not known here";
        r = key[0] ? 0 : -ENOENT;
    }
    /* What others write to the stream may lack anything: that is no failure of ours. */
    if (r == -ENOENT || r == -EBADMSG) return 0;
    if (r < 0) return r;
    for (size_t i = 0; i < e->subject_count; i++) {
        if (!strcmp(e->subjects[i].key, key)) *ret = &e->subjects[i];
    }
    if (*ret) return 0;
    struct subject *s = &e->subjects[e->subject_count++];
    *s = (struct subject){0};
    snprintf(s->key, sizeof(s->key), "%s", key);
    *ret = s;
    return fold(e, s);
}

/* Under the first verdict of its label: each label is one output. */
static void count(struct event *e, const char *what) {
    size_t i = 0, first = 0;
    while (i < LABELS - 1 && strcmp(labels[i].what, what) != 0)
        i++;
    while (strcmp(labels[first].label, labels[i].label) != 0)
        first++;
    e->counts[first]++;
}

static void tally(const struct event *e) {
    for (size_t i = 0; i < LABELS; i++) {
        if (e->counts[i] > 0)
            sw_tally(e->n->out, SW_M_NOTICES, e->counts[i], labels[i].label, NULL);
    }
}

static void verdict(struct event *e, const json_t *pipe, const json_t *route, const char *what,
                    const char *detail) {
    count(e, what);
    if (json_array_size(e->verdicts) >= SW__ROUTES_MAX) return;
    json_t *one =
        json_pack("{s:s, s:s, s:s, s:s}", "id", sw_str(route, "id"), "channel",
                  sw_str(route, "channel"), "pipeline", sw__pipeline_name(pipe), "what", what);
    if (detail[0]) json_object_set_new(one, "detail", json_string(detail));
    if (json_is_true(json_object_get(route, "private")))
        json_object_set_new(one, "private", json_true());
    json_array_append_new(e->verdicts, one);
}

/* What the event is, where the filter is about that. */
static const char *detail_of(const char *what, const struct sw_subject_facts *facts,
                             const char *state) {
    if (!strcmp(what, "stages")) return facts->stage;
    if (!strcmp(what, "branch")) return facts->branch;
    return !strcmp(what, "only") ? facts->word : state;
}

/* Each life of a subject is a message of its own. */
static json_t *op_of(const struct subject *s, const char *channel) {
    if (s->life.number == 1) return json_sprintf("n/%s/%s", s->key, channel);
    return json_sprintf("n/%s/%lld/%s", s->key, (long long)s->life.number, channel);
}

static void post(struct event *e, const struct subject *s, const json_t *pipe, const json_t *route,
                 json_t *notice) {
    const char *channel = sw_str(route, "channel");
    json_t *body = json_copy(notice);
    json_object_update_new(
        body, json_pack("{s:{s:s, s:s, s:s, s:O*}, s:o, s:I}", "who", "team", sw_str(route, "team"),
                        "channel", channel, "user", "", "enterprise",
                        json_object_get(json_object_get(pipe, "owner"), "enterprise"), "op",
                        op_of(s, channel), "n", s->n));
    if (json_object_get(body, "broadcast")) json_object_set_new(body, "urgent", json_true());
    struct sw_msg *m = sw_send_bulk(e->n->out, "responder", SW_KIND_NOTICE, body);
    json_object_clear(m->boxes);
    json_object_set_new(s->shown, channel, json_true());
    e->outputs++;
}

/* Whether the channel shows it by now: also when a route before this one has just posted it there. */
static const char *verdict_of(struct event *e, const struct subject *s, const json_t *route,
                              const struct sw_subject_facts *facts, const char **ret_detail) {
    const bool blind = json_object_get(route, "blind") != NULL;
    const char *channel = sw_str(route, "channel");
    const char *state = sw_subject_state(blind ? s->bare : s->state);
    bool shown = json_object_get(s->shown, channel) != NULL;
    const char *refused = sw__filter_refuses(route, facts, state, shown);
    *ret_detail = sw_str(route, "paused");
    if ((*ret_detail)[0]) return "paused";
    *ret_detail = "";
    if (blind && is_github(e->body)) return "blind";
    *ret_detail = sw_str(s->op, "op");
    if (!shown && (*ret_detail)[0] && !strcmp(sw_str(s->op, "channel"), channel)) return "own";
    *ret_detail = refused ? detail_of(refused, facts, state) : "";
    if (refused) return refused;
    if (blind ? !s->bare_changed : !s->changed) return "old";
    return e->outputs < ROOM ? "posted" : "limit";
}

static int notice_of(struct event *e, struct subject *s, const json_t *pipe, json_t **ret) {
    int r = 0;
    if (!s->people) {
        SW_AUTO(sw_json) json_t *people = sw_subject_people(s->state);
        r = sw__people_here(e->n, people, &s->people);
    }
    if (r == 0) *ret = sw_subject_notice(s->state, pipe, s->people);
    return r < 0 ? r : *ret ? 0 : -EBADMSG;
}

static int notice_bare(struct event *e, struct subject *s, const json_t *pipe, json_t **ret) {
    SW_AUTO(sw_json) json_t *people = sw_subject_people(s->bare), *here = NULL;
    SW_AUTO(sw_json) json_t *without = json_copy((json_t *)pipe);
    json_object_del(without, "repo");
    int r = sw__people_here(e->n, people, &here);
    if (r == 0) *ret = sw_subject_notice(s->bare, without, here);
    return r < 0 ? r : *ret ? 0 : -EBADMSG;
}

static int routes_of(struct event *e, const json_t *pipe, struct subject *s) {
    SW_AUTO(sw_json) json_t *notice = NULL, *bare = NULL;
    struct sw_subject_facts facts;
    size_t i;
    json_t *route;
    sw_subject_facts(e->body, pipe, &facts);
    json_array_foreach(json_object_get(pipe, "routes"), i, route) {
        const char *detail, *channel = sw_str(route, "channel");
        const char *what = verdict_of(e, s, route, &facts, &detail);
        if (!strcmp(what, "posted")) {
            bool blind = json_object_get(route, "blind") != NULL;
            json_t **of = blind ? &bare : &notice;
            int r = *of ? 0 : blind ? notice_bare(e, s, pipe, of) : notice_of(e, s, pipe, of);
            if (r < 0) return r;
            if (!json_object_get(s->posted, channel)) post(e, s, pipe, route, *of);
            json_object_set_new(s->posted, channel, json_true());
        }
        verdict(e, pipe, route, what, detail);
    }
    return 0;
}

static bool is_routed(const struct event *e) {
    for (size_t i = 0; i < e->pipe_count; i++)
        if (json_array_size(json_object_get(e->pipes[i], "routes")) > 0) return true;
    return false;
}

/* The channels that hear of it, where all of them are private; NULL: one is not, or there is none. */
static json_t *only_private(const struct event *e) {
    json_t *channels = json_array(), *route;
    size_t k;
    for (size_t i = 0; i < e->pipe_count; i++) {
        json_array_foreach(json_object_get(e->pipes[i], "routes"), k, route) {
            if (!json_is_true(json_object_get(route, "private"))) {
                json_decref(channels);
                return NULL;
            }
            if (json_array_size(channels) < SW__CHANNELS_MAX)
                json_array_append(channels, json_object_get(route, "channel"));
        }
    }
    if (json_array_size(channels) > 0) return channels;
    json_decref(channels);
    return NULL;
}

/* Folded also where nothing is posted: a later event shows the whole. */
static void keep_subjects(const struct event *e) {
    for (size_t i = 0; i < e->subject_count; i++) {
        const struct subject *s = &e->subjects[i];
        json_t *op = e->own.once ? json_object_get(s->was, "op") : s->op;
        bool marked = strcmp(sw_str(op, "op"), sw_str(json_object_get(s->was, "op"), "op")) != 0;
        if (!s->changed && !s->bare_changed && !marked) continue;
        json_t *value = json_pack("{s:O, s:I, s:O, s:O*, s:O*}", "state", s->state, "n", s->n,
                                  "shown", s->shown, "op", op, "bare", s->bare);
        value = sw__life_put(s->kept, &s->life, value);
        bool ended = sw_subject_ended(json_object_get(value, "state")); /* its newest life has */
        sw__kept_put(e->n, "subj", s->key, value, ended ? ENDED_MS : OPEN_MS);
    }
}

static int each_pipe(struct event *e) {
    int result = 0;
    for (size_t i = 0; i < e->pipe_count; i++) {
        int r = subject_of(e, e->pipes[i], &e->of[i]);
        if (r < 0) result = r; /* ask for all of them before waiting */
    }
    e->outputs += e->subject_count;
    for (size_t i = 0; result == 0 && i < e->pipe_count; i++) {
        if (e->of[i]) result = routes_of(e, e->pipes[i], e->of[i]);
    }
    return result;
}

/* The app of the event, as the pipeline names it: a build has its id alone. */
static const char *app_of(const struct event *e) {
    const char *id = sw_str(json_object_get(e->body, "app"), "id");
    size_t k;
    json_t *app;
    for (size_t i = 0; i < e->pipe_count; i++) {
        json_array_foreach(json_object_get(e->pipes[i], "apps"), k, app) {
            if (id[0] && !strcmp(sw_str(app, "id"), id)) return sw_str(app, "name");
        }
    }
    return "";
}

static int go(struct event *e) {
    int r = load_pipes(e);
    if (r == 0) r = load_link(e);
    if (r == 0) r = sw__follow(e->n, is_routed(e), &e->own);
    if (r < 0) return r;
    keep_names(e);
    r = each_pipe(e);
    if (r < 0) return r;
    keep_subjects(e);
    if (is_routed(e)) keep_link(e);
    if (!is_routed(e)) count(e, "no_route");
    if (e->never && e->subject_count == 0) count(e, "never");
    tally(e);
    json_t *record = json_pack("{s:O, s:o*}", "verdicts", e->verdicts, "only", only_private(e));
    const char *app = app_of(e);
    if (app[0]) json_object_set_new(record, "of", json_string(app));
    if (e->subject_count == 0 && e->never)
        json_object_set_new(record, "never", json_string(e->never));
    return sw__why_note(e->n, record, &e->own);
}

int sw__event_v1(const struct sw__notify *n) {
    const json_t *body = n->in->body;
    struct event e = {.n = n, .body = body, .verdicts = json_array()};
    if (!strcmp(sw_str(body, "source"), "slack")) {
        event_finish(&e);
        return sw__channel_event(n);
    }
    bool good = sw__kept_name(sw_str(body, "source")) && sw__kept_name(sw_str(body, "event_id")) &&
                sw_str(body, "type")[0];
    int r = good ? go(&e) : -EBADMSG;
    event_finish(&e);
    return r;
}
