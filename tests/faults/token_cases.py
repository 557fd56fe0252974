"""Tokens that fall due, and what becomes of them: refreshed once, held back, refused, with the provider away for long."""
import time

import truth
from cases import case
from install_cases import CYD, THERE, TWO, bot, install
from talk import Browser, Failed, for_ms, holds, until
from tokens import ONCE, TOKEN_CALLS, alive, answers, calls, issued, link, living, promotes, used, used_once
from token_flow import ASKS
from words import CARD, CARD_AGAIN, LOST, NO_PIPELINE, PIPELINES, SIGNED_OFF
from world import PROMOTE

EXPIRING = dict(sim_args=("--github-app", "expiring"))
EVERY_MS = 1000  # the least there is
HEROKU, GITHUB, SLACK = TOKEN_CALLS


def everybody(w):
    """Three people and a bot token; all but the last are linked within a second or so. How many chains there are of each kind."""
    w.admin("/sim/rotation", {"on": True})
    install(w, TWO)
    link(w, w.ADA, "ada@example.com")
    link(w, w.BOB, "bob@example.com")
    link(w, CYD, "cyd@example.com", TWO, THERE)
    return {"github.refresh": 3, "slack.bot_refresh": 1}


def nobody_was_unlinked(w):
    gone = [e for team in (w.TEAM, TWO) for e in w.audit(team) if e["task"] in ("unlinked", "uninstalled")]
    if gone or w.dead():
        raise Failed(f"unlinked: {gone}, dead letters: {w.dead()}")


def still(fn):
    """A look that a refresh in its middle may disturb."""
    def look():
        try:
            fn()
            return True
        except Failed:
            return False
    try:
        until("no refresh is in the way", look, 5)
    except Failed:
        fn()  # says what it is


@case(linked=False, replicas=["refresher=2", "auth=2"], settings=dict(REFRESH_MS=EVERY_MS), world=EXPIRING)
def token_of_each_round_is_used_once_while_two_refreshers_and_two_auths_come_and_go(w):
    chains = everybody(w)
    begun, before = time.monotonic(), used(w, *ONCE)
    for n in (1, 2, 1, 2):
        w.scale(refresher=n, auth=n)
        until(f"{n} of each", lambda: all(len(w.pids(r)) == n == w.ready(r) for r in ("refresher", "auth")), 20)
        so_far = used(w, *ONCE)
        until("a round goes on", lambda: used(w, *ONCE) >= so_far + 2, 20)
    rounds = (time.monotonic() - begun) * 1000 / EVERY_MS
    still(lambda: used_once(w, chains))
    n, tokens = used(w, *ONCE) - before, w.state()["tokens"]
    if n > 4 * (rounds / 0.9 + 2) or used(w, "heroku.refresh") != tokens["refreshed"] or tokens["refused"]:
        raise Failed(f"{n} refreshes in {rounds:.1f} rounds, {tokens}")
    promotes(w)
    nobody_was_unlinked(w)
    return f"{n} single uses in {rounds:.1f} rounds"


@case(linked=False, settings=dict(REFRESH_MS=2 * EVERY_MS), world=EXPIRING)
def token_provider_away_for_two_rounds_unlinks_nobody_and_is_not_hammered(w):
    everybody(w)
    until("each was refreshed once", lambda: used(w, *ONCE) >= 4 and used(w, "heroku.refresh") >= 3, 20)
    w.admin("/sim/reset", {})
    for where in TOKEN_CALLS:
        w.fault(where, "status", status=503)
    begun = time.monotonic()
    until("all three are away", lambda: all(w.journal(c) for c in TOKEN_CALLS), 10)
    while time.monotonic() < begun + 5:  # what is linked still works
        if not any(PIPELINES in a for a in answers(w, "pipelines")):
            raise Failed(w.texts()[-400:])
        for_ms(300)
    down_s = time.monotonic() - begun
    n = calls(w)
    if n > 7 * (down_s + 1):  # a second at least between two of the same token
        raise Failed(f"{n} calls in {down_s:.1f} s for 7 tokens")
    before = {k: used(w, k) for k in (*ONCE, "heroku.refresh")}
    w.heal()
    until("all are refreshed", lambda: all(used(w, k) >= before[k] + n for k, n in (("github.refresh", 3), ("slack.bot_refresh", 1), ("heroku.refresh", 3))), 20)
    still(lambda: used_once(w, {"github.refresh": 3, "slack.bot_refresh": 1}))
    promotes(w)
    nobody_was_unlinked(w)
    if w.card_url() and CARD_AGAIN in w.texts():
        raise Failed("asked to link again")
    return f"{n} calls in {down_s:.1f} s away"


@case(linked=False, settings=dict(REFRESH_MS=EVERY_MS, WRITE_TIMEOUT_MS=20000), world=EXPIRING)
def token_pair_that_comes_after_a_logout_is_withdrawn(w):
    """Heroku and GitHub have made the new pair already, and their answers are on the way, when the person signs out."""
    for where in (HEROKU, GITHUB):
        w.fault(where, "late", delay_ms=2500, times=1, body="refresh_token")
    w.link()
    until("both answers are held back", lambda: w.faults_met() == 2, 20)
    young = [issued(w, kind)[-1][0] for kind in ("heroku.access", "github.access")]
    if len(issued(w, "heroku.access")) != 2 or len(issued(w, "github.access")) != 2:
        raise Failed("the pairs are not made")
    w.type("logout")
    until("signed out", lambda: w.told(SIGNED_OFF), 10)
    until("the answers are there, and all tokens are dead", lambda: w.owed() == 0 and not living(w), 20)
    w.quiet()
    met = calls(w)
    holds("nobody refreshes what is gone", lambda: calls(w) == met, 2.5)
    if any(alive(w, k, t) for k, t in zip(("heroku.access", "github.access"), young)):
        raise Failed("the late pair is alive")
    told = answers(w, "pipelines")
    if not any(CARD in t for t in told) or w.told("could not withdraw"):
        raise Failed(f"not as after a sign-out: {told}")
    if not w.journal("DELETE /applications") or w.state()["tokens"]["deleted"] < 1:
        raise Failed("nothing was withdrawn")
    if w.dead():
        raise Failed(f"{w.dead()}")


@case(linked=False, settings=dict(REFRESH_MS=3 * EVERY_MS))
def token_of_one_who_left_the_company_does_nothing_more(w):
    w.link()
    w.link(w.BOB, "bob@example.com")
    w.reset()
    w.admin("/sim/revoke", {"email": "ada@example.com"})
    w.type(PROMOTE)
    until("told so", lambda: w.told(CARD_AGAIN) and w.card_url(), 20)
    w.quiet()
    refused = w.state()["tokens"]["refused"]
    if truth.writes(w) or w.promoted() or refused != 1:
        raise Failed(f"written: {truth.writes(w)}, {refused} refreshes refused")
    # One who types nothing: the next round finds it out, once.
    w.admin("/sim/revoke", {"email": "bob@example.com"})
    until("the round finds it out", lambda: w.state()["tokens"]["refused"] == refused + 1, 20)
    w.quiet()
    w.admin("/sim/reset", {})
    told = answers(w, PROMOTE, w.BOB)
    if not any(CARD_AGAIN in t for t in told):
        raise Failed(f"{told}")
    w.quiet()
    holds("nobody asks again", lambda: not [e for e in w.journal() if e["upstream"] in ("heroku", "heroku_id", "kolkrabbi")], 3)
    if truth.writes(w) or w.dead():
        raise Failed(f"{truth.writes(w)} {w.dead()}")


@case(linked=False, settings=dict(REFRESH_MS=EVERY_MS), world=EXPIRING)
def token_whose_answer_gets_lost_is_asked_for_once_more_and_then_the_person_is(w):
    """What works once is gone with its answer, at GitHub and at Slack; at Heroku the second time is as good."""
    w.admin("/sim/rotation", {"on": True})
    for where in TOKEN_CALLS:
        w.fault(where, "lost", times=1, body="refresh_token")
    install(w, TWO)
    w.link()
    until("all three answers got lost", lambda: w.faults_met() == 3, 20)
    until("each was asked for once more", lambda: [n for k in ONCE for _, n in issued(w, k) if n] == [2, 2], 20)
    until("no bot token is left", lambda: bot(w, TWO) == "gone", 20)
    so_far = used(w, "heroku.refresh")
    until("Heroku's goes on", lambda: used(w, "heroku.refresh") >= so_far + 2, 20)
    holds("nobody asks again for what is gone", lambda: used(w, *ONCE) == 4, 1.5)
    w.type(ASKS)
    until(f"told why: {w.texts()[-500:]}", lambda: w.told(LOST) == 1, 20)
    browser = Browser(w.sim, "ada@example.com")
    browser.walk(until("the card", w.card_url))
    w.browsers.append(browser)
    until("it goes on", lambda: w.told(NO_PIPELINE), 20)
    install(w, TWO)
    until("a bot token is there again", lambda: bot(w, TWO) == "there", 20)
    promotes(w)
    unlinked = [e for team in (w.TEAM, TWO) for e in w.audit(team) if e["task"] == "unlinked"]
    if len(unlinked) != 2 or any(e["detail"] != "lost" for e in unlinked) or w.dead():
        raise Failed(f"{unlinked} {w.dead()}")
