"""What nobody took while the door was shut is looked for, and told once."""
from cases import case
from talk import Failed, until

ROUTE = "route storefront to #deploys"
SET = "Set GREETING config vars"


def hooks(w):
    """Webhooks that were made, at Heroku and GitHub."""
    return [e for e in w.journal("POST /") if e["status"] == 201 and (e["path"].endswith("/webhooks") or e["path"].endswith("/hooks"))]


def looked(w, path):
    """How often somebody asked for what could not be delivered."""
    return len([e for e in w.journal("GET /") if e["path"].endswith(path)])


def told(w, words):
    """Messages of the channel that say it, threads not counted."""
    return sum(words in str(m) for m in w.parents())


@case(settings=dict(TEND_MS=2000))
def what_came_while_the_door_was_shut_is_told_once(w):
    w.admin("/sim/config", {"hook_retry_ms": 1})  # Heroku gives up after seconds, not days
    w.type(ROUTE)
    until("the webhooks of three apps and a repository", lambda: len(hooks(w)) == 4)
    until("the route is looked after", lambda: looked(w, "/webhook-deliveries"), 15)
    w.scale(ingress=0)
    until("the door is shut", lambda: not w.pids("ingress"))
    w.admin("/sim/vars", {"app": "storefront-staging", "name": "GREETING"})
    w.admin("/sim/push", {"branch": "door", "message": "Shut the door"})
    until("Heroku and GitHub gave up", lambda: w.state()["webhooks"]["given_up"] >= 3, 15)
    w.scale(ingress=1)
    until("the door is open", lambda: w.ready("ingress") == 1)
    until("the release, which Heroku did not deliver", lambda: told(w, SET), 15)
    until("the push, which GitHub delivered again", lambda: told(w, "Shut the door"), 15)
    before = looked(w, "/webhook-deliveries")
    until("two more looks", lambda: looked(w, "/webhook-deliveries") >= before + 6, 15)
    for words in (SET, "Shut the door"):
        if told(w, words) != 1:
            raise Failed(f"{words}: told {told(w, words)} times in {w.texts()[-800:]}")
    if len(hooks(w)) != 4 or w.dead():
        raise Failed(f"{len(hooks(w))} webhooks, dead: {w.dead()}")
