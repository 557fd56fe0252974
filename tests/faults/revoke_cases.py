"""Access that ends while commands wait: none of them calls any more, each is told, and nothing is left behind."""
from cases import case
from talk import Failed, until
from words import BUSY_MARK, CARD_AGAIN
from world import PROMOTE

WAITING = ["info storefront"] * 11 + [PROMOTE] * 4 + ["deploy storefront to staging"] * 4


def at_heroku(w):
    return [e for e in w.journal() if e["upstream"] in ("heroku", "kolkrabbi") and not e["path"].startswith("/oauth/")]


def wait_at_github(w):
    """They have asked Heroku for all that they need until GitHub answers, and GitHub is away."""
    w.fault("GET /repos", "status", status=503)
    for line in WAITING:
        w.type(line)

    def look():
        paths = [e["path"] for e in at_heroku(w) if e["status"] == 200]
        return sum(p.endswith("/repo") for p in paths) == len(WAITING) and sum("/slugs/" in p for p in paths) == WAITING.count(PROMOTE)
    until("all of them wait for GitHub", look)


@case(linked=True)
def twenty_commands_wait_and_the_first_refusal_is_the_last_call(w):
    wait_at_github(w)
    w.admin("/sim/revoke", {"email": "ada@example.com"})
    w.type("pipelines")
    until("the refusal is told", lambda: w.told(CARD_AGAIN))
    w.heal()
    w.quiet(60)
    calls = at_heroku(w)
    refused = [i for i, e in enumerate(calls) if e["status"] == 401]
    if len(refused) != 1 or refused[0] != len(calls) - 1:
        raise Failed(f"calls from the first refusal on: {[(e['method'], e['path'], e['status']) for e in calls[(refused or [0])[0]:]]}")
    messages = [m for m in w.view() if not m["text"].startswith(BUSY_MARK)]
    busy = [m["text"] for m in w.parents() if m["text"].startswith(BUSY_MARK)]
    alone = [m for m in messages if m.get("ephemeral")]
    if len(alone) < len(WAITING) + 1 or busy:
        raise Failed(f"{len(alone)} of {len(WAITING) + 1} commands have an end, and these have none: {busy}")
    if not w.card_url():
        raise Failed("no way to sign in again")
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
    return f"{len(calls)} calls, {len(alone)} private messages"
