"""Tokens at rest that are not what they were: of another person, of another installation, changed, or of a key that is gone."""
import json, re, signal

import truth
from cases import case
from install_cases import CYD, THERE, TWO
from talk import Failed, until
from tokens import link, promotes
from words import UNREADABLE
from world import PROMOTE

ROW = rb"2\.[0-9a-f]{8}\.[A-Za-z0-9_-]+"
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


def put(w, values):
    """Somebody who can write to Redis does so; whoever comes after that reads it."""
    for person, value in values.items():
        w.redis("SET", key_of(w, person), value)
    pids = w.pids("auth")
    w.kill("auth", signal.SIGTERM)
    w.renewed("auth", pids)


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
    flip = lambda m: m[0][:40] + bytes([m[0][40] ^ 1 if chr(m[0][40] ^ 1).isalnum() else ord("A")]) + m[0][41:]
    foreign = lambda m: b"2.00000000." + m[0].split(b".", 2)[2]
    put(w, {ADA: re.sub(ROW, flip, kept(w, ADA)), BOB: re.sub(ROW, foreign, kept(w, BOB))})
    unreadable(w, ADA, BOB)
    link(w, w.ADA, "ada@example.com")
    promotes(w)
