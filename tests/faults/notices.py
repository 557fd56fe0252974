"""What a channel shows of a pipeline: a message for each subject, with its history in the thread."""
import re

from talk import Failed, until

ROUTED = "from now on"
STEP_MS = 60  # of what happens at GitHub and Heroku


def route(w, line="route storefront to #deploys", user=None, team=None, channel=None):
    told = lambda: sum(ROUTED in m["text"] for m in w.view(user, team, channel))
    before = told()
    w.type(line, user, team, channel)
    until(f"an answer to {line}", lambda: told() > before, 30)


def push(w, **ask):
    return w.admin("/sim/push", ask)["sha"]


def key_of(message):
    """Of a subject's message; None: it is something else."""
    op = (message.get("metadata") or {}).get("event_payload", {}).get("op", "")
    return op[2:].rsplit("/", 1)[0] if op.startswith("n/") else None


def subjects(w, viewer=None, team=None, channel=None):
    """key -> its messages, as everybody sees them."""
    found = {}
    for m in w.view(viewer or w.BOB, team, channel):
        if key_of(m) and not m.get("thread_ts"):
            found.setdefault(key_of(m), []).append(m)
    return found


def words(message):
    """All that it says, without what another run says otherwise: times, commits, versions."""
    parts = [(b.get("text") or (b.get("elements") or [{}])[0]).get("text", "") for b in message.get("blocks", []) if b["type"] in ("section", "context")]
    text = "\n".join(parts)
    for pattern, instead in ((r"<!date\^\d+\^[^>]*>  ", ""), (r"<http[^|>]*\|([^>]*)>", r"\1"), (r"`[0-9a-f]{7,40}`", "SHA"), (r"\bv\d+\b", "v?"),
                             (r"(?m)( · )?([Ii]t took )?(\d+ min )?\d+ m?s$", ""), (r"\n+", "\n")):
        text = re.sub(pattern, instead, text)
    return text.strip()


def doubles(w, **where):
    """Messages that are there once more than they should be: parents, and histories in a thread."""
    more = 0
    for parents in subjects(w, **where).values():
        more += len(parents) - 1
        for parent in parents:
            more += max(0, len([r for r in parent["thread"] if r["text"] == "What happened:"]) - 1)
    return more


def thread(w, key, **where):
    """(what its message says, lines of its history without their order: clocks of platforms tell seconds, failures that the channel saw)"""
    parents = subjects(w, **where).get(key, [])
    if len(parents) != 1:
        return None
    logs = [r for r in parents[0]["thread"] if not r.get("broadcast")]
    if len(logs) > 1:
        raise Failed(f"{key}: {[r['text'] for r in logs]}")
    return words(parents[0]), sorted(line for r in logs for line in words(r).split("\n")[1:]), [words(r) for r in parents[0]["thread"] if r.get("broadcast")]


def all_threads(w, **where):
    return {key: thread(w, key, **where) for key in subjects(w, **where)}


def commit(sha):
    return f"commit/7001/{sha}"


def deploy(w, sha, **where):
    """The key of the staging app's deploy of this commit."""
    return next((key for key in subjects(w, **where) if key.startswith("deploy/") and key.endswith("/" + sha[:8])), "")


def posts(w, channel="C0DEPLOY"):
    """When messages were posted there, whatever became of them."""
    return [e["at_ms"] for e in w.journal("POST /api/chat.postMessage") if (e.get("body") or {}).get("channel") == channel]


def pace(w, channel="C0DEPLOY", burst=0):
    """A message a second, and some that came late, where the machine has more to do."""
    at = posts(w, channel)
    for span, most in ((1000, 3), (10000, 12)):
        for i, begin in enumerate(at):
            count = sum(begin <= t < begin + span for t in at[i:])
            if count > most + burst:
                raise Failed(f"{count} messages within {span} ms: {at}")
    return len(at)
