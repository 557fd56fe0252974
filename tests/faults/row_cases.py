"""Tokens at rest that are not what they were: of another person, of another installation, changed, or of a key that is gone."""
import json, re, signal

import truth
from cases import case
from install_cases import CYD, OWN, THERE, TWO, There, bot, install
from talk import Failed, until
from tokens import link, promotes, used
from words import CARD_AGAIN, PIPELINES, SIGNED_OFF, UNREADABLE
from world import PROMOTE

ROW = rb"2\.[0-9a-f]{8}\.[A-Za-z0-9_-]+"
BOX = rb"2\.responder\.[0-9a-f]{8}\.responder\.[0-9a-f]{8}\.[A-Za-z0-9_-]+"
ADA, BOB = ("U0ADA", "T0SIM1", "C0DEPLOY"), ("U0BOB", "T0SIM1", "C0DEPLOY")
FROM_TWO = (CYD, TWO, THERE)


def key_of(w, person):
    user, team, _ = person
    return w.key(f"auth:s:acct/{team}/{user}", team)


def kept(w, person):
    value = w.redis("GET", key_of(w, person))
    if not value or not re.search(ROW, value):
        raise Failed(f"no row is kept of {person[0]}: {value!r}")
    return value


def flip(match):
    """The same with one other character."""
    row = match[0]
    return row[:-9] + (b"A" if row[-9:-8] != b"A" else b"B") + row[-8:]


def put(w, values):
    """Somebody who can write to Redis does so; whoever comes after that reads it."""
    for person, value in values.items():
        w.redis("SET", key_of(w, person), value)
    begin_anew(w, "auth")


def begin_anew(w, role):
    pids = w.pids(role)
    w.kill(role, signal.SIGTERM)
    w.renewed(role, pids)


def at_providers(w):
    return [e for e in w.journal() if e["upstream"] in ("heroku", "kolkrabbi", "github", "heroku_id", "github_web")]


def unreadable(w, *people):
    """Each of them asks for something, and is asked to connect again; nothing is done with what was there."""
    w.admin("/sim/reset", {})
    for user, team, channel in people:
        w.type(PROMOTE, user, team, channel)
        until(f"{user} is told", lambda: any(UNREADABLE in m["text"] for m in w.view(user, team, channel)), 20)
    w.quiet()
    if at_providers(w) or truth.writes(w):
        raise Failed(f"called all the same: {at_providers(w)}")
    if w.dead():
        raise Failed(f"{w.dead()}")
    broken = w.metric("auth", "seal_broken_total", what="row")
    if broken < len(people):
        raise Failed(f"{broken} rows are counted that did not open")
    until("Sentry is told", lambda: "does not open" in json.dumps(w.sentry()["events"]), 10)
    if '"actor":"auth"' not in "".join(line for line in w.log().splitlines() if "does not open" in line):
        raise Failed("the log does not say it")


@case()
def token_rows_of_other_people_and_changed_ones_are_never_used(w):
    link(w, w.BOB, "bob@example.com")
    link(w, CYD, "cyd@example.com", TWO, THERE)
    w.quiet()
    ada, bob = kept(w, ADA), kept(w, BOB)
    put(w, {ADA: bob, BOB: ada, FROM_TWO: ada})
    unreadable(w, ADA, BOB, FROM_TWO)
    link(w, w.ADA, "ada@example.com")
    link(w, w.BOB, "bob@example.com")
    w.quiet()
    foreign = lambda m: b"2.00000000." + m[0].split(b".", 2)[2]
    put(w, {ADA: re.sub(ROW, flip, kept(w, ADA)), BOB: re.sub(ROW, foreign, kept(w, BOB))})
    unreadable(w, ADA, BOB)
    link(w, w.ADA, "ada@example.com")
    promotes(w)


@case()
def token_row_that_is_put_back_after_a_logout_opens_nothing(w):
    ada = kept(w, ADA)
    w.type("logout")
    until("signed out", lambda: w.told(SIGNED_OFF), 20)
    w.quiet()
    put(w, {ADA: ada})
    w.admin("/sim/reset", {})
    w.type(PROMOTE)
    until("asked to connect again", lambda: w.told(CARD_AGAIN), 20)
    w.quiet()
    good = [e for e in at_providers(w) if e["status"] < 300]
    if good or truth.writes(w) or w.dead():
        raise Failed(f"{good} {truth.writes(w)} {w.dead()}")


# ---- the bot's ----
TEAMS = ("T0SIM1", TWO)


def swap(w, one, other):
    a, b = w.redis("GET", one), w.redis("GET", other)
    if not a or not b:
        raise Failed(f"nothing is kept: {one} {other}")
    w.redis("SET", one, b)
    w.redis("SET", other, a)


@case(linked=False, settings=OWN)
def token_of_a_bot_that_was_swapped_is_not_used_and_people_hear_all_the_same(w):
    for team in TEAMS:
        install(w, team)
    There(w).link()
    w.quiet()
    swap(w, *[w.key(f"responder:s:bot/{team}", team) for team in TEAMS])
    begin_anew(w, "responder")
    w.admin("/sim/reset", {})
    there = There(w)
    there.type("pipelines")
    there.type(PROMOTE)
    until(f"told by response_url: {there.view()}", lambda: there.told(PIPELINES) and there.told("promoted"), 40)
    w.quiet()
    if w.journal("POST /api/chat") or w.dead():
        raise Failed(f"{w.journal('POST /api/chat')} {w.dead()}")
    if not w.metric("responder", "seal_broken_total", what="box"):
        raise Failed("no alarm")
    flipped = re.sub(BOX, flip, w.redis("GET", w.key(f"responder:s:bot/{TWO}", TWO)))
    w.redis("SET", w.key(f"responder:s:bot/{TWO}", TWO), flipped)
    begin_anew(w, "responder")
    there.type(PROMOTE)
    until(f"told by response_url, too: {there.view()}", lambda: there.told("promoted") == 2, 40)
    w.quiet()
    there.promote()  # auth has told it anew


@case(linked=False, settings={**OWN, "REFRESH_MS": 1000})
def token_rows_of_bots_that_were_swapped_are_dropped_unused(w):
    w.admin("/sim/rotation", {"on": True})
    for team in TEAMS:
        install(w, team)
    w.stop_up()
    swap(w, *[w.key(f"auth:s:acct/{team}/bot", team) for team in TEAMS])
    before = used(w, "slack.bot_refresh")
    w.start_up()
    why = lambda: [e["detail"] for team in TEAMS for e in w.audit(team) if e["task"] == "unlinked"]
    until("both are dropped", lambda: why() == ["unreadable"] * 2, 20)
    w.quiet()
    if used(w, "slack.bot_refresh") != before or w.dead():
        raise Failed(f"{used(w, 'slack.bot_refresh') - before} refreshes, {w.dead()}")
    for team in TEAMS:
        install(w, team)
    until("both are renewed again", lambda: used(w, "slack.bot_refresh") >= before + 2, 20)
    until("and known", lambda: [bot(w, team) for team in TEAMS] == ["there", "there"], 20)
