"""ack: how many commands a second are signed, checked, deduplicated and durable before Slack hears 200.

wrk, 64 connections, every request distinct. In rounds, each server in turn, so that noise falls on all alike; a ratio is the median
of the ratios within a round. `alone` is ingress and Redis without the other roles: what the door itself can do; otherwise all
seven are there and work on what was taken in, on the same processors. cpu_us is the server's own CPU time a request."""
import collections, json, os, shutil, subprocess

from measure import ACTORS, HERE, Bench, cpu_s, figure, median, note
from peers import Peers

CONNECTIONS, THREADS = 64, 2
VARIANTS = {"acks": {}, "acks_alone": {"alone": True}, "acks_alone_64_teams": {"alone": True, "teams": 64}}


def wrk(url, seconds, env):
    out = subprocess.run(["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE + "/ack.lua", url + "/slack/commands"],
                         env=env, capture_output=True, text=True, check=True).stdout
    return json.loads(out.splitlines()[-1])


def measure(url, pid, seconds, env):
    warm = wrk(url, 1, env)
    before = cpu_s(pid)
    run = wrk(url, seconds, env)
    run["answered"] = warm["requests"] + run["requests"]
    run["cpu_us"] = (cpu_s(pid) - before) * 1e6 / max(1, run["requests"])
    run["wrong"] = f"{run['not_2xx']} not 2xx, {run['broken']} broken" if run["not_2xx"] or run["broken"] else None
    return run


def measure_slipway(build, seconds, alone=False, teams=1):
    with Bench(build, replicas=[f"{role}=0" for role in ACTORS] if alone else None) as world:
        env = dict(os.environ, SLACK_SECRET=world.secret, BENCH_HOOKS=world.sim, BENCH_TEAMS=str(teams))
        redis_before = cpu_s(world.pid_of("redis"))
        run = measure(world.ingress, world.pid_of("ingress"), seconds, env)
        told = {what: world.metric("ingress", "acks_total", outcome=what) for what in ("shed", "away", "duplicate", "refused")}
        taken = world.metric("ingress", "acks_total", outcome="ok")
        run["redis_cpu_us"] = (cpu_s(world.pid_of("redis")) - redis_before) * 1e6 / max(1, taken)
        if any(told.values()):
            run["wrong"] = ", ".join(f"{n} {what}" for what, n in told.items() if n)
        elif not run["answered"] <= taken <= world.entries_added("parser"):
            run["wrong"] = "not all that was acknowledged is in Redis"
        return run


def report(name, runs, peers):
    invalid = next((r["wrong"] for r in runs if r["wrong"]), None)
    ratios = {peer: median(a["per_s"] / b["per_s"] for a, b in zip(runs, theirs)) for peer, theirs in peers.items()}
    rate = median(r["per_s"] for r in runs)
    for peer, ratio in ratios.items():
        figure("ack", name + "_per_s", rate, "1/s", invalid, peer=peer, ratio=round(ratio, 2))
    if not ratios:
        figure("ack", name + "_per_s", rate, "1/s", invalid)
    for key, unit in (("p50_us", "us"), ("p99_us", "us"), ("cpu_us", "us"), ("redis_cpu_us", "us")):
        if key in runs[0]:
            figure("ack", f"{name}_{key}", median(r[key] for r in runs), unit, invalid)


def suite(build, seconds, rounds):
    if not shutil.which("wrk"):
        note("ack: wrk is not installed (package wrk): left out")
        return
    runs = collections.defaultdict(list)
    with Peers("bench-signing-secret") as peers:
        env = dict(os.environ, SLACK_SECRET="bench-signing-secret")
        for n in range(1, rounds + 1):
            for peer in peers.all:
                runs[peer.name].append(measure(peer.url, peer.child.pid, seconds, env))
                note(f"ack {n}/{rounds} {peer.name}: {runs[peer.name][-1]}")
            for name, variant in VARIANTS.items():
                runs[name].append(measure_slipway(build, seconds, **variant))
                note(f"ack {n}/{rounds} {name}: {runs[name][-1]}")
        names = [p.name for p in peers.all]
    for name in VARIANTS:
        report(name, runs[name], {peer: runs[peer] for peer in names})
    for name in names:
        report(name, runs[name], {})
