"""Redis is killed, is away, stands still, is full, or comes back with nothing."""
import base64, hashlib, hmac, itertools, json, os, shutil, signal, threading

from cases import case
from talk import Failed, for_ms, holds, request, until
from world import PROMOTE
from words import HELP, NOT_STORED, SHED



def promoted_once(w, seconds=40):
    until("the final answer", w.ended, seconds)
    w.quiet()
    if w.promotions() != 1 or w.promoted() != 1:
        raise Failed(f"{w.promotions()} POSTs, {w.promoted()} promotions")
    if not any(m["text"].startswith("✔") for m in w.parents()):
        raise Failed("not a success: " + w.texts()[-600:])
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")


def answered(w, answer, seconds=2.5):
    """An honest answer in time: an empty 200 is a promise, a text says that there is none."""
    if answer["status"] != 200 or answer["ms"] > seconds * 1000:
        raise Failed(f"{answer['status']} after {answer['ms']} ms")
    return answer["body"]


def helps(w, seconds=10):
    """A command typed now is done."""
    before = w.told(HELP)
    w.type_until_taken("help", lambda: w.told(HELP) > before)
    until("the help", lambda: w.told(HELP) > before, seconds)


@case()
def redis_killed_after_the_ack(w):
    if answered(w, w.type(PROMOTE)):
        raise Failed("not taken in")
    w.kill_redis()
    promoted_once(w)


@case()
def redis_killed_while_executor_reads(w):
    w.fault("GET /pipelines", "slow", delay_ms=400, times=2)
    w.type(PROMOTE)
    until("a read is under way", lambda: w.faults_met() > 0)
    w.kill_redis()
    promoted_once(w)


@case()
def redis_killed_during_the_promotion_post(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=600, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.kill_redis()
    promoted_once(w)


@case()
def redis_and_executor_killed_during_the_promotion_post(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=600, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.end_redis()
    w.kill("executor")
    w.start_redis()
    promoted_once(w, 60)


@case(world=dict(promote_ms="2000-2500"))
def redis_killed_during_polls(w):
    w.type(PROMOTE)
    until("a poll", lambda: w.journal("GET /pipeline-promotions"))
    w.kill_redis()
    promoted_once(w)


@case(world=dict(promote_ms="2000-2500"))
def redis_killed_three_times_in_one_promote(w):
    w.type(PROMOTE)
    for what in ("POST /pipeline-promotions", "GET /pipeline-promotions", "POST /api/chat.update"):
        until(what, lambda: w.journal(what))
        w.kill_redis()
    promoted_once(w)


@case()
def redis_killed_during_responders_posts(w):
    w.fault("POST /api/chat.postMessage", "slow", delay_ms=300, times=3)
    w.type(PROMOTE)
    until("a post is under way", lambda: w.faults_met() > 0)
    w.kill_redis()
    promoted_once(w)
    if not 1 <= len(w.parents()) <= 2:
        raise Failed(f"{len(w.parents())} parents")


@case(linked=False)
def redis_killed_during_the_code_exchange(w):
    w.fault("POST /oauth/token", "slow", delay_ms=600, times=1)
    failed = []

    def link():
        try:
            w.link()
        except (Failed, OSError) as e:
            failed.append(e)
    browser = threading.Thread(target=link)
    browser.start()
    until("the exchange is under way", lambda: w.faults_met() > 0)
    w.kill_redis()
    browser.join()
    if failed:
        w.link()
    w.type(PROMOTE)
    promoted_once(w)


@case(replicas=3)
def redis_killed_under_three_replicas_each(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.kill_redis()
    promoted_once(w)


@case()
def redis_and_every_actor_killed_at_once(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.end_redis()
    for pid in w.pids():
        os.kill(pid, signal.SIGKILL)
    w.start_redis()
    promoted_once(w, 60)


@case()
def redis_away_gives_an_honest_answer_and_later_commands_work(w):
    w.quiet()
    w.end_redis()
    before = len(w.view())
    for _ in range(3):  # about a second each at the least: 3 s away
        if NOT_STORED not in answered(w, w.type(PROMOTE)):
            raise Failed("taken in without Redis")
    for_ms(500)
    if len(w.view()) != before + 3:
        raise Failed("an answer from nowhere")
    w.start_redis()
    helps(w)
    w.quiet()
    if w.promotions():
        raise Failed("what was said not to be stored ran all the same")


@case()
def redis_stopped_gives_an_honest_answer_and_later_commands_work(w):
    w.redis_process.send_signal(signal.SIGSTOP)
    typed = [w.type("help"), w.type("pipelines")]
    for answer in typed:
        if NOT_STORED not in answered(w, answer):
            raise Failed("taken in without Redis")
    w.redis_process.send_signal(signal.SIGCONT)
    helps(w)
    w.quiet()


@case(world=dict(promote_ms="2000-2500"))
def redis_stopped_for_four_seconds_in_a_promote(w):
    w.type(PROMOTE)
    until("a poll", lambda: w.journal("GET /pipeline-promotions"))
    w.redis_process.send_signal(signal.SIGSTOP)
    for_ms(4000)
    w.redis_process.send_signal(signal.SIGCONT)
    promoted_once(w)


@case()
def redis_stopped_during_the_promotion_post(w):
    """Longer than the lease and than the POST's time-out: nobody else may take the mark for an unknown outcome and post again."""
    w.fault("POST /pipeline-promotions", "slow", delay_ms=300, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.redis_process.send_signal(signal.SIGSTOP)
    for_ms(4000)
    w.redis_process.send_signal(signal.SIGCONT)
    promoted_once(w)


@case()
def redis_full_is_told_and_heals(w):
    used = int(next(line for line in w.redis("INFO", "memory").decode().splitlines() if line.startswith("used_memory:")).split(":")[1])
    w.redis("CONFIG", "SET", "maxmemory", used * 11 // 10)  # over 85 %
    until("the door sheds", lambda: SHED in answered(w, w.type("help")), 10, 0.2)
    w.redis("CONFIG", "SET", "maxmemory", 0)
    until("the door opens", lambda: answered(w, w.type("help")) == "", 10, 0.2)
    helps(w)


@case()
def redis_nearly_full_keeps_its_room_for_commands(w):
    """What comes by itself, and comes again, is refused before what somebody typed."""
    w.redis("SADD", "sw:src:heroku/app-full", w.TEAM)
    events = itertools.count()

    def hook():
        body = json.dumps({"id": f"full-{next(events)}", "action": "update", "resource": "release",
                           "data": {"id": "r", "version": 7, "status": "succeeded", "app": {"id": "app-full", "name": "full"}}})
        mac = hmac.new(w.secrets["HEROKU_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256).digest()
        return request(w.ingress + "/webhooks/heroku", "POST", body, {"Heroku-Webhook-Hmac-SHA256": base64.b64encode(mac).decode()})[0]
    if hook() != 200:
        raise Failed("not taken in while there is room")
    used = int(next(line for line in w.redis("INFO", "memory").decode().splitlines() if line.startswith("used_memory:")).split(":")[1])
    w.redis("CONFIG", "SET", "maxmemory", used * 4 // 3)  # over 70 %
    until("webhooks are refused", lambda: hook() == 503, 10, 0.2)
    helps(w)
    w.redis("CONFIG", "SET", "maxmemory", 0)
    until("webhooks are taken in again", lambda: hook() == 200, 10, 0.2)


@case(world=dict(promote_ms="2000-2500"))
def redis_without_any_room_stops_nothing_for_good(w):
    w.type(PROMOTE)
    until("a poll", lambda: w.journal("GET /pipeline-promotions"))
    w.redis("CONFIG", "SET", "maxmemory", 1)
    until("nothing is promised", lambda: any(t in answered(w, w.type("help")) for t in (NOT_STORED, SHED)), 10, 0.2)
    for_ms(1500)
    w.redis("CONFIG", "SET", "maxmemory", 0)
    promoted_once(w)
    helps(w)


@case(world=dict(durability="memory"))
def redis_that_comes_back_empty_forgets_and_goes_on(w):
    """Durability memory promises nothing: but nothing runs twice, and new work is done."""
    w.fault("POST /pipeline-promotions", "slow", delay_ms=600, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.end_redis()
    shutil.rmtree(w.dir + "/redis")
    w.start_redis()
    helps(w)
    w.link()
    w.type(PROMOTE)
    until("the final answer", w.ended, 40)
    w.quiet()
    if w.promoted() > 2:
        raise Failed(f"{w.promoted()} promotions of two commands")


@case()
def redis_whose_scripts_are_gone_gets_them_again(w):
    w.redis("SCRIPT", "FLUSH")
    w.type(PROMOTE)
    promoted_once(w)


@case(long=True)
def redis_killed_every_half_second(w):
    stop = threading.Event()

    def kill():
        while not stop.wait(0.5):
            w.kill_redis()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        w.type_until_taken(PROMOTE, lambda: w.journal("GET /pipelines"))
        for_ms(10000)
    finally:
        stop.set()
        killer.join()
    promoted_once(w, 60)
