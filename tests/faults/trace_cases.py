"""Every command is traceable: `slipway trace` tells its whole story, also after a chaos of kills (I36)."""
import collections, json, os, random, re, signal, threading, time
from concurrent.futures import ThreadPoolExecutor

import truth
from cases import case
from talk import Failed, for_ms, until
from world import PROMOTE, ROLES
from words import PIPELINES

LINES = (PROMOTE, "help", "pipelines", "ps storefront in staging", "whoami", "deploy storefront to staging")
CHAOS_S = 12 if os.environ.get("SW_LONG") == "1" else 2


def trace(w, begin):
    done = w.command("trace", begin, "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def taken_in(w):
    """The commands as ingress wrote them down, each once."""
    lines = (json.loads(line) for line in w.log().splitlines() if line.startswith("{") and '"taken in"' in line)
    return list(dict.fromkeys(e["cmd"] for e in lines if e["kind"] == "slash.v1" and e["what"] == "new"))


def hop(step):
    return f'{step["actor"]}={step["entry" if step["step"] == "message" else "effect"]}'


def check(story):
    """Whatever happened in it was caused by something before, back to the door; and it ended."""
    known, name = {"door"}, story["command"]
    for step in story["steps"]:
        if step["cause"] not in known and not step.get("of"):
            raise Failed(f'{name}: nothing leads to {json.dumps(step)}')
        if hop(step) in known:
            raise Failed(f"{name}: told twice: {hop(step)}")
        known.add(hop(step))
    if not story["steps"] or story["steps"][0]["kind"] != "slash.v1" or story["owed"] or not story["ended"]:
        raise Failed(f"{name}: {json.dumps(story)[:600]}")
    if story["ended"]["how"] in ("without an answer", "dead letter"):
        raise Failed(f'{name}: ended {story["ended"]["how"]}')
    told = {a for s in story["steps"] for t in s.get("sent", []) if t.startswith("responder=") for a in [t]}
    handled = {hop(s) for s in story["steps"]}
    if not told or told - handled:
        raise Failed(f"{name}: responder was told nothing, or did not handle it: {told - handled}")


def every_write_is_told(w, stories):
    """What Heroku and GitHub were asked to change is an effect of one story, as often as it says that it tried."""
    tries = collections.Counter()
    for story in stories:
        for s in story["steps"]:
            if s["step"] == "effect" and s["method"] != "GET":
                tries[s["method"], s["path"]] += max(1, s["tries"])
    for e in truth.writes(w):
        path = re.sub("^/(github|kolkrabbi)(?=/)", "", e["path"])
        row = next((k for k in tries if k[0] == e["method"] and re.fullmatch(k[1].replace(".", r"\.").replace(":x", "[^/]+"), path)), None)
        if not row or not tries[row]:
            raise Failed(f'no story tells of {e["method"]} {e["path"]}; left: {+tries}')
        tries[row] -= 1


@case(replicas=2, world=dict(promote_ms="200-800", log="info"))
def every_command_has_its_story_after_a_chaos_of_kills(w):
    chance, stop, kills = random.Random(w.seed), threading.Event(), []

    def kill():
        while not stop.wait(0.4):
            pids = w.pids(chance.choice(ROLES[1:]))
            if pids:
                try:
                    os.kill(chance.choice(pids), signal.SIGKILL)
                    kills.append(1)
                except ProcessLookupError:
                    pass
    before = len(taken_in(w))
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        until_s = time.monotonic() + CHAOS_S
        while time.monotonic() < until_s:
            w.type(chance.choice(LINES))
            for_ms(150)
    finally:
        stop.set()
        killer.join()
    w.quiet(60)
    commands, stories = taken_in(w)[before:], []
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda cmd: trace(w, cmd), commands))
    for cmd, (status, story, complaint) in zip(commands, told):
        if status != 0:
            raise Failed(f"{cmd}: {status} {complaint}")
        check(story)
        stories.append(story)
    every_write_is_told(w, stories)
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
    return f"{len(kills)} kills, {len(stories)} stories, {sum(len(s['steps']) for s in stories)} steps"


@case(world=dict(promote_ms="2000-2500", log="info"))
def a_story_says_what_is_still_owed_and_which_ids_it_may_be(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)
    cmd = until("its id", w.op)
    status, story, _ = trace(w, cmd[:14])
    if status != 0 or story["command"] != cmd or story["ended"] or not story["owed"]:
        raise Failed(f"{status} {json.dumps(story)[:400]}")
    until("the end", w.ended)
    w.quiet()
    for _ in range(2):
        w.type("pipelines")
    until("both answers", lambda: w.told(PIPELINES) == 2)
    w.quiet()
    status, story, complaint = trace(w, cmd[:3])
    if status != 1 or cmd not in story["commands"] or len(story["commands"]) < 3 or "several" not in complaint:
        raise Failed(f"{status} {story} {complaint}")
    status, story, complaint = trace(w, cmd[:-1] + ("0" if cmd[-1] != "0" else "1"))
    if status != 1 or not story["oldest_ms"] or "the oldest step that is kept" not in complaint:
        raise Failed(f"{status} {story} {complaint}")
