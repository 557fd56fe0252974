#!/usr/bin/env python3
"""kills.py SLIPWAY SIM [three|full|long]: the parts of matrix.py that belong together, one after the other.

three   three points of a promote, for a build whose full turn another build has
full    a third of the points of every flow, by the seed; notices, operations, three replicas and scaling by a smaller sample; three points at
        the default times
long    each of these whole
Without a word: what SW_KILLS says (full), long where SW_LONG is 1. Ends with `N passed, N failed`."""
import os, re, signal, subprocess, sys

from matrix import SLOW_POINTS

PARTS = {
    "three": [["--only=" + point for point in SLOW_POINTS]],
    "full": [["--default-times"], ["--flow", "all", "--sample", "120"], ["--replicas", "3", "--worlds", "4", "--sample", "16"], ["--scale", "--sample", "16"],
             ["--flow", "operations", "--sample", "12"], ["--flow", "notice", "--sample", "12"]],
    "long": [["--flow", "all", "--long"], ["--flow", "operations"], ["--flow", "notice", "--long"], ["--replicas", "3", "--worlds", "4"], ["--scale"], ["--default-times", "--long", "--worlds", "16"]],
}


RUNNING = []


def end_them(number, _frame):
    for child in RUNNING:
        child.terminate()
    os._exit(128 + number)


def start(programs, part):
    argv = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "matrix.py"), *programs, *part]
    RUNNING.append(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    return RUNNING[-1]


def finish(part, child):
    """What passed and what failed of it; a part that broke is one that failed."""
    print("== matrix.py", " ".join(part), flush=True)
    last = ""
    for line in child.stdout:
        last = line
        print(line, end="", flush=True)
    status = child.wait()
    total = re.fullmatch(r"(\d+) passed, (\d+) failed\n", last)
    passed, failed = map(int, total.groups()) if total else (0, 1)
    return passed, failed or int(status != 0)


def main():
    if not 3 <= len(sys.argv) <= 4 or (len(sys.argv) == 4 and sys.argv[3] not in PARTS):
        sys.exit(__doc__)
    which = sys.argv[3] if len(sys.argv) == 4 else "long" if os.environ.get("SW_LONG") == "1" else os.environ.get("SW_KILLS", "full")
    programs, parts = sys.argv[1:3], PARTS[which]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end_them)
    # At the default times nearly all is waiting: that part runs beside the others.
    waiting = [(part, start(programs, part)) for part in parts if part == ["--default-times"]]
    results = [finish(part, start(programs, part)) for part in parts if part != ["--default-times"]]
    results += [finish(part, child) for part, child in waiting]
    passed, failed = (sum(r[i] for r in results) for i in (0, 1))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
