#!/usr/bin/env python3
"""matrix.py SLIPWAY SIM [--flow NAME] [--replicas N] [--scale] [--default-times] [--sample N] [--only ROLE[:POINT[:N]]] ...

Kills a process at every crash point that a flow passes. A first run counts how often each role passes each point; then each
passing is a case: the process is killed there, and all must end as if nothing had been: nothing lost, nothing dead, exactly one
effect where there may be only one.

--flow promote   from the slash to the final answer (the default)
       login     a command of somebody not yet linked, the OAuth pages, the command resumed
       install   a workspace that installs it
       renewal   a promote whose token Heroku no longer takes
       refresh   a token that falls due
       once      one that works once, and cannot be asked for twice
       release   a webhook of a release that somebody made elsewhere
       notice    one of a pipeline that is routed: message, update, thread
       help      the shortest way there is and back
       all       each of them but notice
--scale          the role that is killed is scaled 1-3-1 meanwhile
Settings are ten times shorter than the defaults unless --default-times. Ends with `N passed, N failed`."""
import collections, os, random, time
from concurrent.futures import ThreadPoolExecutor

import runner
import flows
from flows import OPERATIONS
from talk import Failed, until
from token_flow import Once
from world import SHORT, World

SHORT_FLOWS = (*flows.SHORT_FLOWS, Once())
FLOWS = {**flows.FLOWS, **{f.name: f for f in SHORT_FLOWS}}
# At the default times a kill costs half a minute: these three stand for the rest.
SLOW_POINTS = ("parser:after-commit-before-wire:1", "executor:after-mark:1", "responder:after-effect-before-settle:1")


def new_world(a, flow, trace=False):
    settings = {} if a.default_times else SHORT
    world = World(a.slipway, a.sim, {**settings, **flow.settings}, replicas=a.replicas, promote_ms="1500-2500" if a.scale else "300-500", trace=trace)
    try:
        flow.begin(world)
    except Exception:
        world.close()
        raise
    return world


def trace(a, flow):
    world = new_world(a, flow, trace=True)
    try:
        flow.prepare(world)
        open(world.trace_file, "w").close()
        flow.act(world, lambda: None)
        world.quiet(150)
        with open(world.trace_file) as f:
            passed = collections.Counter(tuple(line.split()) for line in f)
        flow.check(world, 0)
        return passed
    finally:
        world.close()


def scaling(world, role):
    """1-3-1 while the flow goes on; the process that was there first may be the one that is killed."""
    def run():
        world.scale(**{role: 3})
        until(f"three of {role}", lambda: len(world.pids(role)) == 3 and world.ready(role) == 3, 20)
        world.scale(**{role: 1})
        until(f"one of {role}", lambda: len(world.pids(role)) == 1, 20)
    return run


def run_case(a, flow, worker, role, point, n):
    world = worker.pop(flow.name, None) or new_world(a, flow)
    failed = True
    try:
        flow.prepare(world)
        world.crash(role, point, n)
        flow.act(world, scaling(world, role) if a.scale else lambda: None)
        flow.check(world, 1)
        world.quiet(150 if a.default_times else 40)
        flow.check(world, 1)
        if world.dead():
            raise Failed(f"dead letters: {world.dead()}")
        failed = False
    finally:
        if not failed and flow.again and not a.scale:
            worker[flow.name] = world
        else:
            runner.shut(world, failed, a.keep)
    if not world.crashed():
        os.unlink(world.crash_file)
        return "not passed this time"


def end(worker):
    for world in worker.values():
        runner.shut(world)


def main():
    p = runner.arguments(__doc__)
    p.add_argument("--flow", default="promote", choices=[*FLOWS, "all", "operations"])
    p.add_argument("--replicas", type=int)
    p.add_argument("--scale", action="store_true")
    p.add_argument("--default-times", action="store_true")
    p.add_argument("--sample", type=int, help="that many cases, chosen by the seed")
    a = p.parse_args()
    cases = []
    chosen = {"all": SHORT_FLOWS, "operations": OPERATIONS}.get(a.flow) or [FLOWS[a.flow]]
    with ThreadPoolExecutor(a.worlds) as pool:
        traces = list(pool.map(lambda flow: trace(a, flow), chosen))
    for flow, passed in zip(chosen, traces):
        print(flow.name, "passes", {f"{r}:{p}": n for (r, p), n in sorted(passed.items())}, flush=True)
        for (role, point), times in sorted(passed.items()):
            for n in range(1, times + 1):
                name = f"{role}:{point}:{n}"
                if (role not in flow.roles and not a.long and not a.only) or not runner.chosen(a, name) or (a.default_times and not a.only and not a.long and name not in SLOW_POINTS):
                    continue
                cases.append((f"{flow.name}/{name}", lambda worker, f=flow, r=role, p=point, k=n: run_case(a, f, worker, r, p, k)))
    if a.sample and a.sample < len(cases):
        cases = random.Random(a.seed).sample(cases, a.sample)
    runner.main(a, cases, end)


if __name__ == "__main__":
    main()
