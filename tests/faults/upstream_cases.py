"""Heroku and Slack answer late, half, not at all, or no: an outcome that is not known is never guessed."""
import re

from cases import case
from redis_cases import promoted_once
from talk import Failed, until
from world import PROMOTE
from words import AWAY, CARD_AGAIN, GOT_LOST, HELP, INTERNAL, NO_LOOK, ONCE_MORE, PIPELINES, SIGNED_OUT, TWICE, WANTS_CODE, WRONG_CODE

POST = "POST /pipeline-promotions"


def unknown_outcome(w, seconds=60):
    """One promotion in the end, found or made at the second try; Heroku never made two."""
    w.type(PROMOTE)
    until("the final answer", w.ended, seconds)
    w.quiet()
    if w.promoted() != 1:
        raise Failed(f"{w.promoted()} promotions")
    if not w.told(GOT_LOST, w.BOB):
        raise Failed("nobody was told that the answer got lost")
    if not any(m["text"].startswith("✔") for m in w.parents()):
        raise Failed("not a success: " + w.texts()[-600:])


@case()
def post_done_but_its_answer_lost(w):
    w.fault(POST, "lost", times=1)
    unknown_outcome(w)
    if w.promotions() != 1:
        raise Failed(f"posted {w.promotions()} times")


@case()
def post_done_but_its_answer_cut_in_the_middle(w):
    w.fault(POST, "cut", times=1)
    unknown_outcome(w)
    if w.promotions() != 1:
        raise Failed(f"posted {w.promotions()} times")


@case()
def post_done_long_after_its_time_out(w):
    w.fault(POST, "slow", delay_ms=4000, times=1)
    unknown_outcome(w)
    if w.promotions() != 1:
        raise Failed(f"posted {w.promotions()} times")


@case()
def post_on_a_connection_that_dies_is_not_repeated_by_itself(w):
    """libcurl would send it again where a kept-alive connection dies: it must not go out on one."""
    w.fault(POST, "close")
    w.type(PROMOTE)
    promoted_once(w)


@case()
def post_refused_with_503_is_looked_at_and_made_once_more(w):
    w.fault(POST, "status", status=503, times=1)
    unknown_outcome(w)
    if w.promotions() != 2 or not w.told(ONCE_MORE, w.BOB):
        raise Failed(f"posted {w.promotions()} times")


@case()
def post_refused_with_500_is_looked_at_and_made_once_more(w):
    w.fault(POST, "status", status=500, times=1)
    unknown_outcome(w)


@case()
def post_that_is_never_answered_ends_with_an_honest_unknown(w):
    w.fault(POST, "status", status=503)
    w.type(PROMOTE)
    until("the honest answer", lambda: w.told(TWICE), 60)
    w.quiet()
    if w.promotions() != 2 or w.promoted() or not w.ended():
        raise Failed(f"posted {w.promotions()} times, {w.promoted()} promotions")
    w.heal()
    w.type(PROMOTE)  # the lock is free
    until("the next promote", lambda: any(m["text"].startswith("✔") for m in w.parents()), 40)


@case()
def post_lost_and_then_no_way_to_look_ends_with_an_honest_unknown(w):
    w.type("help")
    w.quiet()
    w.fault(POST, "lost", times=1)
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.fault("GET /apps", "status", status=403)
    until("the honest answer", lambda: w.told(NO_LOOK), 60)
    w.quiet()
    if w.promotions() != 1 or w.promoted() != 1:
        raise Failed(f"posted {w.promotions()} times")


@case()
def post_asked_to_wait_with_429_waits(w):
    w.fault(POST, "429", retry_after=1, times=1)
    w.type(PROMOTE)
    until("the final answer", w.ended, 40)
    w.quiet()
    if w.promotions() != 2 or w.promoted() != 1 or w.told(GOT_LOST):
        raise Failed(f"posted {w.promotions()} times, {w.promoted()} promotions")
    at = [e["at_ms"] for e in w.journal(POST) if e["path"] == "/pipeline-promotions"]
    if at[1] - at[0] < 1000:
        raise Failed(f"asked again after {at[1] - at[0]} ms")


@case()
def reads_that_fail_are_tried_again(w):
    w.fault("GET /pipelines", "status", status=503, times=2)
    w.fault("GET /apps", "429", retry_after=1, times=1)
    w.fault("POST /filters/apps", "cut", times=1)
    w.fault("GET /pipeline-promotions", "status", status=500, times=2)
    w.fault("GET /apps", "lost", times=2)
    w.type(PROMOTE)
    promoted_once(w)
    if w.faults_met() != 8:
        raise Failed(f"only {w.faults_met()} faults were met")
    if not w.metric("executor", "retries_total", upstream="heroku"):
        raise Failed("no retry was counted")


@case(settings=dict(RETRY_MS=1500))
def reads_that_fail_for_long_are_told(w):
    w.fault("GET /pipelines", "status", status=503)
    w.type(PROMOTE)
    until("the honest answer", lambda: w.told("Nothing was changed"), 30)
    w.heal()
    w.type(PROMOTE)
    promoted_once(w, 60)  # the breaker may be open for a while


@case(world=dict(promote_ms="1000-1500"))
def polls_that_fail_are_waited_for(w):
    w.fault("GET /pipeline-promotions", "slow", delay_ms=2500, times=1)
    w.type(PROMOTE)
    promoted_once(w)


# ---- 401 ----
@case()
def token_refused_once_is_renewed_and_nobody_notices(w):
    w.admin("/sim/expire", {"email": "ada@example.com"})
    w.type(PROMOTE)
    promoted_once(w)
    if w.state()["tokens"]["refreshed"] != 1 or w.card_url():
        raise Failed(f"{w.state()['tokens']}")


@case(world=dict(promote_ms="1500-2000"))
def token_refused_in_the_middle_of_a_promotion_is_renewed(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.admin("/sim/expire", {"email": "ada@example.com"})
    promoted_once(w)


@case()
def token_refused_by_the_post_is_renewed_and_posted_once(w):
    w.fault(POST, "status", status=401, times=1)
    w.type(PROMOTE)
    until("the final answer", w.ended, 40)
    w.quiet()
    if w.promoted() != 1 or w.told(GOT_LOST):
        raise Failed(f"{w.promoted()} promotions")


def no_more_calls(w, on_their_way=0):
    """Nothing of Heroku after the refusal of the refresh, but what was on its way before anybody could know."""
    calls = [f"{e['method']} {e['path']} {e['status']}" for e in w.journal() if e["upstream"] in ("heroku", "heroku_id")]
    refusal = calls.index("POST /oauth/token 400")
    later = calls[refusal + 1:]
    if len(later) > on_their_way or any(call != "GET /pipelines 401" for call in later):
        raise Failed(f"after the refusal: {calls[refusal + 1:]}")
    return len(calls)


@case()
def access_taken_away_unlinks_with_a_card_and_no_further_call(w):
    w.admin("/sim/revoke", {"email": "ada@example.com"})
    for _ in range(5):
        w.type("pipelines")
    until("the cards", lambda: w.told(CARD_AGAIN) >= 1, 20)
    w.quiet()
    calls = no_more_calls(w, on_their_way=4)
    cards = w.told(CARD_AGAIN)
    w.type(PROMOTE)
    until("a card for the next one, which says why, too", lambda: w.told(CARD_AGAIN) > cards, 20)
    w.quiet()
    if no_more_calls(w, on_their_way=4) != calls or w.promotions():
        raise Failed("it was tried without an account")
    w.link()
    until("what was typed before goes on", w.ended, 40)
    promoted_once(w)


@case(world=dict(promote_ms="2500-3000"))
def access_taken_away_in_the_middle_of_a_promotion_is_told(w):
    w.type(PROMOTE)
    until("a poll", lambda: w.journal("GET /pipeline-promotions"))
    w.admin("/sim/revoke", {"email": "ada@example.com"})
    until("the honest answer", lambda: w.told(SIGNED_OUT), 30)
    until("everybody sees it", w.ended)
    w.quiet()
    no_more_calls(w)
    w.link()
    w.type(PROMOTE)  # the lock is free
    until("the next promote", lambda: any(m["text"].startswith("✔") for m in w.parents()), 40)


@case()
def token_refused_for_good_although_it_is_new_unlinks(w):
    """Each refresh works, and each new token is refused: that must not become a loop."""
    w.fault("GET /pipelines", "status", status=401)
    w.type("pipelines")
    until("the card", lambda: w.told(CARD_AGAIN), 30)
    w.quiet()
    if w.state()["tokens"]["refreshed"] > 3 or len(w.journal("GET /pipelines")) > 4:
        raise Failed(f"{w.state()['tokens']}, {len(w.journal('GET /pipelines'))} calls")


@case()
def refresh_whose_answer_is_lost_is_repeated_once(w):
    w.admin("/sim/expire", {"email": "ada@example.com"})
    w.fault("POST /oauth/token", "lost", times=1)
    w.type("pipelines")
    until("the answer", lambda: w.told(PIPELINES), 30)
    w.quiet()
    if w.state()["tokens"]["refreshed"] != 2 or w.card_url():
        raise Failed(f"{w.state()['tokens']}")


@case()
def refresh_that_never_answers_is_told_and_no_loop(w):
    w.admin("/sim/expire", {"email": "ada@example.com"})
    w.fault("POST /oauth/token", "lost")
    w.type("pipelines")
    until("the answer", lambda: w.told(INTERNAL) or w.told(AWAY) or w.told(CARD_AGAIN), 60)
    w.quiet()
    if len(w.journal("POST /oauth/token")) > 2:
        raise Failed(f"asked {len(w.journal('POST /oauth/token'))} times")
    w.heal()
    w.type("pipelines")
    until("the next one works, or asks to link again", lambda: w.told(PIPELINES) or w.card_url(), 30)


# ---- the one-time code ----
ATLAS = "promote atlas from staging to production"


def nowhere(w, pattern, where=""):
    """A secret is in no log and not in Redis' file."""
    for name, data in w.everything_written():
        found = re.search(pattern, data)
        if found:
            raise Failed(f"{where or pattern} in {name}: {data[max(0, found.start() - 60):found.end() + 20]!r}")


@case(world=dict(log="debug"))
def one_time_code_is_asked_for_used_and_kept_nowhere(w):
    w.type(ATLAS)
    until("the code is asked for", lambda: w.told(WANTS_CODE), 20)
    w.type(ATLAS + " 987654")
    until("a wrong one is refused", lambda: w.told(WRONG_CODE), 20)
    w.quiet()
    if w.promoted():
        raise Failed("promoted without the code")
    w.type(ATLAS + " 123456")
    until("the promote", lambda: any(m["text"].startswith("✔") for m in w.parents()), 40)
    w.quiet()
    if w.promoted() != 1:
        raise Failed(f"{w.promoted()} promotions")
    for code in (rb"(?<![0-9A-Za-z])987654(?![0-9A-Za-z])", rb"(?<![0-9A-Za-z])123456(?![0-9A-Za-z])"):
        nowhere(w, code, "the one-time code")
        if re.search(code, w.texts().encode()):
            raise Failed("people see the code")


# ---- Slack ----
def repeats(w):
    return w.metric("responder", "answer_repeated_total")


def doubles(w):
    """Messages of the channel that stand there twice."""
    texts = [m["text"] for top in w.parents() for m in [top, *top["thread"]]]
    return len(texts) - len(set(texts))


@case()
def parent_posted_but_its_answer_lost_is_doubled_once_and_counted(w):
    w.fault("POST /api/chat.postMessage", "lost", times=1)
    w.type(PROMOTE)
    promoted_once(w)
    if len(w.parents()) != 2 or repeats(w) != 1:
        raise Failed(f"{len(w.parents())} parents, {repeats(w)} counted")


@case()
def every_third_post_lost_doubles_no_more_than_is_counted(w):
    w.type(PROMOTE)
    until("the parent", w.parents)
    w.fault("POST /api/chat.postMessage", "lost", times=2)
    promoted_once(w)
    if doubles(w) > repeats(w) or repeats(w) > 2:
        raise Failed(f"{doubles(w)} doubles, {repeats(w)} counted")


@case()
def final_answer_posted_but_lost_is_doubled_once_and_counted(w):
    w.fault("POST /commands", "lost", times=1)
    w.type("help")
    until("told again", lambda: w.told(HELP) == 2, 20)
    w.quiet()
    if w.told(HELP) != 2 or repeats(w) != 1:
        raise Failed(f"told {w.told('This is what you can type')} times, {repeats(w)} counted")


@case()
def response_url_that_is_gone_falls_back_to_a_message_of_the_bot(w):
    w.fault("POST /commands", "status", status=404)
    w.type("help")
    until("by another way", lambda: w.told(HELP) == 1, 20)
    if not w.journal("POST /api/chat.postEphemeral"):
        raise Failed("by which way?")


@case()
def slack_that_says_429_is_waited_for(w):
    w.fault("POST /api/chat.postMessage", "429", retry_after=1, times=1)
    w.fault("POST /api/chat.update", "429", retry_after=1, times=1)
    w.fault("POST /commands", "429", retry_after=1, times=1)
    w.type(PROMOTE)
    w.type("help")
    promoted_once(w)
    until("the help", lambda: w.told(HELP) == 1, 20)
    if len(w.parents()) != 1 or repeats(w):
        raise Failed(f"{len(w.parents())} parents, {repeats(w)} counted")


@case()
def slack_that_is_sick_is_told_everything_in_the_end(w):
    w.fault("POST /api/chat.update", "status", status=503, times=3)
    w.fault("POST /api/chat.postMessage", "cut", times=1)
    w.type(PROMOTE)
    promoted_once(w)


@case()
def slack_away_for_a_while_stops_no_promotion(w):
    w.fault("POST /api", "status", status=500, times=12)
    w.type(PROMOTE)
    until("Heroku has promoted", lambda: w.promoted() == 1, 20)
    until("it is told", lambda: w.told("promoted *storefront*"), 60)
    w.quiet(60)
    if w.promotions() != 1:
        raise Failed(f"{w.promotions()} POSTs")


@case()
def nobody_works_for_a_workspace_more_than_for_another(w):
    """A sick hook of one workspace: the other's answers come as ever."""
    w.fault("POST /commands/T0SIM1", "slow", delay_ms=1000)
    for _ in range(40):
        w.type("help")
    answer = w.type("help", user="U0CYD", team="T0SIM2", channel="C0OTHER")
    if answer["status"] != 200:
        raise Failed(str(answer))
    until("the other workspace's answer", lambda: any(HELP in m["text"] for m in w.view("U0CYD", "T0SIM2", "C0OTHER")), 0.9)
    w.heal()
    until("the rest", lambda: w.told(HELP) == 40, 30)
