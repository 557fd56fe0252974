#!/usr/bin/env python3
"""matrix.py SLIPWAY SIM [--long] [--only ROLE[:POINT[:N]]] [--worlds N] [--seed N]: kills at every crash point between slash and final answer.

A first run counts how often each role passes each point while one promote goes through; then each passing is a case: the process
is killed there, and the command must complete with exactly one promotion, its answer told, nothing dead. Settings are ten
times shorter than the defaults. Ends with `N passed, N failed`."""
import argparse, collections, json, os, queue, random, sys, threading, time

from world import Failed, World, until

SHORT = dict(LEASE_MS=1000, SWEEP_MS=100, CHECK_GAP_MS=1000, WRITE_TIMEOUT_MS=3000, READ_TIMEOUT_MS=2000, POLL_MIN_MS=200, POLL_MAX_MS=1000, DRAIN_MS=2000)
PROMOTE = "promote storefront from staging to production"
# After these the client has no answer although the command may be taken in.
UNANSWERED = {"after-request", "before-append", "after-append", "before-answer"}


def finished(world, command=PROMOTE):
    """True when the promote's parent says how it ended, to everybody."""
    return any(m.get("text", "").startswith("✔") or "✖" in m.get("text", "")[:3] for m in world.view(world.BOB))


def type_until_taken(world, text=PROMOTE):
    """Types; where there was no answer, looks whether it was taken in all the same before typing again, as a person would."""
    for _ in range(10):
        try:
            if world.type(text)["status"] == 200:
                return
        except Failed:
            pass
        try:
            until("the command shows although it was not acknowledged", lambda: world.journal("GET /pipelines"), 4)
            return
        except Failed:
            continue
    raise Failed("never taken in")


def check(world, kills=1):
    until("the final answer", lambda: finished(world), 40)
    n = world.promotions()
    if n != 1:
        raise Failed(f"{n} promotions")
    view = world.view(world.BOB)
    parents = [m for m in view if not m.get("ephemeral")]
    if not 1 <= len(parents) <= 1 + kills:
        raise Failed(f"{len(parents)} parents: {json.dumps(view)[:500]}")
    if not any(m["text"].startswith("✔") for m in parents):
        raise Failed(f"not a success: {json.dumps(view)[:500]}")


def trace(slipway, sim):
    World.tracing = True
    with World(slipway, sim, SHORT) as world:
        world.link()
        open(world.trace_file, "w").close()
        world.type(PROMOTE)
        until("the final answer", lambda: finished(world), 30)
        check(world)
        world.quiet()
        with open(world.trace_file) as f:
            passed = collections.Counter(tuple(line.split()) for line in f)
    World.tracing = False
    return passed


def cases(passed, only):
    for (role, point), times in sorted(passed.items()):
        for n in range(1, times + 1):
            name = f"{role}:{point}:{n}"
            if only and not name.startswith(only):
                continue
            yield role, point, n


def run_case(world, role, point, n):
    world.reset()
    with open(world.crash_file, "w") as f:
        f.write(f"{role} {point} {n}\n")
    type_until_taken(world)
    check(world)
    world.quiet()
    check(world)
    if world.dead():
        raise Failed(f"{world.dead()} dead letters")
    if os.path.exists(world.crash_file):
        os.unlink(world.crash_file)
        return "not passed this time"
    return ""


class Runner:
    def __init__(self, arguments):
        self.a = arguments
        self.todo, self.lock = queue.Queue(), threading.Lock()
        self.passed = self.failed = 0

    def note(self, name, started, error=None):
        with self.lock:
            if error is None:
                self.passed += 1
                print(f"ok   {name} ({time.monotonic() - started:.1f} s)", flush=True)
            else:
                self.failed += 1
                print(f"FAIL {name}: {error}", flush=True)

    def worker(self):
        world = None
        while True:
            try:
                case = self.todo.get_nowait()
            except queue.Empty:
                break
            started = time.monotonic()
            name = ":".join(map(str, case))
            try:
                world = world or self.new_world()
                self.note(name + " " + run_case(world, *case), started)
            except Exception as e:  # a broken world must not take the other cases with it
                self.note(name, started, repr(e))
                if world:
                    world.close(keep=self.a.keep)
                    world = None
        if world:
            world.close()

    def new_world(self):
        world = World(self.a.slipway, self.a.sim, SHORT, replicas=self.a.replicas)
        world.link()
        return world

    def run(self):
        passed = trace(self.a.slipway, self.a.sim)
        print("passings:", {f"{r}:{p}": n for (r, p), n in sorted(passed.items())}, flush=True)
        chosen = list(cases(passed, self.a.only))
        if self.a.sample and self.a.sample < len(chosen):
            chosen = random.Random(self.a.seed).sample(chosen, self.a.sample)
        for case in chosen:
            self.todo.put(case)
        threads = [threading.Thread(target=self.worker) for _ in range(self.a.worlds)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("slipway")
    p.add_argument("sim")
    p.add_argument("--only", help="ROLE[:POINT[:N]]")
    p.add_argument("--worlds", type=int, default=3, help="worlds side by side")
    p.add_argument("--replicas", type=int)
    p.add_argument("--sample", type=int, help="that many cases, chosen by the seed")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    p.add_argument("--keep", action="store_true", help="keep the directory of a world that failed")
    a = p.parse_args()
    print("seed", a.seed)
    sys.exit(Runner(a).run())


if __name__ == "__main__":
    main()
