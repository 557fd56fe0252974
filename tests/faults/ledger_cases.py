"""Several Redis servers: one half away, a master that is killed or stands still, replicas that say nothing."""
import signal, subprocess, threading

from cases import case
from ledger_world import Halves, Replicated, Split, TWO, Watched
from notices import push, route, subjects
from redis_cases import answered, helps, promoted_once
from stream_cases import SOURCE, added, all_added, concern, expect, record, stream_case, webhook
from talk import Browser, Failed, holds, until
from world import PROMOTE, ROLES
from words import HELP, NOT_STORED

# A replica is given a tenth of a lease, which may be too little for one that has to write to a busy disk first.
PATIENT = dict(LEASE_MS=3000)


def told_there(w):
    """How often the other team was helped."""
    return sum(HELP in m.get("text", "") for m in w.view("U0CYD", TWO, "C0OTHER"))


def there(w):
    return w.type("help", user="U0CYD", team=TWO, channel="C0OTHER")


def concern_there(w, source):
    w.of[TWO].ask("SADD", "sw:src:" + source, TWO)
    w.of[TWO].ask("INCR", "sw:sources")
    return w.of[TWO]


def not_confirmed(answer):
    if NOT_STORED not in (answer or ""):
        raise Failed(f"not an honest answer: {answer!r}")


def tells(w, status, words, command):
    """`slipway trace`, which says that one half could not be looked at."""
    done = subprocess.run([w.slipway, "trace", command], env=w.environment, capture_output=True, text=True, timeout=20)
    said = done.stdout + done.stderr
    if done.returncode != status or words not in said or "not all could be looked at: no Redis" not in said:
        raise Failed(f"{done.returncode}: {said}")


@case(world=dict(kind=Halves))
def range_half_away_and_the_other_goes_on(w):
    there(w)
    until("the other half helps, too", lambda: told_there(w) == 1)
    concern(w, "heroku/app-7")
    concern_there(w, "heroku/app-7").stop()
    until("its processes noticed", lambda: "redis is away" in w.log())
    until("they say which and why", lambda: "redis cannot be reached" in w.log())
    before = added(w)
    expect(webhook(w, "ev-a"), 503)
    until("who could be told was", lambda: added(w) == before + 1)
    not_confirmed(answered(w, there(w)))
    if answered(w, w.type(PROMOTE)):
        raise Failed("not taken in where Redis is there")
    until("the final answer", w.ended)
    if w.promotions() != 1 or w.ready("ingress") != 1:
        raise Failed(f"{w.promotions()} POSTs, {w.ready('ingress')} ready")
    tells(w, 0, "ended: ", w.op())
    tells(w, 69, "no command begins with 0zzz", "0zzz")
    w.of[TWO].start()
    until("a repeated webhook is taken in", lambda: webhook(w, "ev-a") == 200)
    before = told_there(w)
    until("the half that came back helps", lambda: not there(w)["body"] and until("help", lambda: told_there(w) > before, 5))
    promoted_once(w)


@case(world=dict(kind=Halves))
def range_half_stands_still_and_costs_the_other_nothing(w):
    """What it was asked is kept until it answers, and there is room for so much only: at some time it counts as away."""
    of = w.of[TWO]
    of.stop(signal.SIGSTOP)
    not_confirmed(answered(w, there(w)))
    until("all count it as away", lambda: w.log().count("redis is away") >= len(ROLES), 20)
    if answered(w, w.type(PROMOTE)):
        raise Failed("not taken in where Redis is there")
    until("the final answer", w.ended)
    before = told_there(w)
    of.stop(signal.SIGCONT)
    until("the half that woke helps", lambda: not there(w)["body"] and until("help", lambda: told_there(w) > before, 5))
    promoted_once(w)


@case(world=dict(kind=Halves))
def range_half_killed_in_the_middle_completes(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=600, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.of[w.TEAM].stop()
    there(w)
    until("the other half helps meanwhile", lambda: told_there(w) == 1)
    w.of[w.TEAM].start()
    promoted_once(w)


@case(world=dict(kind=Split, promote_ms="2500-3000"))
def range_of_shards_moves_to_another_server(w):
    route(w)
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.split()
    there(w)
    until("the other half helps", lambda: told_there(w) == 1)
    promoted_once(w)
    push(w, message="Fix the cart")
    until("the route of before tells", lambda: subjects(w), 30)
    w.quiet()
    helps(w)


def generation(w):
    return int(w.redis("HGET", w.key("gen"), "gen"))


def failover(w, how):
    old, before = w.master(), generation(w)
    old.stop(how)
    until("another master", lambda: any(s.is_master() for s in w.servers if s is not old), 40)
    w.servers.remove(old)
    promoted_once(w, 60)
    if generation(w) <= before:
        raise Failed("the generation did not rise")
    helps(w)


@case(world=dict(kind=Watched, durability="replicated"), settings=PATIENT)
def sentinel_master_killed_during_the_promotion_post(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=600, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    failover(w, signal.SIGKILL)


@case(world=dict(kind=Watched, durability="replicated"), settings=PATIENT)
def sentinel_master_killed_after_the_ack(w):
    if answered(w, w.type(PROMOTE)):
        raise Failed("not taken in")
    failover(w, signal.SIGKILL)


@case(world=dict(kind=Watched, durability="replicated"), settings=PATIENT)
def sentinel_master_stands_still(w):
    if answered(w, w.type(PROMOTE)):
        raise Failed("not taken in")
    failover(w, signal.SIGSTOP)


@case(world=dict(kind=Replicated, durability="replicated"), settings=PATIENT)
def replica_stands_still_and_nothing_is_confirmed(w):
    replica = w.servers[1]
    replica.stop(signal.SIGSTOP)
    not_confirmed(answered(w, w.type(PROMOTE)))
    not_confirmed(answered(w, w.type(PROMOTE)))
    holds("nothing is done", lambda: w.promotions() == 0, 1)
    if w.ready("ingress"):
        raise Failed("ready, and nothing can be confirmed")
    replica.stop(signal.SIGCONT)
    helps(w)
    w.quiet()
    if w.promotions() != w.promoted() or w.promoted() > 1:
        raise Failed(f"{w.promotions()} POSTs, {w.promoted()} promotions")


@case(world=dict(kind=Replicated, durability="replicated"), settings=PATIENT)
def replica_stands_still_before_the_promotion_post(w):
    w.fault("GET /pipelines", "slow", delay_ms=800, times=1)
    w.type(PROMOTE)
    until("a read is under way", lambda: w.faults_met() > 0)
    w.servers[1].stop(signal.SIGSTOP)
    holds("nothing is done", lambda: w.promotions() == 0, 2.5)
    w.servers[1].stop(signal.SIGCONT)
    promoted_once(w)


@case(world=dict(kind=Replicated, durability="replicated"), settings=PATIENT, linked=False)
def replica_stands_still_for_a_moment_and_each_sign_in_goes_on(w):
    """What could not be confirmed is asked again, and is the same visit: none hears that it is over."""
    replica, timers = w.servers[1], []

    class Hindered(Browser):
        def note(self, url):
            super().note(url)
            if "/callback" in url:
                replica.stop(signal.SIGSTOP)
                timers.append(threading.Timer(0.6, replica.stop, (signal.SIGCONT,)))
                timers[-1].start()
    w.fault("POST /oauth/token", "slow", delay_ms=700)
    w.type("login")
    browser = Hindered(w.sim, "ada@example.com")
    try:
        browser.walk(until("the card", w.card_url))
    finally:
        for timer in timers:
            timer.join()
    w.browsers.append(browser)
    w.quiet()


def no_offset(w):
    return all(c <= 0 for c, _ in w.kafka.committed(w.group, w.topic).values())


@stream_case(options="auto.commit.interval.ms=20", world=dict(kind=Replicated, durability="replicated"), settings=PATIENT)
def stream_offsets_wait_for_replicas(w):
    concern(w, SOURCE)
    w.servers[1].stop(signal.SIGSTOP)
    w.kafka.write(w.topic, [record(f"e{n}") for n in range(50)])
    holds("no offset is stored", lambda: no_offset(w), 2)
    w.servers[1].stop(signal.SIGCONT)
    all_added(w, 50)


@stream_case(options="auto.commit.interval.ms=20", world=dict(kind=Halves))
def stream_of_both_halves_waits_for_one(w):
    concern(w, SOURCE)
    low_of_two = concern_there(w, SOURCE)
    w.kafka.write(w.topic, [record(f"a{n}") for n in range(20)])
    all_added(w, 20)
    low_of_two.stop()
    until("it is noticed", lambda: "redis is away" in w.log())
    w.kafka.write(w.topic, [record(f"b{n}") for n in range(20)])
    holds("nothing is passed by", lambda: sum(c for c, _ in w.kafka.committed(w.group, w.topic).values()) <= 20, 2)
    low_of_two.start()
    all_added(w, 40)
    key = w.key("notifier:bulk", TWO)
    row = low_of_two.ask("XINFO", "STREAM", key)
    if dict(zip(row[::2], row[1::2]))[b"entries-added"] != 40:
        raise Failed("not all are told in the other half")
