#!/usr/bin/env python3
"""many.py SLIPWAY SIM POD [--long]: seven roles of three pods each on a network of their own, while pods die, move and are cut off.

Each pod has an address, mounts and a directory of its own; they share Redis and nothing else, and speak tcp with CURVE keys. One
cluster for all cases, one after the other. SW_LONG=1 adds rounds of random harm. Needs root; what it makes ends with it.
Ends with `N passed, N failed`; 77: namespaces are not permitted."""
import os, random, signal, sys, threading

from space import enter

BASE = enter()
import truth
from cluster import Cluster, probe
from load import Load
from redis_cases import helps, promoted_once
from runner import Runner, arguments, chosen
from talk import Failed, for_ms, until
from world import PROMOTE, ROLES

REPLICAS = 3
LONGER_THAN_A_LEASE_MS = 2500
STALE = 75


def owner(w, role):
    """The pod that holds the shard of the team, as Redis knows it; None: nobody, or a pod that is gone."""
    endpoint = (w.redis("HGET", w.key(role + ":own"), "endpoint") or b"").decode()
    return next((p for p in w.of(role) if f"//{p.address}:" in endpoint), None)


def begin(w):
    """A promote that Heroku has begun."""
    w.reset()
    w.type(PROMOTE)
    until("the POST", w.promotions)


def well(w):
    promoted_once(w)
    truth.written_once(w)
    truth.one_end(w, kills=2)


def pods_on_other_addresses_sign_somebody_in(w):
    """The page of a link: from one of three ingress to an auth elsewhere and back by wire."""
    w.link()
    w.quiet()
    if len({p.address for p in w.of()}) != REPLICAS * len(ROLES):
        raise Failed("they share addresses")


def promote_is_heard_by_wire(w):
    """Not by the sweep alone."""
    begin(w)
    well(w)
    if not sum(w.metric(role, "wire_sent_total") for role in ROLES):
        raise Failed("nothing came by wire")


def each_owner_is_killed_and_replaced_elsewhere(w):
    begin(w)
    before = {p.address for p in w.of()}
    for role in ("parser", "auth", "executor", "responder"):
        w.remove_pod(until(f"an owner of {role}", lambda: owner(w, role)), signal.SIGKILL)
    well(w)
    w.all_ready()
    if len({p.address for p in w.of()} - before) != 4:
        raise Failed("nobody new came")


def cut_off(w, role, cut, heal):
    """The owner cannot be reached for longer than its lease; others finish its work; back again it is stale and begins anew."""
    begin(w)
    pod = until(f"an owner of {role}", lambda: owner(w, role))
    starts = pod.starts
    cut(pod.place)
    try:
        until("another one has the shard", lambda: owner(w, role) not in (None, pod), 20)
        for_ms(LONGER_THAN_A_LEASE_MS)
        if not pod.alive() or pod.starts != starts:
            raise Failed(f"it ended while it was away: {pod.log()[-300:]}")
    finally:
        heal(pod.place)
    until("it learns that it is stale", lambda: pod.starts > starts, 20)
    if (pod.name, "ended", STALE) not in w.gone:
        raise Failed(f"{[e for e in w.gone if e[0] == pod.name]}, {pod.log()[-300:]}")
    well(w)
    w.all_ready()


def executor_cut_off_from_redis_alone_does_nothing_twice(w):
    """It still reaches Heroku: what it may do there ends with its lease."""
    cut_off(w, "executor", lambda place: place.isolate(True), lambda place: place.isolate(False))


def responder_whose_link_is_down_finds_that_it_is_stale(w):
    cut_off(w, "responder", lambda place: place.plug(False), lambda place: place.plug(True))


def a_grace_shorter_than_the_work_loses_nothing(w):
    """SIGTERM, and SIGKILL while Heroku still keeps the answer to the POST."""
    w.reset()
    w.fault("POST /pipeline-promotions", "slow", delay_ms=1500, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    if w.remove_pod(owner(w, "executor"), grace_s=0.3) == 0:
        raise Failed("it was not killed")
    well(w)
    w.all_ready()


def all_roles_scaled_1_3_1_in_one_promote(w):
    w.scale(**dict.fromkeys(ROLES, 1))
    w.all_ready()
    begin(w)
    w.scale(**dict.fromkeys(ROLES, REPLICAS))
    w.all_ready()
    w.scale(**dict.fromkeys(ROLES, 1))
    w.all_ready()
    well(w)
    helps(w)
    w.scale(**dict.fromkeys(ROLES, REPLICAS))
    w.all_ready()


def roll(w, role):
    """As a Deployment does: one more, and when it is ready one of the old ones goes."""
    for old in w.of(role):
        fresh = w.add_pod(role)
        until(f"{fresh.name} is ready", lambda: probe(fresh, "/readyz") == 200, 20)
        status = w.remove_pod(old)
        if status != 0:
            raise Failed(f"{old.name} ended with {status}: {old.log()[-300:]}")


def all_roles_are_rolled_while_people_type(w):
    w.reset()
    wanted, w.wanted = w.wanted, {}  # the Deployments' controller is this function now
    people = [(w.ADA, w.TEAM, w.CHANNEL)]
    try:
        with Load(w, people) as load:
            for role in ROLES:
                roll(w, role)
            load.goes_on()
        n = load.ended_well()
    finally:
        w.wanted = wanted
    w.all_ready()
    return f"{n} commands"


def rounds_of_random_harm(w):
    """A promote a round, and meanwhile three pods die, are replaced, cut off or unplugged."""
    chance, done = random.Random(w.seed), []

    def harm():
        pod, how = chance.choice(w.of()), chance.choice(("kill", "replace", "isolate", "unplug", "terminate"))
        done.append(f"{how} {pod.role}")
        if how == "kill":
            os.kill(pod.pid(), signal.SIGKILL)
        elif how in ("replace", "terminate"):
            w.remove_pod(pod, signal.SIGKILL if how == "replace" else signal.SIGTERM)
        else:
            cut = pod.place.isolate if how == "isolate" else lambda on: pod.place.plug(not on)
            cut(True)
            for_ms(LONGER_THAN_A_LEASE_MS)
            cut(False)
    for n in range(10):
        begin(w)
        threads = [threading.Thread(target=harm) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        until(f"round {n + 1}: {done[-3:]}", w.ended, 60)
        well(w)
        w.all_ready()
    return ", ".join(done)


CASES = [pods_on_other_addresses_sign_somebody_in, promote_is_heard_by_wire, each_owner_is_killed_and_replaced_elsewhere,
         executor_cut_off_from_redis_alone_does_nothing_twice, responder_whose_link_is_down_finds_that_it_is_stale, a_grace_shorter_than_the_work_loses_nothing,
         all_roles_scaled_1_3_1_in_one_promote, all_roles_are_rolled_while_people_type]


def clean(w):
    """Everything ends with 0, and no secret stands where it may not."""
    truth.canaries(w)
    bad = w.stop_up()
    if bad or w.complaints():
        raise Failed(f"{bad}, {w.complaints()[:3]}")
    strange = [e for e in w.gone if e[2] not in (0, STALE, -signal.SIGKILL, 128 + signal.SIGKILL)]
    if strange:
        raise Failed(f"{strange}")


def main():
    p = arguments(__doc__)
    p.add_argument("pod")
    a = p.parse_args()
    a.long = a.long or os.environ.get("SW_LONG") == "1"
    a.worlds = 1
    print("seed", a.seed, flush=True)
    with Cluster(a.slipway, a.sim, a.pod, replicas=REPLICAS, promote_ms="1500-2000") as w:
        w.seed = a.seed
        cases = [c for c in CASES + ([rounds_of_random_harm] if a.long else []) if c is CASES[0] or chosen(a, c.__name__.replace("_", "-"))]
        named = [(case.__name__.replace("_", "-"), lambda _, case=case: case(w)) for case in [*cases, clean]]
        sys.exit(Runner(a).run(named))


main()
