#!/usr/bin/env python3
"""truth.py SLIPWAY SIM: what a real Slipway's metrics say while something is wrong, and that they say so no longer afterwards. Ends with "N passed, N failed"."""
import os, signal, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../faults"))
sys.dont_write_bytecode = True
from talk import Failed, request, until
from world import PROMOTE, SHORT, World, end_with_the_tests

OPEN = "application/openmetrics-text;version=1.0.0"


def whoever_asks_for_openmetrics_gets_it(w):
    for actor in w.actors()["actors"]:
        for accept, kind, end in (({}, "text/plain; version=0.0.4", b"\n"), ({"Accept": OPEN + ",text/plain;q=0.5"}, "application/openmetrics-text; version=1.0.0", b"\n# EOF\n")):
            status, headers, text = request(actor["admin"] + "/metrics", headers=accept)
            if status != 200 or not headers["content-type"].startswith(kind) or not text.endswith(end):
                raise Failed(f"{actor['role']}: {headers['content-type']}, ends with {text[-20:]}")


def a_dead_letter_is_counted_until_it_is_gone(w):
    # One that is as old as the others may be; nobody handles it.
    letter = w.redis("XADD", "sw:{03}:dead", "*", "actor", "executor", "reason", "poison", "data", "x").decode()
    for role in ("parser", "refresher"):
        until(f"{role} counts it", lambda: w.metric(role, "dead_letters") == 1)
    w.redis("XDEL", "sw:{03}:dead", letter)
    for role in ("parser", "refresher"):
        until(f"{role} counts none", lambda: w.metric(role, "dead_letters") == 0)


def what_waits_for_an_upstream_is_owed_and_grows_old(w):
    w.link()
    w.fault("GET /pipelines", "status", status=503, times=1000)
    w.type(PROMOTE)
    until("a call is owed", lambda: w.metric("executor", "owed", lane="urgent") == 1)
    until("it has waited for two seconds", lambda: w.metric("executor", "oldest_age_seconds", lane="urgent") > 2)
    until("tries are counted", lambda: w.metric("executor", "retries_total", upstream="heroku", reason="failed") >= 1)
    w.heal()
    until("nothing is owed", lambda: w.metric("executor", "owed", lane="urgent") == 0, 60)
    until("nothing waits", lambda: w.metric("executor", "oldest_age_seconds", lane="urgent") == 0)


def a_stale_process_is_counted_by_its_successor(w):
    w.scale(parser=2)
    until("two parsers share", lambda: len(w.pids("parser")) == 2 and w.redis("EVAL", OWNERS, 0) == 2)
    paused, other = w.pids("parser")
    before = w.metric("parser", "stale_total")
    os.kill(paused, signal.SIGSTOP)
    try:
        until("the other has all shards", lambda: w.redis("EVAL", OWNERS, 0) == 1)
    finally:
        os.kill(paused, signal.SIGCONT)
    until("it ended, and another began", lambda: paused not in w.pids("parser") and len(w.pids("parser")) == 2)
    until("the new one counts it", lambda: w.metric("parser", "stale_total") == before + 1)


# How many processes own a shard of parser's.
OWNERS = """local seen, n = {}, 0
    for s = 0, 63 do
      local owner = redis.call('HGET', string.format('sw:{%02d}:parser:own', s), 'nonce') or ''
      if not seen[owner] then n = n + 1 end
      seen[owner] = true
    end
    return n"""

CASES = (whoever_asks_for_openmetrics_gets_it, a_dead_letter_is_counted_until_it_is_gone, what_waits_for_an_upstream_is_owed_and_grows_old,
         a_stale_process_is_counted_by_its_successor)


def main():
    end_with_the_tests()
    failed = 0
    with World(*sys.argv[1:3], SHORT) as w:
        for case in CASES:
            try:
                case(w)
                print("ok", case.__name__.replace("_", " "), flush=True)
            except (Failed, OSError) as e:
                failed += 1
                print(f"not ok {case.__name__}: {e}", flush=True)
        if w.complaints():
            failed += 1
            print("\n".join(w.complaints()))
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
