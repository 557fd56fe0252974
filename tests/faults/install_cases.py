"""Installing: several workspaces, an organization, again and again, taken away in any order, and by whoever must not."""
import re, time, urllib.parse

from canary_cases import BOT, found_in, handed_out
from cases import case
from talk import Browser, Failed, until
from world import PROMOTE
from words import HELP, INSTALLED

TWO, CYD, THERE = "T0SIM2", "U0CYD", "C0OTHER"
OWN = {"SLACK_TOKEN_FILE": ""}  # no token that would do for every workspace


def install(w, team, browser=None):
    """The page that says so."""
    browser = browser or Browser(w.sim, "cyd@example.com", team=team)
    page = browser.walk(w.ingress + "/slack/install")
    if INSTALLED not in page:
        raise Failed(f"not installed: {page[-600:]}")
    w.browsers.append(browser)
    return page


def bot(w, team):
    """What responder keeps: None, "gone" or "there"."""
    kept = w.redis("GET", w.key(f"responder:s:bot/{team}", team))
    return kept and ("gone" if b"gone" in kept else "there")


def at_slack(w):
    return w.state()["slack"]


class There:
    """Cyd, in the other workspace."""

    def __init__(self, w):
        self.w = w

    def view(self):
        return self.w.view(CYD, TWO, THERE)

    def type(self, text):
        return self.w.type(text, CYD, TWO, THERE)

    def told(self, words):
        return sum(words in m.get("text", "") for top in self.view() for m in [top, *top.get("thread", [])])

    def posted(self):
        """The messages that the bot posted and changed, not response_url."""
        return [m for m in self.view() if (m.get("metadata") or {}).get("event_payload", {}).get("op")]

    def link(self):
        self.type("login")
        card = lambda: re.findall(re.escape(self.w.ingress) + r"/link/[A-Za-z0-9_.-]+", str(self.view()))
        browser = Browser(self.w.sim, "ada@example.com", slack="cyd")  # cyd herself may see no repository
        browser.walk(until("the login card", card)[-1])
        self.w.browsers.append(browser)
        self.w.quiet()

    def promote(self):
        before = len(self.posted())
        self.type(PROMOTE)
        until("the bot posts", lambda: len(self.posted()) > before)
        self.w.quiet()
        if not self.told("promoted"):
            raise Failed(f"no end: {[m['text'] for m in self.view()]}")


def sealed(w):
    """No bot token is anywhere in clear."""
    secrets = handed_out(w, BOT)
    for name, text in w.everything_written():
        kinds = found_in(secrets, text)
        if kinds:
            raise Failed(f"{kinds} in {name}")


@case(linked=False, settings=OWN)
def a_workspace_installs_and_hears_its_own_bot(w):
    page, there = install(w, TWO), There(w)
    for words in ("Sim Two", "chat:write.public", "/h login"):
        if words not in page:
            raise Failed(f"no {words} in {page}")
    there.type("help")
    until("help", lambda: there.told(HELP))
    there.link()
    there.promote()
    w.type("help")  # not installed there: commands that need no bot go on all the same
    until("help in the other", lambda: w.told(HELP))
    if bot(w, "T0SIM1") is not None:
        raise Failed("a token for a workspace that did not install it")
    if w.redis("HGET", w.key("owed", "INSTALL"), "INSTALL") not in (None, b"0"):
        raise Failed("what was taken in is still counted")
    if not [e for e in w.audit(TWO) if e["task"] == "install" and e["who"]["user"] == CYD]:
        raise Failed("no line in the audit")
    sealed(w)


def events(w, before, n):
    until(f"{n} events arrive", lambda: at_slack(w)["events"]["delivered"] == before + n)
    w.quiet()


@case(linked=False, settings=OWN)
def taken_away_in_any_order_and_installed_again(w):
    """Two events, and the second of a pair may come before the first; a newer installation is not theirs to end."""
    for order in (["app_uninstalled", "tokens_revoked"], ["tokens_revoked", "app_uninstalled"]):
        install(w, TWO)
        until("installed", lambda: bot(w, TWO) == "there")
        before = at_slack(w)["events"]["delivered"]
        at = int(time.time()) + 1  # Slack's time has whole seconds, so this is surely after the installation
        w.admin("/sim/uninstall", {"team": TWO, "order": order, "event_time": at})
        events(w, before, 2)
        if bot(w, TWO) != "gone":
            raise Failed(f"{order}: {bot(w, TWO)}")
        until("that moment is over, by a slower clock as well", lambda: time.time() > at + 0.5)
        install(w, TWO)
        until("installed again", lambda: bot(w, TWO) == "there")
        # What was on its way before, and comes twice.
        before = at_slack(w)["events"]["delivered"]
        for _ in range(2):
            w.admin("/sim/uninstall", {"team": TWO, "order": order, "delay_ms": 300, "event_time": int(time.time()) - 1})
        install(w, TWO)
        events(w, before, 4)
        if bot(w, TWO) != "there":
            raise Failed(f"{order}: the newer installation was ended")
    there = There(w)
    there.link()
    there.promote()
    sealed(w)


@case(linked=False, settings=OWN)
def whoever_linked_before_it_was_taken_away_links_again(w):
    install(w, TWO)
    there = There(w)
    there.link()
    before = at_slack(w)["events"]["delivered"]
    w.admin("/sim/uninstall", {"team": TWO, "event_time": int(time.time()) + 1})
    events(w, before, 2)
    cards = lambda: there.told("was removed from")
    there.type(PROMOTE)
    until("a card that says why", cards)
    if w.promotions():
        raise Failed("done with an account of before")


@case(linked=False, settings=OWN)
def an_organization_installs_for_all_its_workspaces(w):
    page = install(w, "E0SIM")
    for words in ("Organization", "links them again here"):
        if words not in page:
            raise Failed(f"no {words} in {page}")
    w.link()
    w.quiet()
    w.type(PROMOTE)
    until("promoted", w.ended)
    w.quiet()
    # A button is the organization's, too.
    w.checks("pending", "main")
    w.type("deploy storefront to staging")
    w.click("Deploy when green")
    until("the operation hears of it", lambda: w.told("waits for its checks, until"))
    w.click("Cancel")
    w.quiet()
    if bot(w, "E0SIM") != "there" or bot(w, "T0SIM1") is not None or w.audit("T0SIM1"):
        raise Failed("something of it belongs to the workspace alone")
    if not [e for e in w.audit("E0SIM") if e["task"] == "promote" and e["outcome"] == "done"]:
        raise Failed(f"{w.audit('E0SIM')}")
    sealed(w)


def from_slack(w, **more):
    """Slack's own page, as an administrator reaches it from there: no state."""
    return w.sim + "/oauth/v2/authorize?" + urllib.parse.urlencode(
        {"client_id": "sim-slack", "scope": "commands,chat:write", "redirect_uri": w.ingress + "/slack/install/callback", **more})


@case(linked=False, settings=OWN)
def an_administrator_may_start_at_slack_for_an_organization_only(w):
    page = Browser(w.sim, "ada@example.com", team="E0SIM").walk(from_slack(w))
    if INSTALLED not in page:
        raise Failed(page[-600:])
    refused(w, lambda: Browser(w.sim, "ada@example.com", team=TWO).walk(from_slack(w)), 403)
    if bot(w, TWO) is not None or bot(w, "E0SIM") != "there":
        raise Failed("the wrong one was installed")


def refused(w, way, status):
    """A way that must end with this status."""
    try:
        page = way()
    except Failed as e:
        if f": {status} " in str(e):
            return
        raise
    raise Failed(f"not refused: {page[-300:]}")


class Halfway(Browser):
    """Comes back from Slack without asking for our page: `back` is where it would go."""
    back = None

    def note(self, url):
        super().note(url)
        if "/slack/install/callback" in url and not self.back:
            self.back = url
            raise Failed("halfway")


def halfway(w, start=None, team=TWO):
    browser = Halfway(w.sim, "cyd@example.com", team=team)
    try:
        browser.walk(start or w.ingress + "/slack/install")
    except Failed:
        pass
    browser.door = urllib.parse.urlsplit(w.ingress).netloc
    return browser


@case(linked=False, settings=OWN)
def what_others_made_up_installs_nothing(w):
    """States of somebody else, changed, used, missing; a form without its page; codes that are none."""
    w.quiet()
    before = w.redis("DBSIZE")
    for _ in range(50):
        halfway(w)
    if w.redis("DBSIZE") != before:
        raise Failed("the way to Slack leaves something behind")
    victim, attacker = halfway(w), halfway(w)
    refused(w, lambda: victim.open(attacker.back), 403)  # login CSRF: the attacker's workspace in the victim's browser
    refused(w, lambda: Browser(w.sim, "x@example.com").walk(victim.back), 403)  # no cookie at all
    flipped = re.sub(r"(state=[^.]+\.)(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"), victim.back)
    refused(w, lambda: victim.open(flipped), 403)
    refused(w, lambda: victim.open(re.sub(r"code=[^&]+", "code=madeup", halfway_again(w, victim))), 502)
    form = {"code": urllib.parse.parse_qs(urllib.parse.urlsplit(victim.back).query)["code"][0], "csrf": "x.y"}
    refused(w, lambda: victim.open(w.ingress + "/slack/install/callback", urllib.parse.urlencode(form)), 403)
    refused(w, lambda: victim.open(w.ingress + "/slack/install/callback?state=" + victim.seen["state /slack/install/callback"]), 400)
    w.quiet()
    if bot(w, TWO) is not None:
        raise Failed("installed")
    url, page = victim.open(victim.back)  # the control: it was good all the while
    if INSTALLED not in page.decode():
        raise Failed(page[-600:])
    refused(w, lambda: victim.open(victim.back), 410)  # and is good once
    until("installed", lambda: bot(w, TWO) == "there")


def halfway_again(w, browser):
    """Another state for the same browser."""
    kept, browser.back = browser.back, None
    try:
        browser.walk(w.ingress + "/slack/install")
    except Failed:
        pass
    again, browser.back = browser.back, kept
    browser.door = urllib.parse.urlsplit(w.ingress).netloc
    return again


@case(linked=False, settings=OWN)
def a_rotating_token_is_renewed_when_slack_wants_it(w):
    w.admin("/sim/rotation", {"on": True})
    install(w, TWO)
    there = There(w)
    there.link()
    there.promote()
    w.admin("/sim/expire", {"slack": TWO})
    there.type(PROMOTE)
    until("refreshed", lambda: at_slack(w)["refreshed"] == 1)
    w.quiet()
    if at_slack(w)["refused"] or not at_slack(w)["installs"][TWO]["tokens"]:
        raise Failed(f"{at_slack(w)}")
    posts = len(there.posted())
    if posts < 2:
        raise Failed(f"{posts} messages of the bot: the one that met the end of its token is missing")
    w.admin("/sim/revoke", {"slack": TWO})  # for good, and no event comes
    there.type(PROMOTE)
    until("the token is given up", lambda: bot(w, TWO) == "gone")
    w.quiet()
    told = there.told("promot")
    there.type("help")
    until("what needs no token goes on", lambda: there.told(HELP))
    if not told or w.dead():
        raise Failed(f"{told}, dead letters {w.dead()}")
    sealed(w)
