"""What is true at the end of every command that changes something, whatever went wrong on its way."""
import collections, json, re

from talk import Failed, until
from words import BUSY_MARK, NOTHING_LOCKED

TERMINAL = {"success", "failure", "error", "inactive"}
ENDS = {"done", "failed", "partial", "unknown", "cancelled", "refused"}
# What nobody but the platforms may ever see; tokens, signed links, and where only Slipway may answer.
CANARIES = {"a token of Heroku": rb"(?<![0-9A-Za-z_-])HRKU-[0-9A-Za-z]{20,}", "a token of GitHub": rb"(?<![0-9A-Za-z_-])gh[ours]_[0-9A-Za-z]{16,}",
            "the signed link of an archive": rb"legacy\.tar\.gz|[?&]token=[0-9A-Za-z]{8,}", "a response_url": rb"/commands/T0SIM",
            "a bearer": rb"Bearer ", "a one-time code": rb"(?<![0-9A-Za-z_.:-])(123456|987654)(?![0-9A-Za-z_.:-])"}
LINK = rb"/link/T0SIM1\."


def writes(world):
    return writes_of(world.journal())


def writes_of(entries):
    """Entries of the journal that change something at Heroku or GitHub."""
    return [e for e in entries if e["upstream"] in ("heroku", "kolkrabbi", "github") and e["method"] != "GET"
            and e["path"] != "/filters/apps" and not e["path"].endswith("/pre-authorizations")]


def identity(e):
    """Two writes with the same one are a repetition."""
    body = e.get("body") or {}
    return e["method"], e["path"], (body.get("state"), body.get("description")) if e["path"].endswith("/statuses") else body.get("environment", "")


def written_once(world):
    """Nothing was done twice; what was surely not done was tried once more at most."""
    done = collections.Counter(identity(e) for e in writes(world) if 200 <= e["status"] < 300)
    tried = collections.Counter(identity(e) for e in writes(world) if e["status"] not in (401, 429))
    twice = {k: n for k, n in done.items() if n > 1} or {k: n for k, n in tried.items() if n > 2}
    if twice:
        raise Failed(f"repeated: {twice}")
    return done


def mine(world):
    """What everybody was told of the command, without notices of releases, and what the person was told alone."""
    parents = [m for m in world.parents() if "/" not in (m.get("metadata") or {}).get("event_payload", {}).get("op", "")]
    private = [m for m in world.view() if m.get("ephemeral") and not m["text"].startswith(BUSY_MARK)]
    return parents, private


def one_end(world, kills=0):
    """Exactly one end was told; what the person got. Each kill of who talks to Slack may have doubled one message."""
    parents, private = mine(world)
    seen = json.dumps([[m["text"], [t["text"] for t in m.get("thread", [])]] for m in parents + private], ensure_ascii=False)
    if any(m["text"].startswith(BUSY_MARK) for m in parents):
        raise Failed(f"never ended: {seen}")
    if len(parents) > 1 + kills or len(private) > 1 + kills or not parents + private:
        raise Failed(f"{len(parents)} messages and {len(private)} private ones: {seen}")
    return (parents or private)[-1]["text"]


def told_at_github(world):
    """Each deployment has come to its end there, too."""
    open_ones = [(d["id"], [s["state"] for s in d["statuses"]]) for repo in world.admin("/sim/github")["repos"] for d in repo["deployments"]
                 if not d["statuses"] or d["statuses"][-1]["state"] not in TERMINAL]
    if open_ones:
        raise Failed(f"open at GitHub: {open_ones}")


def nothing_is_locked(world):
    before = world.told(NOTHING_LOCKED)
    world.type("locks")
    until("an answer to locks", lambda: world.told(NOTHING_LOCKED) > before, 10)
    if "one operation at a time" in world.texts():
        raise Failed("an app is still locked: " + world.texts()[-400:])


def audited(world, entries, ends=1):
    """Of those entries: it was asked for, and it ended, through whose account."""
    end = [e for e in entries if e["outcome"] in ENDS]
    asked = [e for e in entries if e["outcome"] == "asked"]
    if len(end) != ends or len(asked) > ends or not asked and end[0]["outcome"] in ("done", "partial", "unknown"):
        raise Failed(f"audit: {entries}")
    for e in entries:
        if not e.get("accounts", {}).get("heroku") or not e.get("who", {}).get("user") or not e.get("line"):
            raise Failed(f"audit: {e}")
    return end


def canaries(world):
    """Searches all that was written, Slack, Sentry and the audit."""
    told = b"".join(world.texts(viewer).encode() for viewer in (world.ADA, world.BOB))
    known = [(name, part.encode()) for browser in world.browsers for name, value in browser.seen.items()
             for part in (value.split(".") if name == "link" or name.startswith("state") else [value]) if not re.fullmatch("[TE]0SIM[12]?", part)]
    places = [("Slack", told), ("Sentry", json.dumps(world.sentry()).encode())]
    if world.up:
        places.append(("audit", json.dumps(world.audit()).encode()))
    for place, data in [*places, *world.everything_written()]:
        found = [(what, m) for what, m in ((what, re.search(pattern, data)) for what, pattern in CANARIES.items()) if m]
        if place != "Slack":
            found += [("a way to sign in", m) for m in [re.search(LINK, data)] if m] + [(n, None) for n, v in known if v in data]
        if found:
            what, m = found[0]
            raise Failed(f"{what} in {place}" + (f": {data[max(0, m.start() - 60):m.end() + 20]!r}" if m else ""))


def api_keys_live(world):
    """Heroku lists everybody's own API key beside our authorization; deleting it would cut a person off."""
    if world.state()["tokens"]["api_keys_deleted"]:
        raise Failed("somebody's own API key was deleted at Heroku")


def sentry_took_all(world):
    if world.sentry()["refused"]:
        raise Failed(f"Sentry refused: {world.sentry()['refused'][:2]}")
