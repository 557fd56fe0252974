"""What matrix.py kills in the middle of a refresh whose token works once: GitHub's."""
from flows import Flow
from talk import Browser, Failed, until
from tokens import issued
from words import LOST, NO_PIPELINE, SIGNED_OFF

ASKS = "deploy nowhere to staging"  # what needs both accounts, and ends early


class Once(Flow):
    """A kill may cost the answer. Then the person is asked to connect again, is told why, and nothing goes round in circles."""
    name = "once"
    roles = ("auth", "refresher")

    def begin(self, world):
        world.admin("/sim/config", {"github_app": "expiring"})

    def prepare(self, world):
        if getattr(world, "walked", False):
            world.type("logout")
            until("signed out", lambda: world.told(SIGNED_OFF))
            world.quiet()
            world.reset()
        world.walked = True
        self.live(world, 4)
        world.first = len(issued(world, "github.refresh"))
        world.link()
        self.live(world, 28800)

    def live(self, world, seconds):
        world.admin("/sim/config", {"github_expires_in": seconds})

    def uses(self, world):
        return [n for _, n in issued(world, "github.refresh")[world.first:]]

    def act(self, world, meanwhile):
        meanwhile()
        until("the refresh", lambda: sum(self.uses(world)), 20)

    def check(self, world, kills):
        until("all but the next refresh is done", lambda: world.owed() == 0, 40)
        uses = self.uses(world)
        # Each use but those that a kill repeated made the next one; on a slow machine there are some while it is linked.
        if max(uses) > 1 + kills or sum(uses) > len(uses) - 1 + kills:
            raise Failed(f"used so often: {uses}")
        card, seen = world.card_url(), world.told(NO_PIPELINE)
        answered = lambda: world.told(NO_PIPELINE) > seen or world.card_url() != card
        world.type_until_taken(ASKS, answered)
        until("an answer, or a card", answered)
        if world.card_url() != card:
            self.lost(world, uses)
            until("it goes on after that", lambda: world.told(NO_PIPELINE) > seen, 20)
        if self.uses(world)[:len(uses)] != uses or sum(self.uses(world)) != sum(uses):
            raise Failed(f"refreshed again: {uses}, then {self.uses(world)}")

    def lost(self, world, uses):
        """Only where the same token was presented twice; everything but that would have been a mistake of ours."""
        if 2 not in uses or not world.told(LOST):
            raise Failed(f"asked to connect, uses {uses}: {world.texts()[-600:]}")
        browser = Browser(world.sim, "ada@example.com")
        browser.walk(world.card_url())
        world.browsers.append(browser)
