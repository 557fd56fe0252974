"""Processes that are killed and halted at any time while tokens fall due every second."""
import os, random, signal, time

from cases import case
from install_cases import CYD, THERE, TWO, bot, install
from talk import Browser, Failed, for_ms, until
from token_cases import EVERY_MS, EXPIRING, everybody
from token_flow import ASKS
from tokens import ONCE, TOKEN_CALLS, cards, issued
from words import LOST, NO_PIPELINE

PEOPLE = (("U0ADA", "T0SIM1", "C0DEPLOY", "ada@example.com"), ("U0BOB", "T0SIM1", "C0DEPLOY", "bob@example.com"), (CYD, TWO, THERE, "cyd@example.com"))
ROLES = ("auth", "refresher")


def harm(w, chance, seconds):
    """How often somebody was killed, or halted for longer than a lease lasts; Redis, too."""
    n, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for_ms(chance.randrange(300, 1500))
        pids, how = w.pids(chance.choice(ROLES)), chance.choice((signal.SIGKILL, signal.SIGSTOP))
        if not pids:
            continue
        n, pid = n + 1, chance.choice(pids)
        if chance.random() < 0.2:
            w.kill_redis()
            continue
        try:
            os.kill(pid, how)
            for_ms(1500 if how == signal.SIGSTOP else 0)
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
    until("all run again", lambda: all(len(w.pids(r)) == 2 == w.ready(r) for r in ROLES), 30)
    return n


def asked(w, user, team, channel, email):
    """Whether the person had to connect again, and then did."""
    say = lambda: [m["text"] for m in w.view(user, team, channel) if m.get("ephemeral")]
    before, cards_before = len(say()), len(cards(w, user, team, channel))
    w.type(ASKS, user, team, channel)
    told = until(f"an answer for {user}", lambda: say()[before:], 60)
    if any(NO_PIPELINE in t for t in told):
        return False
    if not any(LOST in t for t in told):
        raise Failed(f"{user}: {told} {unlinked(w)}")
    browser = Browser(w.sim, email)
    browser.walk(until("the card", lambda: cards(w, user, team, channel)[cards_before:])[-1])
    w.browsers.append(browser)
    until(f"{user} goes on", lambda: any(NO_PIPELINE in t for t in say()[before:]), 60)
    return True


def unlinked(w):
    return [e for team in ("T0SIM1", TWO) for e in w.audit(team) if e["task"] == "unlinked"]


@case(linked=False, long=True, replicas=["refresher=2", "auth=2"], settings=dict(REFRESH_MS=EVERY_MS), world=EXPIRING)
def soak_of_refreshers_and_auths_that_are_killed_and_halted_costs_a_card_at_most(w):
    chance = random.Random(w.seed)
    everybody(w)
    for where in TOKEN_CALLS:  # so that most of them meet a call under way
        w.fault(where, "late", delay_ms=500, body="refresh_token")
    harmed = again = 0
    uses = lambda: [n for k in ONCE for _, n in issued(w, k)]
    for _ in range(4):
        harmed += harm(w, chance, 10)
        if sum(n - 1 for n in uses() if n > 1) > harmed:
            raise Failed(f"{sorted(uses())} after {harmed} times")
        until("each token that was presented again is given up, for that reason",
              lambda: [e["detail"] for e in unlinked(w)] == ["lost"] * sum(n > 1 for n in uses()), 20)
        if bot(w, TWO) == "gone":  # else nobody there can be told of the sign-in
            install(w, TWO)
        again += sum(asked(w, *person) for person in PEOPLE)
        if w.dead():
            raise Failed(f"dead letters: {w.dead()}")
    w.heal()
    return f"{harmed} times, {len(uses())} tokens, {len(unlinked(w))} of them lost, {again} times asked to connect"
