"""Processes that stand still, are restarted, scaled, started in any order; messages that cannot be handled; a wire that is cut."""
import glob, json, os, random, signal, subprocess, threading

from cases import case
from redis_cases import helps, promoted_once
from talk import Failed, for_ms, holds, packed, read_line, request, until
from world import ACTORS, PROMOTE, ROLES
from words import CARD, GOT_LOST, HELP, INTERNAL


def ended_with(w, role, status):
    return f"{role} 1 ended with status {status}" in w.log()


def stand_still(w, moment):
    """executor stops at a moment of a promote, another takes over, the first goes on as if nothing had been."""
    stale, first = w.pids("executor"), owner(w, "executor")
    w.type(PROMOTE)
    moment(w)
    os.kill(stale[0], signal.SIGSTOP)
    w.scale(executor=2)
    until("the other one owns the shard", lambda: owner(w, "executor") not in (b"", first), 15)
    until("the final answer, by the other one", w.ended, 40)
    os.kill(stale[0], signal.SIGCONT)
    until("the stale owner ends with 75", lambda: ended_with(w, "executor", 75), 10)
    until("it is started again", lambda: w.ready("executor") == 2 and stale[0] not in w.pids("executor"), 15)
    if "another process owns a shard of this one" not in w.log():
        raise Failed("it did not say why it ended")
    promoted_once(w)


def owner(w, role):
    return w.redis("HGET", w.key(role + ":own"), "endpoint")


@case(world=dict(promote_ms="1500-2000"))
def stale_owner_stopped_during_polls_ends_and_promotes_once(w):
    stand_still(w, lambda w: until("a poll", lambda: w.journal("GET /pipeline-promotions")))


@case()
def stale_owner_stopped_during_the_post_ends_and_promotes_once(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=400, times=1)
    stand_still(w, lambda w: until("the POST is under way", lambda: w.faults_met() > 0))


@case()
def stale_owner_stopped_while_it_reads_ends_and_promotes_once(w):
    w.fault("GET /apps", "slow", delay_ms=400, times=1)
    stand_still(w, lambda w: until("a read is under way", lambda: w.faults_met() > 0))


@case(replicas=2)
def stopped_process_is_replaced_and_found_again(w):
    """Of two responders one stands still: the other takes its shards, and both end up sharing again."""
    pids = w.pids("responder")
    os.kill(pids[0], signal.SIGSTOP)
    w.type(PROMOTE)
    promoted_once(w)
    os.kill(pids[0], signal.SIGCONT)
    until("all shards are owned, by two", lambda: w.ready("responder") == 2 and w.metric("responder", "shards_owned") == 64, 20)
    helps(w)


def hide(w, roles):
    """Nobody new can connect to them; what is on its way waits or is dropped."""
    for role in roles:
        for path in glob.glob(f"{w.dir}/run/{role}-*.sock"):
            os.rename(path, path + ".hidden")


def unhide(w):
    for path in glob.glob(w.dir + "/run/*.hidden"):
        os.rename(path, path[:-len(".hidden")])


# Nobody has spoken to anybody yet, so that no connection is there before the sockets are hidden.
@case(linked=False)
def lost_wire_is_found_by_the_sweep(w):
    hide(w, ACTORS)
    w.link()
    w.type(PROMOTE)
    until("the final answer", w.ended, 40)
    for role in ("parser", "auth", "executor", "responder"):
        if not w.metric(role, "sweeps_found_total"):
            raise Failed(f"{role} was reached without the sweep")
    unhide(w)
    promoted_once(w)


@case(linked=False, settings=dict(SWEEP_MS=60000, LEASE_MS=60000))
def control_without_the_sweep_a_lost_wire_shows(w):
    hide(w, ACTORS)
    w.type("help")
    holds("no answer", lambda: not w.told(HELP), 2)
    unhide(w)
    until("the answer, when the peers can connect", lambda: w.told(HELP), 10)


@case(linked=False)
def lost_pages_are_told_again(w):
    """The door cannot be reached by wire, so no page comes: the browser is told in the end, and another try works."""
    hide(w, ["ingress"])
    w.type("login")
    url = until("the card", w.card_url)
    status, _, page = request(url, timeout=20)
    if status != 504:
        raise Failed(f"{status} {page[:100]}")
    unhide(w)
    until("the page, by the same link", lambda: request(url, timeout=20)[0] == 200, 20)


# ---- poison ----
def envelope(kind, body=None, version=1, cmd="01aaaaaaaaaaaaaaaaaaaaaa"):
    return packed({"v": version, "k": kind, "c": cmd, "i": "T0SIM1", "t": 1, "b": body or {}, "s": {}})


def put(w, mailbox, data):
    gen = w.redis("HGET", w.key("gen"), "gen").decode()
    return w.redis("XADD", w.key(mailbox), gen + "-*", "m", data)


def dead_list(w):
    done = w.command("dead", "list", "--json")
    if done.returncode != 0:
        raise Failed(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


@case()
def poison_of_every_kind_becomes_dead_letters_and_others_proceed(w):
    who = {"team": "T0SIM1", "user": "U0ADA", "channel": "C0DEPLOY"}
    w.type("help")
    w.quiet()
    put(w, "parser", b"garbage")
    put(w, "parser", b"")
    put(w, "executor", b"\xc1" * 1000)
    put(w, "executor", b"\xdd\xff\xff\xff\xff")
    put(w, "executor", b"\x91" * 60000 + b"\xc0")
    put(w, "responder:bulk", envelope("no.v1"))
    put(w, "auth", envelope("command.v1", {"who": {}}))
    put(w, "auth", envelope("command.v1", {"who": who, "line": "x", "command": 7}, version=2))
    put(w, "notifier", envelope("event.v1", {"x": "y" * 70000}))
    put(w, "responder", envelope("reply.v1", {"who": who, "op": "x" * 5000, "to": "private", "template": "help"}))
    put(w, "executor", envelope("granted.v1", {"who": who, "line": "x", "command": {}}))
    w.type(PROMOTE)
    until("the promote, among all that", w.ended, 20)
    w.quiet()
    letters = w.dead()
    want = {("parser", "malformed"), ("executor", "malformed"), ("responder", "unknown_kind"), ("auth", "newer_version"), ("notifier", "too_big")}
    if not want <= set(letters):
        raise Failed(f"missing {want - set(letters)} in {letters}")
    listed = dead_list(w)
    if len(listed) != len(letters) or not any(r.get("kind") == "no.v1" for r in listed):
        raise Failed(f"slipway dead list: {listed}")
    if sum(w.metric(role, "dead_total") for role in ACTORS) != len(letters):
        raise Failed("not all are counted")
    if w.promotions() != 1:
        raise Failed(f"{w.promotions()} promotions")


def kill_tries(w, times):
    """parser is killed whenever it commits what it made of the command."""
    w.crash("parser", "before-commit")
    w.type("help")
    for n in range(1, times + 1):
        until(f"kill {n}", w.crashed, 20)
        if n < times:
            w.crash("parser", "before-commit")


@case()
def poison_that_kills_three_times_is_told_and_others_proceed(w):
    kill_tries(w, 3)
    until("the person is told", lambda: w.told(INTERNAL), 20)
    if w.dead() != [("parser", "poison")]:
        raise Failed(f"{w.dead()}")
    helps(w)
    w.quiet()


@case()
def control_what_kills_twice_is_handled_in_the_end(w):
    kill_tries(w, 2)
    until("the answer", lambda: w.told(HELP), 20)
    w.quiet()
    if w.dead():
        raise Failed(f"{w.dead()}")


# ---- restarts and scaling under load ----
def load(w, n, between):
    """Types n commands, as often as it takes to have each acknowledged; between(i) runs before each. The ids of those taken in."""
    taken = []
    for i in range(n):
        between(i)
        for _ in range(50):
            try:
                answer = w.type(("help", "pipelines")[i % 2])
            except OSError:
                answer = {"status": 0}
            if answer["status"] == 200 and not answer["body"]:
                taken.append(answer["trigger_id"])
                break
            for_ms(100)
        else:
            raise Failed("never taken in")
    return taken


def all_answered(w, taken, seconds=40, most=1):
    """Every command that was acknowledged has its answer, by its own response_url."""
    def look():
        uses = {u["trigger_id"]: u["uses"] for u in w.state()["response_urls"]["list"]}
        return all(uses.get(t, 0) >= 1 for t in taken)
    until("every command has its answer", look, seconds)
    w.quiet()
    uses = {u["trigger_id"]: u["uses"] for u in w.state()["response_urls"]["list"]}
    if any(uses[t] > most for t in taken):
        raise Failed(f"answered more than {most} times: {uses}")


@case(world=dict(promote_ms="3000-4000"))
def sigterm_of_each_role_in_turn_loses_nothing(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)

    def restart(i):
        if i % 3 == 1 and i // 3 < len(ROLES):
            role = ROLES[i // 3]
            before = w.pids(role)
            w.kill(role, signal.SIGTERM)
            if i % 2:
                w.renewed(role, before)  # the other half is typed into the gap
    taken = load(w, 22, restart)
    all_answered(w, taken)
    promoted_once(w)
    for line in w.log().splitlines():
        if "ended with status" in line and "status 0" not in line or "was killed" in line:
            raise Failed(line)


@case()
def sigterm_during_the_promotion_post_waits_for_it(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=800, times=1)
    before = w.pids("executor")
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.kill("executor", signal.SIGTERM)
    w.renewed("executor", before)
    if w.told(GOT_LOST):
        raise Failed("it did not wait")
    promoted_once(w)


@case(settings=dict(DRAIN_MS=0))
def sigterm_without_time_to_drain_hands_the_post_over(w):
    w.fault("POST /pipeline-promotions", "slow", delay_ms=1500, times=1)
    w.type(PROMOTE)
    until("the POST is under way", lambda: w.faults_met() > 0)
    w.kill("executor", signal.SIGTERM)
    promoted_once(w)


@case()
def sigterm_of_all_in_a_promote_and_a_new_start_goes_on(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)
    status = w.stop_up()
    if status != 0 or glob.glob(w.dir + "/run/*.sock"):
        raise Failed(f"status {status}, left {os.listdir(w.dir + '/run')}")
    w.start_up()
    promoted_once(w)


@case(world=dict(promote_ms="3000-4000"))
def each_role_scaled_1_3_1_in_one_promote(w):
    w.type(PROMOTE)
    until("the POST", w.promotions)
    w.scale(**{role: 3 for role in ROLES})
    until("three of each", lambda: all(w.ready(role) == 3 for role in ROLES), 20)
    taken = load(w, 6, lambda i: None)
    for role in ACTORS:
        until(f"all shards of {role} are owned", lambda: w.metric(role, "shards_owned") == 64, 20)
    w.scale(**{role: 1 for role in ROLES})
    until("one of each", lambda: all(len(w.pids(role)) == 1 for role in ROLES), 20)
    taken += load(w, 6, lambda i: None)
    all_answered(w, taken)
    promoted_once(w)


# ---- start order ----
@case(up=False)
def roles_started_in_any_order_with_redis_absent_end_ready(w):
    chance = random.Random(w.seed)
    order = list(ROLES) * 2
    chance.shuffle(order)
    at = chance.randrange(1, len(order))
    subprocess.run([w.slipway, "keys", "init"], env=w.environment, check=True, stdout=subprocess.DEVNULL)
    readers = []
    for i, role in enumerate(order):
        if i == at:
            w.start_redis()
        r, wr = os.pipe()
        env = dict(w.environment, SLIPWAY_READY_FD=str(wr))
        readers.append((role, os.fdopen(r, "rb", 0), w.spawn([w.slipway, role], "role", env, pass_fds=[wr])))
        os.close(wr)
    for role, stream, child in readers:
        line = read_line(stream, 30, f"{role} is ready ({order}, redis at {at})")
        if role == "ingress":
            w.ingress = read_line(stream, 5, "the address of ingress").split()[-1]
        stream.close()
    w.admin("/sim/config", {"ingress": w.ingress})
    w.type("help")
    w.type("pipelines", w.BOB)
    until("the help", lambda: w.told(HELP), 20)
    until("the card", lambda: w.told(CARD, w.BOB), 20)
    for role, _, child in readers:
        child.send_signal(signal.SIGTERM)
    for role, _, child in readers:
        if child.wait(20) != 0:
            raise Failed(f"{role} ended with {child.returncode}")
    if glob.glob(w.dir + "/run/*.sock"):
        raise Failed("sockets are left")
    return f"redis {at}. in {' '.join(order)}"


@case(up=False)
def a_redis_that_forgets_is_refused(w):
    w.start_redis("--maxmemory-policy", "allkeys-lru")
    subprocess.run([w.slipway, "keys", "init"], env=w.environment, check=True, stdout=subprocess.DEVNULL)
    done = w.command("parser")
    if done.returncode != 78 or "noeviction" not in done.stderr:
        raise Failed(f"{done.returncode}: {done.stderr[-300:]}")


@case(replicas=2, long=True, world=dict(promote_ms="300-1500"))
def chaos_of_kills_loses_and_doubles_nothing(w):
    """Two of each; somebody is killed three times a second while ten promotes and their helps go through."""
    chance, stop, kills = random.Random(w.seed), threading.Event(), []

    def kill():
        while not stop.wait(0.33):
            role = chance.choice(ROLES[1:])
            pids = w.pids(role)
            if pids:
                kills.append(role)
                try:
                    os.kill(chance.choice(pids), signal.SIGKILL)
                except ProcessLookupError:
                    pass
    killer = threading.Thread(target=kill)
    killer.start()
    taken = []
    try:
        for i in range(10):
            done = len([m for m in w.parents() if m["text"].startswith("✔")])
            w.type(PROMOTE)
            taken += load(w, 3, lambda i: None)
            until(f"promote {i + 1}", lambda: len([m for m in w.parents() if m["text"].startswith("✔")]) > done, 90)
    finally:
        stop.set()
        killer.join()
    all_answered(w, taken, 60, most=4)
    if w.promoted() != 10:
        raise Failed(f"{w.promoted()} promotions")
    if w.dead():
        raise Failed(f"{w.dead()}")
    return f"{len(kills)} kills"
