#!/usr/bin/env python3
"""steps.py SLIPWAY SIM [quick|walk|all] [--flow NAME]... [--only FLOW/FAULT/STEP]... [--sample N]

Each call that a command makes at Heroku and GitHub, and each way in which it can go wrong. What a command calls is not written
down here: one good run of it is watched, so that no step can be forgotten.

quick   eight of those cases, of two commands; the seed chooses them
walk    each step of every command once, with one fault, turned by the seed (a deploy is one command, however it goes on)
all     each step with each fault
Without a word: all where SW_LONG is 1, walk where SW_KILLS is full or not set, else quick. Ends with `N passed, N failed`."""
import os, random, re

import runner, truth
from flows import OPERATIONS
from talk import Failed
from world import SHORT, World

TIMES = {**SHORT, "POLL_MIN_MS": 100, "POLL_MAX_MS": 300, "CHECK_GAP_MS": 500, "WRITE_TIMEOUT_MS": 1500, "READ_TIMEOUT_MS": 1500,
         "SLOW_MS": 700}
# What is done to a step. Of `refused` anything may come but a lie; all others end well.
BOTH = {"refused": dict(kind="status", status=422), "forbidden": dict(kind="status", status=403), "503": dict(kind="status", status=503),
        "lost": dict(kind="lost"), "cut": dict(kind="cut"), "429": dict(kind="429", retry_after=1), "slow": dict(kind="slow", delay_ms=1900),
        "killed-before": dict(kind="kill", role="executor"), "killed-after": dict(kind="killed", role="executor")}
FAULTS = {"read": {**BOTH, "close": dict(kind="close")}, "write": BOTH}
NO = ("refused", "forbidden")
UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{40}|(?<=/)[0-9]+(?=/|$)"


class Step:
    """One call of a good run, and how a fault finds it in another run."""

    def __init__(self, n, entry, earlier):
        self.method = entry["method"]
        self.path = entry["path"]
        self.pattern = re.sub(UUID, "*", self.path) + "$"
        self.status = entry["status"]
        description = (entry.get("body") or {}).get("description", "") if self.path.endswith("/statuses") else ""
        self.words = re.sub(r" v\d+$", " v", description)
        self.skip = sum(self.meets(e) for e in earlier)
        self.kind = "write" if entry in truth.writes_of([entry]) else "read"
        last = entry["body"]["state"] in truth.TERMINAL if self.words else False
        self.is_last_status = last
        self.name = f"{n:02d}-{self.method}-{self.pattern.strip('/$').replace('/', '.')}" + (f"-{self.words.replace(' ', '_')}" if self.words else "")

    def meets(self, e):
        return e["method"] == self.method and re.sub(UUID, "*", e["path"]) + "$" == self.pattern and self.words in ((e.get("body") or {}).get("description") or "")

    def same(self, other):
        """A poll: the same question again."""
        return (self.method, self.path, self.words, self.status == 206) == (other.method, other.path, other.words, other.status == 206)

    def question(self, flow):
        """The same of another app or repository of the same command."""
        return flow.line.split()[0], self.method, re.sub(r"acme/[a-z]+", "*", self.pattern), self.words.replace("billing", "storefront"), self.status == 206

    def fault(self, world, how):
        more = {"body": self.words} if self.words else {}
        world.fault(f"{self.method} {self.pattern}", times=1, skip=self.skip, **how, **more)


def steps_of(a, flow):
    """What a good run calls, in its order, each once."""
    world = World(a.slipway, a.sim, TIMES)
    failed = True
    try:
        flow.begin(world)
        flow.prepare(world)
        flow.act(world, lambda: None)
        flow.check(world, 0)
        end_well(world, flow)
        entries = [e for e in world.journal() if e["upstream"] in ("heroku", "kolkrabbi", "github")]
        steps = []
        for n, entry in enumerate(entries):
            step = Step(len(steps) + 1, entry, entries[:n])
            if not any(step.same(other) for other in steps):
                steps.append(step)
        failed = False
        return steps
    finally:
        runner.shut(world, failed, a.keep)


def end_well(world, flow):
    truth.told_at_github(world)
    if flow.changes:
        truth.nothing_is_locked(world)


def run_case(a, flow, step, name, worker):
    world = worker.pop("world", None)
    if not world:
        world = World(a.slipway, a.sim, TIMES)
        world.link()
        world.quiet()
    failed = True
    try:
        flow.prepare(world)
        step.fault(world, FAULTS[step.kind][name])
        flow.act(world, lambda: None)
        end = flow.settled(world)
        if name not in NO:
            flow.check(world, 0)
        met = world.faults_met()
        asked = any(step.meets(e) for e in world.journal())
        world.heal()
        if not (name in NO and step.is_last_status):
            truth.told_at_github(world)
        if flow.changes:
            truth.nothing_is_locked(world)
        if name == "refused" or name.startswith("killed"):
            truth.canaries(world)
        failed = False
    finally:
        if failed:
            runner.shut(world, failed, a.keep)
        else:
            worker["world"] = world
    # Whatever was over before anybody looked is not told to GitHub.
    if not met and name != "close" and asked:
        raise Failed("the fault was not met")
    return end.replace("\n", " ")[:90] if met else "not met this time"


def end(worker):
    if "world" in worker:
        runner.shut(worker["world"])


def main():
    p = runner.arguments(__doc__)
    p.add_argument("which", nargs="?", choices=("quick", "walk", "all"))
    p.add_argument("--flow", action="append", choices=[f.name for f in OPERATIONS])
    p.add_argument("--sample", type=int, help="that many cases, chosen by the seed")
    a = p.parse_args()
    which = a.which or ("all" if os.environ.get("SW_LONG") == "1" else "walk" if os.environ.get("SW_KILLS", "full") == "full" else "quick")
    chance = random.Random(a.seed)
    flows = [f for f in OPERATIONS if not a.flow or f.name in a.flow]
    if which == "quick" and not a.flow and not a.only:
        flows = chance.sample(flows, 2)
    tables = {}
    traces = runner.Runner(a)
    traces.run([(f"{f.name}/good", lambda worker, f=f: tables.__setitem__(f.name, steps_of(a, f))) for f in flows], last=False)
    cases, walked = [], set()
    for flow in flows:
        turn = chance.randrange(100)
        for i, step in enumerate(tables.get(flow.name, [])):
            names = list(FAULTS[step.kind])
            if which != "all" and not a.only:
                if step.question(flow) in walked:
                    continue
                walked.add(step.question(flow))
                names = [names[(turn + i) % len(names)]]
            cases += [(f"{flow.name}/{name}/{step.name}", lambda worker, f=flow, s=step, n=name: run_case(a, f, s, n, worker))
                      for name in names if runner.chosen(a, f"{flow.name}/{name}/{step.name}")]
    sample = a.sample or (8 if which == "quick" and not a.only else len(cases))
    if sample < len(cases):
        cases = chance.sample(cases, sample)
    runner.main(a, cases, end, before=traces)


if __name__ == "__main__":
    main()
