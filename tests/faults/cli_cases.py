"""The operator's command line on a whole Slipway: `slipway status` and `slipway doctor`."""
import json, os, re, subprocess

from cases import case
from talk import Failed, read_line, until


def cli(w, *words, settings=None):
    done = w.command(*words, **(settings or {}))
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
    watched = subprocess.Popen([w.slipway, "status", "--watch"], env=w.environment, stdout=subprocess.PIPE, text=True)
    lines = [read_line(watched.stdout, 10, "a line a second") for _ in range(2)]
    watched.terminate()
    if watched.wait(10) != 0 or not all(re.match(r"....-..-..T..:..:..Z  well: ", line) for line in lines):
        raise Failed(f"{watched.returncode} {lines}")
    w.end_redis()
    expect(w, 69, "no Redis at SLIPWAY_REDIS", "status")
    w.start_redis()
    until("it is well with the Redis that came back", lambda: cli(w, "status")[0] == 0)


def doctor(w, settings=None):
    """Its exit status and its rows; no secret is in them."""
    status, out, err = cli(w, "doctor", "--json", settings=settings)
    leaked = [name for name, secret in w.secrets.items() if secret in out + err]
    if leaked or "simsentrypublickey" in out + err:
        raise Failed(f"it says {leaked}: {out} {err}")
    return status, [json.loads(line) for line in out.splitlines()]


def mended(rows, check, level, seen, mend):
    if not any(r["check"] == check and r["level"] == level and seen in r["seen"] and mend in r["mend"] for r in rows):
        raise Failed(f"no {level} {check}: {seen} / {mend} in {json.dumps(rows, indent=1)}")


@case()
def doctor_finds_nothing_in_a_healthy_world_and_the_mend_of_what_is_broken(w):
    status, rows = doctor(w)
    bad = [r for r in rows if r["level"] == "fail" or r["level"] == "warn" and r["check"] not in ("secret-files", "redis-maxmemory")]
    if status or bad or not any(r["check"] == "keys" and r["level"] == "ok" for r in rows):
        raise Failed(json.dumps(bad or rows))
    # An installation's other half: these keys are not those of what runs.
    subprocess.run([w.slipway, "keys", "init"], env={**w.environment, "SLIPWAY_KEY_DIR": w.dir + "/keys2"}, check=True, capture_output=True, timeout=20)
    status, rows = doctor(w, dict(KEY_DIR=w.dir + "/keys2", KAFKA="127.0.0.1:1", SLACK="https://slack.com", HEROKU_SECRET_FILE=w.dir + "/none"))
    mended(rows, "keys", "fail", "does not know key", "copy the key files")
    mended(rows, "upstream", "fail", "Kafka: tcp://127.0.0.1:1 cannot be reached", "let this machine out")
    mended(rows, "base-url", "fail", "is no https URL", "set SLIPWAY_BASE_URL")
    mended(rows, "settings", "fail", "SLIPWAY_HEROKU_SECRET_FILE: cannot read", "set SLIPWAY_HEROKU_SECRET_FILE")
    w.redis("CONFIG", "SET", "appendfsync", "everysec")
    w.scale(auth=0)
    until("nobody is auth any more", lambda: cli(w, "status")[0] == 1)
    os.chmod(w.dir + "/run", 0o777)
    status, rows = doctor(w)
    mended(rows, "redis-fsync", "fail", "is everysec", "CONFIG SET appendfsync always")
    mended(rows, "actors", "fail", "no auth is running", "slipway auth")
    mended(rows, "orphans", "warn", "auth has no process", "slipway auth")
    mended(rows, "run-dir", "warn", "others may change", "chmod 700")
    if status != 1:
        raise Failed(str(status))
    w.end_redis()
    status, rows = doctor(w)
    mended(rows, "redis", "fail", "no Redis at SLIPWAY_REDIS", "start it")
    if not any(r["check"] == "upstream" and r["level"] == "ok" for r in rows):
        raise Failed(json.dumps(rows))
