"""Deploys and what stands around them: checks that are waited for, locks, cancelling, GitHub that says no or goes away."""
import json

import truth
from cases import case
from talk import Failed, until
from words import AGAIN_GREEN, AT_WORK, CANCELLED, DEPLOY_NO_LOOK, DEPLOY_TWICE, FORCED, HAS_LOCKED, INTERNAL, MERGED, NOT_GREEN, NOT_READY, TOOK_LOCK, UNTOLD, WANTS_CODE, WRONG_CODE
from world import PROMOTE

DEPLOY = "deploy storefront to staging"
LONG = [30000, 30000]
FAST = [200, 300]


def ended(w, mark="✔", ends=1, parents=1, repo_told=True, seconds=40, private=1):
    """Everything is over, and as it should be; the last message that changes."""
    w.quiet(seconds)
    found, alone = truth.mine(w)
    if len(found) != parents or any(m["text"].startswith("…") for m in found) or len(alone) > private:
        raise Failed(f"{len(found)} messages, {len(alone)} private ones: {w.texts()[-900:]}")
    truth.written_once(w)
    truth.audited(w, [e for e in w.audit() if e["cmd"] not in w.known_cmds and e["actor"] == "executor"], ends)
    if repo_told:
        truth.told_at_github(w)
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
    if not found[-1]["text"].startswith(mark):
        raise Failed(f"not {mark}: {found[-1]['text']} {[t['text'] for t in found[-1]['thread']]}")
    return found[-1]


def nothing_written(w):
    if truth.writes(w):
        raise Failed(f"written: {truth.writes(w)}")


def thread(message):
    return " | ".join(t["text"] for t in message["thread"])


def building(w):
    """A deploy whose build takes long is in the middle of it."""
    w.admin("/sim/config", {"build_ms": LONG})
    w.type(DEPLOY)
    until("the build", lambda: w.told("builds it"), 20)
    w.admin("/sim/config", {"build_ms": FAST})
    return w.op()


def offered(w):
    w.checks("pending")
    w.type(DEPLOY)
    until("the offer", lambda: w.told(NOT_READY), 20)
    return w.op()


def linked_too(w):
    """Bob as well, who may deploy storefront."""
    w.link(w.BOB, "bob@example.com")
    w.quiet()
    w.reset()
    w.known_cmds = {e["cmd"] for e in w.audit()}


def once_more(w, line=DEPLOY, **more):
    """Nothing of the first one is in the way of the next."""
    w.reset()
    w.known_cmds = {e["cmd"] for e in w.audit()}
    w.type(line)
    return ended(w, **more)


def told_bob(w, words, seconds=20):
    until(f"bob is told: {words}", lambda: w.told(words, w.BOB), seconds)


def operation(fn=None, **more):
    """A case whose audit starts at its own beginning."""
    def register(fn):
        def run(w):
            w.known_cmds = {e["cmd"] for e in w.audit()}
            return fn(w)
        run.__name__ = fn.__name__
        case(**more)(run)
        return fn
    return register(fn) if fn else register


# ---- checks ----
@operation
def checks_pending_are_waited_for_by_a_click_and_deployed(w):
    offered(w)
    nothing_written(w)
    w.click("Deploy when green")
    until("it waits, and until when", lambda: w.told("waits for its checks, until"), 20)
    w.checks("success")
    end = ended(w)
    if AGAIN_GREEN not in thread(end):
        raise Failed(thread(end))
    if w.button("Deploy when green"):
        raise Failed("the button is still there")


@operation
def checks_pending_can_be_cancelled_by_a_click(w):
    offered(w)
    w.click("Cancel")
    end = ended(w, "✖")
    if CANCELLED not in end["text"]:
        raise Failed(end["text"])
    nothing_written(w)


@operation
def checks_that_are_waited_for_can_be_cancelled(w):
    w.type("wait " + offered(w))
    until("it waits", lambda: w.told("waits for its checks, until"), 20)
    w.type("cancel " + w.op())
    if CANCELLED not in ended(w, "✖", private=2)["text"]:
        raise Failed(w.texts())
    nothing_written(w)
    w.checks("success")
    once_more(w)


@operation
def checks_that_turn_red_while_they_are_waited_for_end_it(w):
    w.type("wait " + offered(w))
    until("it waits", lambda: w.told("waits for its checks, until"), 20)
    w.checks("failure")
    ended(w, "✖", private=2)
    nothing_written(w)
    if not w.told(NOT_GREEN):
        raise Failed("the person was not told which: " + w.texts()[-600:])


@operation
def checks_that_are_red_stop_a_deploy_but_a_forced_one_says_so(w):
    w.checks("failure")
    w.type(DEPLOY)
    until("told", lambda: w.told(NOT_GREEN), 20)
    w.quiet()
    nothing_written(w)
    w.type("deploy! storefront to staging")
    end = ended(w, ends=2)
    if FORCED not in thread(end):
        raise Failed(thread(end))
    entries = [e for e in w.audit() if e["cmd"] == w.op()]
    if not all(e.get("forced") for e in entries):
        raise Failed(f"{entries}")


@operation(settings=dict(GREEN_WAIT_MS=1500))
def checks_that_never_come_end_the_waiting(w):
    w.type("wait " + offered(w))
    end = ended(w, "✖", private=2)
    nothing_written(w)
    if "was not deployed" not in end["text"]:
        raise Failed(end["text"])


# ---- cancelling ----
@operation
def cancel_during_the_build_deletes_it(w):
    w.type("cancel " + building(w))
    end = ended(w, "✖")
    if CANCELLED not in end["text"] or len(w.journal("DELETE /apps")) != 1:
        raise Failed(f"{end['text']} {w.journal('DELETE /apps')}")
    truth.nothing_is_locked(w)
    once_more(w)  # Heroku has room for another build


@operation
def cancel_by_another_person_is_refused(w):
    linked_too(w)
    op = building(w)
    w.type("cancel " + op, w.BOB)
    told_bob(w, "Only who started")
    if w.journal("DELETE /apps"):
        raise Failed("it was done")
    w.type("cancel " + op)
    ended(w, "✖")


@operation
def cancel_after_the_promotion_began_is_too_late_and_says_so(w):
    w.admin("/sim/config", {"promote_ms": [2000, 2500]})
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.type("cancel " + until("the message", w.op))
    ended(w, private=2)
    if not w.told("can no longer be cancelled") or w.promoted() != 1:
        raise Failed(w.texts()[-600:])


# ---- two people ----
@operation
def two_people_deploy_the_same_app_and_one_is_told_who_holds_it(w):
    linked_too(w)
    building(w)
    w.type(DEPLOY, w.BOB)
    told_bob(w, AT_WORK)
    w.type("cancel " + w.op())
    ended(w, "✖", ends=2)
    if len([e for e in truth.writes(w) if e["path"].endswith("/builds")]) != 1:
        raise Failed(f"{truth.writes(w)}")


@operation
def two_people_at_the_same_moment_make_one_build(w):
    linked_too(w)
    w.type(DEPLOY)
    w.type(DEPLOY, w.BOB)
    until("both have an end", lambda: w.owed() == 0 and truth.mine(w)[0] and (w.told(AT_WORK) or w.told(AT_WORK, w.BOB)), 40)
    ended(w, ends=2)
    if len([e for e in truth.writes(w) if e["path"].endswith("/builds")]) != 1:
        raise Failed(f"{truth.writes(w)}")


@operation
def what_a_person_locked_is_left_alone_until_the_lock_is_taken_away(w):
    linked_too(w)
    w.type("lock storefront because we measure")
    until("locked", lambda: w.told("has locked"), 20)
    w.quiet()
    w.type(DEPLOY, w.BOB)
    told_bob(w, HAS_LOCKED)
    w.type(PROMOTE, w.BOB)
    w.type("rollback storefront", w.BOB)
    until("each is refused", lambda: sum(HAS_LOCKED in m["text"] for m in w.view(w.BOB) if m.get("ephemeral")) == 3, 20)
    nothing_written(w)
    w.type("unlock! storefront", w.BOB)
    until("the owner is told", lambda: any(TOOK_LOCK in (e.get("body") or {}).get("text", "") for e in w.journal("POST /api/chat.postMessage")), 20)
    w.quiet()
    w.type(DEPLOY, w.BOB)
    until("it is deployed", lambda: any(m["text"].startswith("✔") for m in w.parents()), 40)
    w.quiet()


# ---- GitHub says no, or goes away ----
@operation
def github_revoked_in_the_middle_ends_the_deploy_and_says_so(w):
    w.admin("/sim/config", {"build_ms": [1500, 1600]})
    w.type(DEPLOY)
    until("the build", lambda: w.told("builds it"), 20)
    w.admin("/sim/revoke", {"github": "ada-l"})
    end = ended(w, repo_told=False)
    if UNTOLD not in thread(end):
        raise Failed(f"{end['text']} {thread(end)}")
    if len(truth.mine(w)[1]) > 1:
        raise Failed("asked for the account more than once")
    truth.nothing_is_locked(w)


@operation
def github_merges_first_and_nothing_is_deployed(w):
    w.admin("/sim/github/auto_merge", {"repo": "acme/storefront", "times": 1})
    w.type(DEPLOY)
    ended(w, "✖")
    if not w.told(MERGED) or w.journal("POST /apps"):
        raise Failed(w.texts()[-600:])
    truth.nothing_is_locked(w)


@operation
def github_finds_a_conflict_and_nothing_is_deployed(w):
    w.admin("/sim/github/conflict", {"repo": "acme/storefront", "times": 1})
    w.type(DEPLOY)
    ended(w, "✖")
    if w.journal("POST /apps"):
        raise Failed(w.texts()[-600:])
    truth.nothing_is_locked(w)


@operation(settings=dict(RETRY_MS=1000))
def github_away_for_good_is_told_and_nothing_is_done(w):
    w.fault("GET /repos", "status", status=503)
    w.type(DEPLOY)
    until("told", lambda: w.told("does not answer as it should"), 30)
    w.quiet()
    nothing_written(w)
    w.heal()


# ---- the second factor ----
@operation(world=dict(log="debug"))
def code_of_a_deploy_is_asked_for_used_and_kept_nowhere(w):
    line = "deploy atlas to staging"
    w.type(line)
    until("the code is asked for", lambda: w.told(WANTS_CODE), 20)
    w.type(line + " 987654")
    until("a wrong one is refused", lambda: w.told(WRONG_CODE), 20)
    w.quiet()
    nothing_written(w)
    w.type(line + " 123456")
    until("the deploy", lambda: any(m["text"].startswith("✔") for m in w.parents()), 40)
    w.quiet()
    truth.written_once(w)
    if any("123456" in e["line"] or "987654" in e["line"] for e in w.audit()):
        raise Failed(f"{w.audit()}")


# ---- what fails at Heroku is told as it is ----
def fails(w, where, status="failure"):
    w.admin("/sim/config", {"fail": {"app": "storefront-staging", "where": where, "times": 1}})
    w.type(DEPLOY)
    end = ended(w, "✖")
    states = [s["state"] for repo in w.admin("/sim/github")["repos"] for d in repo["deployments"] for s in d["statuses"]]
    if states[-1] != status:
        raise Failed(f"{states}")
    truth.nothing_is_locked(w)
    return thread(end)


@operation
def build_that_fails_is_told_to_people_and_to_github(w):
    if "was not built" not in fails(w, "build"):
        raise Failed(w.texts()[-600:])


@operation
def release_that_fails_is_told_to_people_and_to_github(w):
    if "was not released" not in fails(w, "release"):
        raise Failed(w.texts()[-600:])


@operation
def dynos_that_crash_are_told_to_people_and_to_github(w):
    if "does not run well" not in fails(w, "dynos"):
        raise Failed(w.texts()[-600:])


# ---- unknown ends ----
def unknown(w, words):
    end = ended(w, "⚠", seconds=60)
    if not w.told(words) or DEPLOY not in w.texts():
        raise Failed(w.texts()[-800:])
    truth.nothing_is_locked(w)
    return end


@operation
def build_lost_and_then_no_way_to_look_ends_with_an_honest_unknown(w):
    w.fault("POST /apps/*/builds$", "lost", times=1)
    w.fault("GET /apps/*/builds$", "status", status=403)
    w.type(DEPLOY)
    unknown(w, DEPLOY_NO_LOOK)


@operation
def build_that_is_never_answered_ends_with_an_honest_unknown(w):
    w.fault("POST /apps/*/builds$", "status", status=503)
    w.type(DEPLOY)
    unknown(w, DEPLOY_TWICE)
    once_more(w)


# ---- Sentry ----
@operation
def command_that_kills_its_handler_is_reported_with_the_id_that_the_person_is_told(w):
    w.crash("parser", "before-commit")
    w.type("help")
    for n in range(1, 4):
        until(f"kill {n}", w.crashed, 20)
        if n < 3:
            w.crash("parser", "before-commit")
    until("the person is told", lambda: w.told(INTERNAL), 20)
    until("Sentry is told", lambda: any("dead letter" in json.dumps(e) for e in w.sentry()["events"]), 20)
    event = next(e for e in w.sentry()["events"] if "dead letter" in json.dumps(e))
    private = next(m["text"] for m in w.view() if INTERNAL in m["text"])
    tags = event.get("tags", {})
    command = next((v for v in tags.values() if len(str(v)) > 15 and str(v) in w.texts()), None)
    if not command or w.ADA not in json.dumps(event) or w.TEAM not in json.dumps(event):
        raise Failed(f"{private} {event}")
    return f"{command}, {len(w.sentry()['events'])} events"


@operation
def sentry_that_is_sick_disturbs_nobody(w):
    w.fault("POST /sentry", "status", status=500)
    w.fault("GET /pipelines", "status", status=503, times=3)
    w.type(DEPLOY)
    ended(w)
    if w.sentry()["events"]:
        raise Failed("it was not sick")
    w.heal()


@operation
def calls_that_are_tried_again_are_reported_with_their_upstream(w):
    w.fault("GET /pipelines", "status", status=503, times=3)
    w.type(DEPLOY)
    ended(w)
    until("Sentry is told", lambda: w.sentry()["events"], 10)
    if not any("heroku" in json.dumps(e) and w.op() in json.dumps(e) for e in w.sentry()["events"]):
        raise Failed(f"{w.sentry()['events']}")
