"""Access that ends while commands wait: none of them calls any more, each is told, and nothing is left behind."""
import base64, hashlib, hmac, json

from cases import case
from talk import Failed, request, until
from words import BUSY_MARK, CARD_AGAIN, LINKED_BOTH, WITHDRAWN
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


def all_ended(w, commands):
    """Each of them has an answer, nothing is shown as at work, and there is a way to sign in again."""
    alone = [m for m in w.view() if m.get("ephemeral") and not m["text"].startswith(BUSY_MARK)]
    busy = [m["text"] for m in w.parents() if m["text"].startswith(BUSY_MARK)]
    if len(alone) < commands or busy:
        raise Failed(f"{len(alone)} of {commands} commands have an end, and these have none: {busy}")
    if not w.card_url():
        raise Failed("no way to sign in again")
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
    return f"{len(at_heroku(w))} calls, {len(alone)} private messages"


@case()
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
    return all_ended(w, len(WAITING) + 1)


@case()
def signing_out_while_commands_wait_is_the_last_call(w):
    wait_at_github(w)
    calls = len(at_heroku(w))
    w.type("logout")
    until("executor knows", lambda: w.metric("executor", "handled_total", kind="revoked.v1") == 2)
    w.heal()
    w.quiet(60)
    if len(at_heroku(w)) != calls:
        raise Failed(f"called with an account that is gone: {[(e['method'], e['path'], e['status']) for e in at_heroku(w)[calls:]]}")
    return all_ended(w, len(WAITING) + 1)


@case()
def github_takes_access_away_and_says_so(w):
    """Its event comes before any call is refused: the account goes at once, in each installation that has it and once."""
    at_github = lambda: [e for e in w.journal() if e["upstream"] == "github"]
    w.admin("/sim/revoke", {"github": "ada-l", "event": True})
    until("auth forgets the account", lambda: w.metric("auth", "links_total", provider="github", what="unlinked") == 1)
    w.quiet()
    calls = len(at_github())
    w.type("deploy storefront to staging")
    until("the person is told why", lambda: w.told(WITHDRAWN))
    w.quiet()
    if len(at_github()) != calls:
        raise Failed("GitHub was called with what it took away")
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
    w.link()
    w.quiet()
    if not w.told(LINKED_BOTH):
        raise Failed("not connected again")


@case(linked=False)
def webhook_reaches_each_of_forty_installations_once(w):
    insts = [f"T0MANY{i}" for i in range(40)]
    w.redis("SADD", "sw:src:heroku/app-many", *insts)
    w.redis("SADD", "sw:src:github/user/4242", *insts)
    release = {"id": "ev-many", "action": "update", "resource": "release", "data": {"id": "r", "version": 7, "status": "succeeded", "app": {"id": "app-many", "name": "many"}}}
    revoked = {"action": "revoked", "sender": {"id": 4242, "login": "many"}}

    def send(path, body, headers):
        status, _, text = request(w.ingress + path, "POST", body, headers)
        if status != 200:
            raise Failed(f"{path}: {status} {text[:100]}")
    for _ in range(2):
        body = json.dumps(release)
        mac = hmac.new(w.secrets["HEROKU_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256)
        send("/webhooks/heroku", body, {"Heroku-Webhook-Hmac-SHA256": base64.b64encode(mac.digest()).decode()})
        body = json.dumps(revoked)
        mac = hmac.new(w.secrets["GITHUB_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256)
        send("/webhooks/github", body, {"X-GitHub-Event": "github_app_authorization", "X-GitHub-Delivery": "d-many", "X-Hub-Signature-256": "sha256=" + mac.hexdigest()})
    w.quiet()
    for role in ("notifier", "auth"):
        handled = w.metric(role, "handled_total", kind="event.v1")
        if handled != len(insts):
            raise Failed(f"{role} handled {handled} events, not {len(insts)}")
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
