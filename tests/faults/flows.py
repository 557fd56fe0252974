"""What matrix.py kills in the middle of: how a flow begins, what it does, and what must be true at its end."""
import json

import notices, truth
from talk import Browser, Failed, until
from world import PROMOTE, ROLES
from words import HELP, INSTALLED, LINKED_BOTH, PIPELINES, RELEASED


class Flow:
    settings = {}
    roles = ROLES  # the others are killed in it by --long only
    again = True  # the world can be used for the next case

    def begin(self, world):
        """Once a world."""

    def prepare(self, world):
        """Before each case, without any fault."""

    def act(self, world, meanwhile):
        """The flow itself; `meanwhile` runs once it is under way."""

    def check(self, world, kills):
        """True at the end, and also when all is quiet; each kill may have doubled one thing that people see."""


def only_one_success(world, kills, promotions=1):
    until("the final answer", world.ended, 150 if "SLIPWAY_LEASE_MS" not in world.environment else 40)
    if world.promotions() != promotions:
        raise Failed(f"{world.promotions()} promotions")
    parents = [m for m in world.parents() if "promot" in m["text"]]
    if not 1 <= len(parents) <= 1 + kills or not any(m["text"].startswith("✔") for m in parents):
        raise Failed(f"{len(parents)} parents: {json.dumps(world.view(world.BOB), ensure_ascii=False)[:500]}")


class Promote(Flow):
    name = "promote"

    def begin(self, world):
        world.link()

    def prepare(self, world):
        world.reset()

    def act(self, world, meanwhile):
        world.type_until_taken(PROMOTE, lambda: world.journal("GET /pipelines"))
        meanwhile()

    def check(self, world, kills):
        only_one_success(world, kills)


class Login(Flow):
    """A person who sees an error page types the command again, or opens the link again."""
    name = "login"
    roles = ("ingress", "auth")
    again = False

    def act(self, world, meanwhile):
        world.type_until_taken(PROMOTE, lambda: world.card_url())
        until("the login card", world.card_url)
        meanwhile()
        for _ in range(4):
            try:
                Browser(world.sim, "ada@example.com").walk(world.card_url())
                return
            except (Failed, OSError):
                if self.linked(world):
                    return
        raise Failed("never linked: " + world.texts()[-800:])

    def linked(self, world):
        """What /h login says: both accounts are linked, or another card, which is a new link."""
        before = self.words(world), world.card_url()
        world.type_until_taken("login", lambda: (self.words(world), world.card_url()) != before)
        until("an answer to login", lambda: (self.words(world), world.card_url()) != before)
        return self.words(world) > 0

    def words(self, world):
        return world.told(LINKED_BOTH)

    def check(self, world, kills):
        only_one_success(world, kills)
        until("told that the account is linked", lambda: self.words(world), 20)
        if world.state()["tokens"]["issued"] > 1 + kills:
            raise Failed(f"{world.state()['tokens']}")


class Renewal(Promote):
    name = "renewal"
    roles = ("auth", "refresher")

    def prepare(self, world):
        world.reset()
        world.refreshed_before = world.state()["tokens"]["refreshed"]
        world.admin("/sim/expire", {"email": "ada@example.com"})

    def check(self, world, kills):
        only_one_success(world, kills)
        refreshed = world.state()["tokens"]["refreshed"] - world.refreshed_before
        if not 1 <= refreshed <= 1 + kills:
            raise Failed(f"refreshed {refreshed} times")
        if world.card_url():
            raise Failed("asked to link again")


class Refresh(Flow):
    """A token of two seconds falls due after one; the next one lives long."""
    name = "refresh"
    roles = ("auth", "refresher")
    again = False

    def prepare(self, world):
        world.admin("/sim/config", {"expires_in": 3})
        world.link()
        world.admin("/sim/config", {"expires_in": 28800})

    def act(self, world, meanwhile):
        meanwhile()
        until("the refresh", lambda: world.state()["tokens"]["refreshed"] > 0, 20)

    def check(self, world, kills):
        until("all but the next refresh is done", lambda: world.owed() == 0, 40)
        tokens = world.state()["tokens"]
        if not 1 <= tokens["refreshed"] <= 1 + kills or tokens["refused"]:
            raise Failed(f"{tokens}")
        seen = world.told(PIPELINES)
        world.type_until_taken("pipelines", lambda: world.told(PIPELINES) > seen)
        until("the answer with the new token", lambda: world.told(PIPELINES) > seen)
        if world.state()["tokens"]["refreshed"] != tokens["refreshed"]:
            raise Failed("the refreshed token was not kept")


class Release(Flow):
    """Somebody else releases to an app that was promoted here before."""
    name = "release"
    roles = ("ingress", "notifier", "responder")
    again = False

    def prepare(self, world):
        world.link()
        world.type(PROMOTE)
        until("the promote", world.ended)
        world.quiet()

    def act(self, world, meanwhile):
        world.admin("/sim/release", {"app": "storefront-production", "email": "bob@example.com", "release_ms": 300})
        meanwhile()
        until("the end of the release is told", lambda: any(RELEASED in m["text"] for m in self.notices(world)), 40)

    def notices(self, world):
        return [m for m in world.parents() if "*storefront-production*" in m["text"]]

    def check(self, world, kills):
        parents = self.notices(world)
        if not 1 <= len(parents) <= 1 + kills:
            raise Failed(f"{len(parents)} notices: {json.dumps(parents, ensure_ascii=False)[:500]}")


class Help(Flow):
    name = "help"
    roles = ("ingress", "parser", "responder")

    def prepare(self, world):
        world.reset()

    def act(self, world, meanwhile):
        world.type_until_taken("help", lambda: world.told(HELP))
        meanwhile()

    def check(self, world, kills):
        until("the help", lambda: world.told(HELP), 40)
        if world.told(HELP) > 1 + kills:
            raise Failed("told too often")


class Install(Flow):
    """Whoever does not see the page that says so presses the button again."""
    name = "install"
    roles = ("ingress", "auth", "responder")
    settings = {"SLACK_TOKEN_FILE": ""}
    again = False
    TEAM = "T0SIM2"

    def act(self, world, meanwhile):
        meanwhile()
        until("installed", lambda: self.pressed(world), 60, 0.2)

    def pressed(self, world):
        try:
            return INSTALLED in Browser(world.sim, "cyd@example.com", team=self.TEAM).walk(world.ingress + "/slack/install")
        except (Failed, OSError):
            return False

    def check(self, world, kills):
        until("all is done", lambda: world.owed() == 0, 40)
        if b"box" not in (world.redis("GET", world.key("responder:s:bot/" + self.TEAM, self.TEAM)) or b""):
            raise Failed("responder has no token")
        installed = [e for e in world.audit(self.TEAM) if e["task"] == "install"]
        if not 1 <= len(installed) <= world.state()["slack"]["issued"] <= 1 + kills:
            raise Failed(f"{world.state()['slack']}, {installed}")
        if world.redis("HGET", world.key("owed", "INSTALL"), "INSTALL") not in (None, b"0"):
            raise Failed("what was taken in is still counted")


class Notice(Flow):
    """A release of a routed pipeline: its message, then what becomes of it, then its history. Heroku tries again by itself."""
    name = "notice"
    roles = ("ingress", "notifier", "responder")
    settings = {"UPDATE_MS": 300}

    def begin(self, world):
        world.link()
        notices.route(world)
        world.quiet()

    def act(self, world, meanwhile):
        release = world.admin("/sim/vars", {"app": "storefront-staging"})
        world.subject = f'release/{release["app"]["id"]}/{release["version"]}'
        meanwhile()
        until("the end is told, with its history", lambda: [m for m in self.told(world) if " is live: Set GREETING" in m["text"] and self.lines(m) == 3], 60)

    def check(self, world, kills):
        told = self.told(world)
        replies = [r for m in told for r in m["thread"]]
        if not 1 <= len(told) <= 1 + kills or not 1 <= len(replies) <= 1 + kills or len(told) + len(replies) > 2 + kills:
            raise Failed(f"{json.dumps(told, ensure_ascii=False)[:800]}")

    def told(self, world):
        return notices.subjects(world).get(world.subject, [])

    def lines(self, message):
        return max([len(notices.words(r).split("\n")) - 1 for r in message["thread"]] or [0])


OFFERS = ("Deploy when green", "Promote when green")


class Operation(Flow):
    """A command that executor carries out; `changes`: it has a message that changes, locks, an audit."""
    roles = ("executor",)
    changes = True

    def __init__(self, name, line):
        self.name, self.line = name, line

    def begin(self, world):
        world.link()
        world.quiet()

    def prepare(self, world):
        world.reset()
        world.audit_before = len(world.audit())

    def act(self, world, meanwhile):
        world.type_until_taken(self.line, lambda: world.journal("GET /pipelines"))
        meanwhile()

    def check(self, world, kills):
        end = self.settled(world, kills)
        truth.told_at_github(world)
        if self.changes and not end.startswith("✔"):
            raise Failed("not a success: " + world.texts(world.BOB)[-800:])

    def settled(self, world, kills=0):
        """True whatever became of it. What was told last; what is only offered is not wanted."""
        seconds = 150 if "SLIPWAY_LEASE_MS" not in world.environment else 60
        until("all is over, or something is offered", lambda: world.owed() == 0 or any(map(world.button, OFFERS)), seconds)
        if world.owed():
            world.type("cancel " + world.op())
        world.quiet(seconds)
        truth.written_once(world)
        end = truth.one_end(world, kills)
        if self.changes:
            truth.audited(world, world.audit()[world.audit_before:], ends=self.ends)
        truth.sentry_took_all(world)
        if world.dead():
            raise Failed(f"dead letters: {world.dead()}")
        return end

    ends = 1


class Read(Operation):
    changes = False

    def act(self, world, meanwhile):
        world.type_until_taken(self.line, lambda: world.journal("GET /"))
        meanwhile()


class Cancel(Operation):
    """A build that takes long is cancelled while it runs."""

    def prepare(self, world):
        super().prepare(world)
        world.admin("/sim/config", {"build_ms": [30000, 30000]})

    def act(self, world, meanwhile):
        super().act(world, meanwhile)
        until("the build", lambda: world.told("builds it") or self.over(world), 30)
        world.admin("/sim/config", {"build_ms": [200, 300]})
        if not self.over(world):
            world.type("cancel " + world.op())

    def over(self, world):
        return world.owed() == 0 and truth.mine(world)[0] + truth.mine(world)[1]

    def check(self, world, kills):
        self.settled(world, kills)
        truth.told_at_github(world)
        if not world.journal("DELETE /apps"):
            raise Failed("the build was not deleted")


class Green(Operation):
    """Checks that are pending are waited for."""

    def prepare(self, world):
        super().prepare(world)
        world.checks("pending")

    def act(self, world, meanwhile):
        super().act(world, meanwhile)
        until("the offer", lambda: world.button("Deploy when green") or Cancel.over(self, world), 30)
        if world.button("Deploy when green"):
            world.type("wait " + world.op())
            until("it looks again", lambda: len(world.journal("GET /repos/acme/storefront/commits/")) > 4 or Cancel.over(self, world), 30)
        world.checks("success")


OPERATIONS = (Operation("deploy", "deploy storefront to staging"), Operation("deploy-older", "deploy billing/trunk to staging"),
              Operation("promoted", PROMOTE), Operation("rollback", "rollback storefront"), Operation("restart", "restart storefront in staging"),
              Operation("maintenance", "maintenance on storefront in staging"), Cancel("cancel", "deploy storefront to staging"),
              Green("green", "deploy storefront to staging"), Read("ps", "ps storefront in staging"), Read("info", "info storefront"),
              Read("releases", "releases storefront"))
SHORT_FLOWS = (Promote(), Install(), Login(), Renewal(), Refresh(), Release(), Help())
FLOWS = {f.name: f for f in (*SHORT_FLOWS, Notice(), *OPERATIONS)}
