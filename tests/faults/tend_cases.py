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


def posts(w):
    return [e for e in w.journal("POST /") if e["path"].endswith("/webhooks") or e["path"].endswith("/hooks")]


def routed(w):
    return any("from now on" in m["text"] for m in w.view(w.ADA))


@case()
def webhooks_are_made_once_though_their_answers_are_lost(w):
    w.fault("POST /apps", "lost", times=1)
    w.fault("POST /repos", "cut", times=1)
    w.type(ROUTE)
    until("the route", lambda: routed(w), 40)
    if w.faults_met() != 2:
        raise Failed("nothing got lost")
    if len(posts(w)) != 4 or "will not come" in w.texts():
        raise Failed(f"{len(posts(w))} posts; {w.texts()[-600:]}")


@case()
def webhooks_are_made_once_though_executor_is_killed(w):
    for upstream in ("POST /apps", "POST /repos"):
        w.fault(upstream, "slow", delay_ms=1500, times=1)
    w.type(ROUTE)
    for nth in (1, 4):
        until(f"post {nth}", lambda: len(posts(w)) >= nth, 40)
        before = w.pids("executor")
        w.kill("executor")
        w.renewed("executor", before)
    until("the route", lambda: routed(w), 60)
    if len(posts(w)) != 4:
        raise Failed(f"{len(posts(w))} posts")


@case(settings=dict(CHECK_MS=1500))
def whose_owner_signs_out_is_told_and_goes_on_when_they_are_back(w):
    w.type(ROUTE)
    until("the route", lambda: routed(w), 20)
    w.type("logout")
    until("the channel is told", lambda: w.told("is not reported here any more", w.BOB), 10)
    w.link()
    until("it goes on", lambda: w.told("is reported here again", w.BOB), 20)
    if w.told("is not reported here any more", w.BOB) != 1 or w.told("is reported here again", w.BOB) != 1 or w.dead():
        raise Failed(f"dead: {w.dead()}; {w.texts()[-800:]}")
