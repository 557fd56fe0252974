"""Runs named cases in several worlds side by side; the last line is `N passed, N failed`."""
import argparse, glob, os, queue, random, sys, threading, time, traceback

import truth
from world import end_with_the_tests


def arguments(doc, **defaults):
    end_with_the_tests()
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("slipway")
    p.add_argument("sim")
    p.add_argument("--only", action="append", help="only cases whose name begins so; may be given several times")
    p.add_argument("--worlds", type=int, default=defaults.get("worlds", 6), help="worlds side by side")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    p.add_argument("--long", action="store_true", help="everything")
    p.add_argument("--keep", action="store_true", help="keep the directory of a world that failed")
    p.add_argument("--list", action="store_true", help="only print the names")
    return p


def chosen(a, name):
    return not a.only or any(name.startswith(o) for o in a.only)


class Runner:
    """A case is (name, function(worker)); a worker is the thread's own dictionary, ended by `end(worker)`."""

    def __init__(self, a, end=lambda worker: None):
        self.a, self.end = a, end
        self.todo, self.lock = queue.Queue(), threading.Lock()
        self.passed = self.failed = 0

    def note(self, name, started, remark=None, error=None):
        took = time.monotonic() - started
        with self.lock:
            if error is None:
                self.passed += 1
                print(f"ok   {name} ({took:.1f} s){' ' + remark if remark else ''}", flush=True)
            else:
                self.failed += 1
                print(f"FAIL {name} ({took:.1f} s): {error}", flush=True)

    def _work(self):
        worker = {}
        while True:
            try:
                name, case = self.todo.get_nowait()
            except queue.Empty:
                break
            started = time.monotonic()
            try:
                self.note(name, started, case(worker))
            except Exception as e:  # a broken world must not take the other cases with it
                where = traceback.extract_tb(e.__traceback__)
                ours = [f for f in where if "/tests/" in f.filename and not f.filename.endswith(("runner.py", "talk.py"))] or where
                self.note(name, started, error=f"{type(e).__name__}: {e} [{' < '.join(f'{f.name}:{f.lineno}' for f in reversed(ours[-3:]))}]")
        try:
            self.end(worker)
        except Exception as e:
            self.note("the end of a world", time.monotonic(), error=str(e))

    def run(self, cases, last=True):
        """The exit status; without the last line where more follows."""
        for case in cases:
            self.todo.put(case)
        threads = [threading.Thread(target=self._work) for _ in range(min(self.a.worlds, max(1, len(cases))))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if last:
            print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def shut(world, failed=None, keep=False):
    """Closes a world; where the case went well, its end has to be clean as well."""
    problems = []
    try:
        if not failed:
            if world.redis_up() and not world.planted:
                truth.canaries(world)
            problems = end_of(world)
            truth.sentry_took_all(world)
            truth.api_keys_live(world)
        problems += world.complaints()
    except Exception as e:
        problems.append(repr(e))
    world.close(keep=keep and bool(failed or problems))
    if problems and not failed:
        raise AssertionError("; ".join(problems)[:600])


def end_of(world):
    """SIGTERM: everything ends with status 0 and leaves nothing behind."""
    problems = []
    if not world.up or world.up.poll() is not None:
        return problems
    pids = world.pids()
    status = world.stop_up()
    if status != 0:
        problems.append(f"slipway up ended with status {status}")
    left = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
    if left:
        problems.append(f"processes left: {left}")
    sockets = glob.glob(world.dir + "/run/*.sock")
    if sockets:
        problems.append(f"sockets left: {[os.path.basename(s) for s in sockets]}")
    return problems


def main(a, cases, end=lambda worker: None, before=None):
    """`before`: a runner whose cases count as well."""
    print("seed", a.seed, flush=True)
    if a.list:
        print("\n".join(name for name, _ in cases))
        sys.exit(0)
    r = Runner(a, end)
    if before:
        r.passed, r.failed = before.passed, before.failed
    sys.exit(r.run(cases))
