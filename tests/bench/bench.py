"""bench.py --build DIR [ack|capacity|conversation|memory|notify|start]... [--seconds N] [--rounds N]: measures, and prints one JSON line a figure.

{"suite", "figure", "value", "unit"}, and where a peer ran in the same rounds "peer" and "ratio" (ours / theirs). A run that
went wrong (something shed, lost or refused) has no value but "invalid", and makes the exit status 1. Nothing else is judged."""
import argparse, json, os, platform, signal, subprocess, sys

import ack, capacity, conversation, measure, memory, notify, start

SUITES = {"ack": ack, "capacity": capacity, "conversation": conversation, "memory": memory, "notify": notify, "start": start}


def machine(build):
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    measure.note(f"{os.cpu_count()} x {model}, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}")
    options = json.loads(subprocess.run(["meson", "introspect", build, "--buildoptions"], capture_output=True, text=True, check=True).stdout)
    option = {o["name"]: o["value"] for o in options}
    if option["buildtype"] != "release" or option["b_sanitize"] != "none":
        measure.note(f"{build} is not a release build: these figures say little")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    p.add_argument("--build", required=True)
    p.add_argument("--seconds", type=int, default=5, help="of each run (5)")
    p.add_argument("--rounds", type=int, default=3, help="a figure is the median of so many runs (3)")
    a = p.parse_args()
    unknown = [s for s in a.suites if s not in SUITES]
    if unknown or a.seconds < 1 or a.rounds < 1:
        p.error(f"suites are {', '.join(SUITES)}; seconds and rounds at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine(a.build)
    for name in a.suites or SUITES:
        try:
            SUITES[name].suite(os.path.abspath(a.build), a.seconds, a.rounds)
        except measure.Failed as e:
            measure.figure(name, "suite", None, "", invalid=str(e))
    return 1 if measure.broken_figures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
