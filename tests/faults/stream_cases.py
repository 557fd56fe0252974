"""Events by Kafka: nothing lost, nothing twice. Entries are counted by Redis, which knows how many were ever added.

One broker serves all cases that leave it alone; what kills under load is in stream_load_cases.py."""
import base64, hashlib, hmac, json, os, signal, subprocess, sys, threading, time

import runner
from cases import CASES
from talk import Failed, for_ms, request, until
from world import SHORT, World, alive

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kafka"))
import broker  # noqa: E402

SOURCE = "github/7"


def build_of(a):
    return os.path.join(os.path.dirname(os.path.abspath(a.slipway)), "..")


def begin(a):
    """The broker that cases share begins while others are at work."""
    broker.share(build_of(a))


said, lock = set(), threading.Lock()


def broker_of(a, nodes):
    kafka = broker.begin(build_of(a), nodes) if nodes else broker.share(build_of(a)).result()
    alive.add(kafka)
    with lock:
        if kafka.kind not in said:
            said.add(kafka.kind)
            print("stream:", kafka.kind, flush=True)
    return kafka


def stream_case(nodes=None, replicas=None, settings=None, world=None, long=False, options=""):
    """A case with a Kafka: topic and group are its own; with `nodes` the broker has so many, is its own, too, and may be killed."""
    def register(fn):
        name = fn.__name__.replace("_", "-")

        def run(a):
            kafka, w, failed = broker_of(a, nodes), None, True
            try:
                topic = f"{name}-{os.getpid()}"
                kafka.topic(topic)
                kafka.topic(topic + "-dead", 1)
                more = dict(world or {})
                kind = more.pop("kind", World)
                w = kind(a.slipway, a.sim, {**SHORT, "KAFKA_OPTIONS": f"{kafka.options} {options}", **(settings or {})}, replicas=replicas, kafka=(kafka, topic),
                         **more)
                w.seed = f"{a.seed}/{name}"
                remark = fn(w)
                failed = False
                return remark
            finally:
                try:
                    if w:
                        runner.shut(w, failed, a.keep)
                finally:
                    if nodes:
                        alive.discard(kafka)
                        kafka.close()
        CASES.append((name, run, long))
        return fn
    return register


def concern(w, source, word="SADD", inst=World.TEAM):
    """As notifier does (source.lua)."""
    if w.redis(word, "sw:src:" + source, inst):
        w.redis("INCR", "sw:sources")


def record(event_id, source=SOURCE, **more):
    return f"{source}\t" + json.dumps({"v": 1, "source": source, "type": "push", "event_id": event_id, "at_ms": 1, **more}, ensure_ascii=False)


def added(w, team=None):
    """Entries that were ever added to notifier's bulk lane of the team."""
    key = w.key("notifier:bulk", team)
    if not w.redis("EXISTS", key):
        return 0
    row = w.redis("XINFO", "STREAM", key)
    return dict(zip(row[::2], row[1::2]))[b"entries-added"]


def all_added(w, count, seconds=40):
    until(f"{count} events are added", lambda: added(w) >= count, seconds)
    until("all of the topic is committed", lambda: all(c == e or e == 0 for c, e in w.kafka.committed(w.group, w.topic).values()), 15, 0.1)
    if added(w) != count:
        raise Failed(f"{added(w)} events were added, not {count}")
    w.quiet()
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")


def outcome(w, word):
    return w.metric("notifier", "stream_records_total", outcome=word)


def webhook(w, event_id):
    """A release of app-7, as Heroku tells it; status and seconds."""
    body = json.dumps({"id": event_id, "action": "update", "resource": "release", "actor": {"email": "ada@example.com"},
                       "webhook_metadata": {"event": {"id": event_id}},
                       "data": {"id": "r", "version": 7, "status": "succeeded", "app": {"id": "app-7", "name": "seven"}}})
    mac = hmac.new(w.secrets["HEROKU_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256)
    started = time.monotonic()
    status, _, _ = request(w.ingress + "/webhooks/heroku", "POST", body, {"Heroku-Webhook-Hmac-SHA256": base64.b64encode(mac.digest()).decode()})
    took = time.monotonic() - started
    if took > 10:
        raise Failed(f"answered after {took:.1f} s")
    return status


def expect(status, wanted):
    if status != wanted:
        raise Failed(f"{status} instead of {wanted}")


@stream_case(nodes=1)
def stream_broker_down_and_up(w):
    """By the ledger while Kafka is away, and an event that went both ways is there once."""
    concern(w, "heroku/app-7")
    expect(webhook(w, "ev-a"), 200)
    all_added(w, 1)
    w.kafka.kill()
    for event in ("ev-b", "ev-c", "ev-a"):
        expect(webhook(w, event), 200)
    until("both went by the ledger", lambda: added(w) == 3)
    w.end_redis()
    expect(webhook(w, "ev-d"), 503)
    w.kafka.start()

    def back():
        """Each event that is tried while nothing is there is told to come again."""
        return webhook(w, "ev-d") == 200
    until("Kafka takes it without Redis", back, 20)
    w.start_redis()
    until("it is read", lambda: added(w) == 4, 20)
    expect(webhook(w, "ev-b"), 200)
    expect(webhook(w, "ev-e"), 200)
    until("the last one is there", lambda: added(w) == 5, 20)
    w.quiet()
    if w.metric("ingress", "stream_produced_total", outcome="ok") < 3 or not w.metric("ingress", "stream_produced_total", outcome="failed"):
        raise Failed("not counted")
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")
    if w.log().count("kafka takes no records") > 2:
        raise Failed("the log is flooded")


@stream_case(options="auto.commit.interval.ms=20")
def stream_notifier_killed_while_redis_stands_still(w):
    """In the middle of a batch, and for longer than offsets wait to be committed: one that is stored too early is seen."""
    concern(w, SOURCE)
    total = 0
    for _ in range(2):
        w.kafka.write(w.topic, [record(f"e{n}", pad="x" * 300) for n in range(total, total + 3000)])
        total += 3000
        until("some are added", lambda: added(w) > total - 3000, 20, 0.002)
        w.redis_process.send_signal(signal.SIGSTOP)
        for_ms(150)
        before = w.pids("notifier")
        w.kill("notifier")
        w.redis_process.send_signal(signal.SIGCONT)
        w.renewed("notifier", before)
    all_added(w, total)


@stream_case()
def stream_what_nobody_can_read_is_put_aside(w):
    concern(w, SOURCE)
    bad = [f"{SOURCE}\tnot json", "\t{}", f"{SOURCE}\t" + record("e1", "github/8").split("\t")[1], record("e 2"), record("e3", pad="x" * 33000),
           f"{SOURCE}\t[]", f"{SOURCE}\t" + json.dumps({"v": 2, "source": SOURCE, "type": "push", "event_id": "e4"}),
           record("deep", a=json.loads("[" * 40 + "]" * 40)), record("sk-canary-do-not-log", v=1, dedupe="no*"),
           record("from-the-morrow", at_ms=int(time.time() * 1000) + 7200000)]
    w.kafka.write(w.topic, [*bad, record("good"), record("good")])
    rows = w.kafka.read(w.topic + "-dead", len(bad))
    reasons = sorted(dict(h.split("=", 1) for h in row[3].split(","))["reason"] for row in rows)
    wanted = sorted(["not_json", "no_key", "source_is_not_key", "event_id", "too_large", "not_an_object", "version", "envelope", "dedupe", "at_ms"])
    if reasons != wanted:
        raise Failed(f"{reasons} instead of {wanted}")
    if {row[4] for row in rows} != {line.split("\t", 1)[1] for line in bad}:
        raise Failed("a value is not what it was")
    if any(f"topic={w.topic}" not in row[3] or "offset=" not in row[3] for row in rows):
        raise Failed("where it stood is not said")
    all_added(w, 1)
    if (outcome(w, "poison"), outcome(w, "appended"), outcome(w, "duplicate")) != (len(bad), 1, 1):
        raise Failed("not counted")
    if "canary" in w.log():
        raise Failed("a value is in the log")
    if w.log().count("is put aside") != 1:
        raise Failed("each of them is in the log, or none")


@stream_case()
def stream_passes_by_what_concerns_nobody_and_sees_a_change_at_once(w):
    w.kafka.make(w.topic, 3000, keys=50, prefix="github/none")
    until("they are passed by", lambda: outcome(w, "skipped") == 3000, 20)
    w.kafka.write(w.topic, [record("before")])
    until("nobody is told", lambda: outcome(w, "skipped") == 3001)
    concern(w, SOURCE)
    w.kafka.write(w.topic, [record("told")])
    until("it is told", lambda: added(w) == 1, 10)
    concern(w, SOURCE, "SREM")
    w.kafka.write(w.topic, [record("after")])
    until("it is no more", lambda: outcome(w, "skipped") == 3002)
    all_added(w, 1)


@stream_case()
def stream_waits_for_redis_and_stays_in_its_group(w):
    concern(w, SOURCE)
    w.kafka.write(w.topic, [record("first")])
    all_added(w, 1)
    w.end_redis()
    w.kafka.write(w.topic, [record(f"e{n}", pad="x" * 200) for n in range(3000)])
    w.kafka.make(w.topic, 2000, keys=30, prefix="github/none")
    w.start_redis()
    all_added(w, 3001)
    until("the rest is passed by", lambda: outcome(w, "skipped") == 2000)


@stream_case(options="max.poll.interval.ms=6000")
def stream_stays_in_its_group_with_a_batch_that_is_stuck(w):
    """A batch is under way, the next one is here, and Redis is away for longer than the group waits for who does not ask."""
    concern(w, SOURCE)
    w.kafka.write(w.topic, [record(f"e{n}", pad="x" * 200) for n in range(12000)])
    until("some are added", lambda: added(w), 20, 0.002)
    w.end_redis()
    for_ms(9000)
    w.start_redis()
    all_added(w, 12000, 60)
    if "maximum poll interval" in w.log():
        raise Failed("it was missed by its group")


@stream_case()
def stream_leaves_in_kafka_what_is_not_handled_yet(w):
    """Read faster than it can be handled, it would fill Redis, which commands need."""
    concern(w, "github/1")
    w.kafka.make(w.topic, 40000, keys=1)
    deepest = 0
    end = time.monotonic() + 60
    while outcome(w, "appended") + outcome(w, "duplicate") < 40000 and time.monotonic() < end:
        deepest = max(deepest, w.redis("XLEN", w.key("notifier:bulk")))
    all_added(w, 40000)
    if deepest > 10200:
        raise Failed(f"{deepest} entries wait in Redis")
    return f"{deepest} at most"


@stream_case()
def stream_refuses_settings_that_cannot_be(w):
    with open(w.dir + "/kafka.password", "w") as f:
        f.write("hunter2-kafka\n")
    for role in ("notifier", "ingress"):
        for options, says in (("no.such.setting=hunter2-kafka", '"no.such.setting"'), ("enable.idempotence=false", '"enable.idempotence"'),
                              ("security.protocol=SASL_PLAINTEXT sasl.mechanisms=NONE", "SLIPWAY_KAFKA_OPTIONS")):
            env = {**w.environment, "SLIPWAY_KAFKA_OPTIONS": options, "SLIPWAY_KAFKA_PASSWORD_FILE": w.dir + "/kafka.password", "SLIPWAY_RUN_DIR": w.dir + "/run2"}
            done = subprocess.run([w.slipway, role], env=env, capture_output=True, text=True, timeout=20)
            lines = done.stderr.splitlines()
            if done.returncode != 78 or len([line for line in lines if not line.startswith("{")]) != 1 or says not in done.stderr:
                raise Failed(f"{role}: {done.returncode}: {done.stderr}")
            if "hunter2" in done.stdout + done.stderr:
                raise Failed("the password was shown")
