"""The operator's command line on a whole Slipway: `slipway status`."""
import json, subprocess

from cases import case
from talk import Failed, until


def cli(w, *words, settings=None):
    env = {**w.environment, **{"SLIPWAY_" + k: v for k, v in (settings or {}).items()}}
    done = subprocess.run([w.slipway, *words], env=env, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def expect(w, status, says, *words):
    got, out, err = cli(w, *words)
    if got != status or says not in out + err:
        raise Failed(f"slipway {' '.join(words)}: {got}, not {status} and \"{says}\": {out} {err}")


@case(replicas=2)
def status_says_whether_it_is_well_and_who_is_missing(w):
    expect(w, 0, "well: processes 14, ", "status")
    w.scale(executor=0)
    until("it is not well, and says who is missing", lambda: cli(w, "status")[1].startswith("not well: no executor is running\n"))
    expect(w, 1, "executor         0      0 ", "status")
    w.scale(executor=1)
    until("it is well again", lambda: cli(w, "status")[0] == 0)
    status, out, _ = cli(w, "status", "--json")
    seen = json.loads(out)
    executor = next(a for a in seen["actors"] if a["actor"] == "executor")
    if status or not seen["well"] or executor["shards"] != {"owned": 64, "free": 0, "expired": 0}:
        raise Failed(out)
    w.end_redis()
    expect(w, 69, "no Redis at SLIPWAY_REDIS", "status")
    w.start_redis()
    until("it is well with the Redis that came back", lambda: cli(w, "status")[0] == 0)
