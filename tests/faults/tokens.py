"""What the platforms know of tokens: how often each was used, and whether it still works."""
import collections, re

from talk import Browser, Failed, request, until
from world import PROMOTE

ONCE = ("github.refresh", "slack.bot_refresh")  # presented twice, they are worth nothing
TOKEN_CALLS = ("POST /oauth/token", "POST /login/oauth/access_token", "POST /api/oauth.v2.access")


def issued(w, *kinds):
    """[(text, how often it was presented)]"""
    return [(t["text"], t.get("used", 0)) for t in w.admin("/sim/tokens")["tokens"] if t["kind"] in kinds]


def used(w, *kinds):
    """How often tokens of this kind were presented, all together."""
    return sum(n for _, n in issued(w, *kinds))


def used_once(w, chains):
    """Each single-use token that was issued was used exactly once but for the newest of each account."""
    for kind, accounts in chains.items():
        uses = collections.Counter(n for _, n in issued(w, kind))
        if set(uses) - {0, 1} or uses[0] != accounts or not uses[1]:
            raise Failed(f"{kind}: {dict(uses)} (how often used: how many tokens), {accounts} accounts")


def alive(w, kind, text):
    """Whether the platform would serve whoever has this access token."""
    path = {"heroku.access": "/account", "github.access": "/github/user"}[kind]
    scheme = "Bearer " if kind == "heroku.access" else "token "
    status, _, _ = request(w.sim + path, headers={"Authorization": scheme + text, "Accept": "application/vnd.heroku+json; version=3",
                                                  "User-Agent": "tests"})
    if status not in (200, 401):
        raise Failed(f"{path}: {status}")
    return status == 200


def living(w):
    return [kind for kind in ("heroku.access", "github.access") for text, _ in issued(w, kind) if alive(w, kind, text)]


def calls(w, *more):
    return sum(len(w.journal(c)) for c in (*TOKEN_CALLS, *more))


def cards(w, user, team=None, channel=None):
    """The links of all cards that this person ever got."""
    return re.findall(re.escape(w.ingress) + r"/link/[A-Za-z0-9_.-]+", str(w.view(user, team, channel)))


def link(w, user, email, team=None, channel=None):
    """As World.link, in any workspace."""
    before = len(cards(w, user, team, channel))
    w.type("login", user, team, channel)
    browser = Browser(w.sim, email)
    browser.walk(until("the login card", lambda: cards(w, user, team, channel)[before:])[-1])
    w.browsers.append(browser)
    return browser


def answers(w, line, user=None, team=None, channel=None):
    """A command that reads, and what it came to: all new messages for the person."""
    say = lambda: [m["text"] for m in w.view(user, team, channel)]
    before = len(say())
    w.type(line, user, team, channel)
    return until(f"an answer to {line}", lambda: say()[before:], 30)


def promotes(w):
    """A command that needs both accounts ends well."""
    good = lambda: sum(m["text"].startswith("✔") for m in w.parents())
    before = good()
    w.type(PROMOTE)
    until(f"promoted: {w.texts()[-600:]}", lambda: good() > before, 40)
