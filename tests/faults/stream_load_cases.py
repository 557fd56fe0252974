"""Events by Kafka while something dies under load: each is in the ledger once and is handled once, each subject has one message.

What happens to a few commits of a routed repository comes in two ways at once: as webhooks of GitHub, each of which must be
answered 200, and as records of another producer, some of them twice. Counted are the entries of the mailbox (Redis knows how many
were ever added), the events that notifier remembers (`why`), and the messages at Slack."""
import collections, hashlib, hmac, json, os, random, signal, threading, time

from stream_cases import added, all_added, concern, outcome, record, stream_case
from talk import Failed, for_ms, request, until

REPO, NAME = "github/7001", "acme/storefront"
COMMITS = [f"{n:x}" * 40 for n in range(1, 4)]
CHUNK, CHUNK_GAP_MS, HOOK_GAP_MS = 50, 50, 15


class Load:
    """Events until it ends; `hooks`: webhooks as well. The number of an event is when it happened."""

    def __init__(self, w, hooks=True):
        self.w, self.random = w, random.Random(w.seed)
        self.sent, self.hooked, self.refused, self.slowest = 0, 0, [], 0
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=work) for work in [self.produce] + [self.hook] * hooks]

    def event(self):
        with self.lock:
            self.sent += 1
            n = self.sent
        state = ("pending", "success", "failure")[n // 12 % 3]
        return n, COMMITS[n % len(COMMITS)], f"ci/{n // 3 % 4}", state

    def line(self):
        n, sha, context, state = self.event()
        return record(f"r{n}", REPO, type="status", at_ms=self.base + n, sha=sha, context=context, state=state, repo={"id": 7001, "name": NAME},
                      pad="x" * 200)

    def produce(self):
        """Through kafka_records, which says what was delivered; what was not is written again: notifier knows it by its id."""
        while not self.stop.is_set():
            lines = [self.line() for _ in range(CHUNK)]
            lines += self.random.sample(lines, 3)
            for _ in range(20):
                try:
                    if self.w.kafka.write(self.w.topic, lines) == len(lines):
                        break
                except RuntimeError:
                    pass
            else:
                self.refused.append("a chunk was never delivered")
            for_ms(CHUNK_GAP_MS)

    def hook(self):
        while not self.stop.is_set():
            n, sha, context, state = self.event()
            body = json.dumps({"id": n, "sha": sha, "name": NAME, "context": context, "state": state, "branches": [{"name": "main"}],
                               "updated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                               "repository": {"id": 7001, "full_name": NAME}, "sender": {"id": 1001, "login": "ada-l"}})
            mac = hmac.new(self.w.secrets["GITHUB_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256).hexdigest()
            begun = time.monotonic()
            try:
                status, _, _ = request(self.w.ingress + "/webhooks/github", "POST", body, {
                    "Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + mac, "X-GitHub-Event": "status",
                    "X-GitHub-Delivery": f"h{n}", "X-GitHub-Hook-ID": "1"})
            except OSError as e:
                status = repr(e)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.hooked += 1
            if status != 200:
                self.refused.append(status)
            for_ms(HOOK_GAP_MS)

    def __enter__(self):
        self.base = int(time.time() * 1000)
        self.w.link()
        self.w.type("route storefront to #deploys")
        until("the route", lambda: self.w.redis("SISMEMBER", "sw:src:" + REPO, self.w.TEAM), 20)
        self.w.quiet()
        self.before = added(self.w)  # jobs of making it
        for t in self.threads:
            t.start()
        self.flows(200)
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()

    def flows(self, more, seconds=60):
        """Until so many more events have arrived."""
        goal = added(self.w) + more
        until(f"{more} more events", lambda: added(self.w) >= goal, seconds, 0.01)

    def ended_well(self, kills=0, doubled=0):
        """`kills`: of notifier; `doubled`: messages that there may be twice. What was counted, in words."""
        self.__exit__()
        w = self.w
        all_added(w, self.before + self.sent, 60)
        known = len(w.redis("KEYS", w.key(f"notifier:s:why/{w.TEAM}/*")))
        if known != self.sent:
            raise Failed(f"{self.sent} events, {known} were handled")
        if self.refused:
            raise Failed(f"of {self.hooked} webhooks {len(self.refused)} were not taken: {self.refused[:3]}")
        if self.slowest > 10:
            raise Failed(f"a webhook waited for {self.slowest:.1f} s")
        until("all is told", lambda: w.owed() == 0, 40, 0.05)
        repeats = self.messages(doubled)
        return (f"{self.sent} events ({self.hooked} by webhook, slowest {self.slowest * 1000:.0f} ms), {self.sent} entries, {known} handled, "
                f"{outcome(w, 'duplicate')} read twice since the last start, {len(COMMITS)} messages, {repeats} repeated, {kills} kills")

    def messages(self, most):
        """Each commit has its message; how many there are beside."""
        posted = collections.Counter(op for op in ((m.get("metadata") or {}).get("event_payload", {}).get("op", "") for m in self.w.parents())
                                     if op.startswith("n/commit/"))
        missing = [sha for sha in COMMITS if not posted[f"n/commit/7001/{sha}/{self.w.CHANNEL}"]]
        repeats = sum(posted.values()) - len(COMMITS)
        if missing or repeats > most:
            raise Failed(f"without a message: {missing}; {repeats} too many: {posted}")
        return repeats


@stream_case()
def stream_flows_and_nobody_dies(w):
    with Load(w) as load:
        load.flows(300)
        return load.ended_well()


@stream_case()
def stream_notifier_killed_mid_batch_again_and_again(w):
    kills = 4
    with Load(w) as load:
        for _ in range(kills):
            load.flows(load.random.randrange(20, 400))
            before = w.pids("notifier")
            w.kill("notifier")
            w.renewed("notifier", before)
        load.flows(100)
        return load.ended_well(kills)


@stream_case()
def stream_responder_killed_under_load(w):
    kills = 3
    with Load(w) as load:
        for _ in range(kills):
            load.flows(load.random.randrange(20, 400))
            before = w.pids("responder")
            w.kill("responder")
            w.renewed("responder", before)
        return load.ended_well(kills, doubled=kills)


def readers(w):
    """How many processes of notifier have taken records in."""
    n = 0
    for actor in w.actors()["actors"]:
        if actor["role"] == "notifier":
            try:
                n += b'slipway_stream_records_total{outcome="appended"}' in request(actor["admin"] + "/metrics")[2]
            except OSError:
                pass
    return n


OTHERS, OTHER_TEAM = [f"github/{n}" for n in range(1, 41)], "T0SIM2"


@stream_case()
def stream_rebalances_to_three_notifiers_and_back_under_load(w):
    """The load's source is in one partition; so others come along, of another workspace."""
    for source in OTHERS:
        concern(w, source, inst=OTHER_TEAM)
    with Load(w) as load:
        written = [0]

        def read_by(count):
            w.kafka.write(w.topic, [record(f"s{written[0] + n}", source) for n, source in enumerate(OTHERS)])
            written[0] += len(OTHERS)
            return readers(w) >= count
        for count in (2, 3):
            w.scale(notifier=count)
            until(f"{count} of them read", lambda: read_by(count), 30, 0.3)
            load.flows(100)
        os.kill(load.random.choice(w.pids("notifier")), signal.SIGKILL)
        load.flows(100)
        w.scale(notifier=1)
        until("one is left", lambda: len(w.pids("notifier")) == 1)
        load.flows(100)
        remark = load.ended_well(1)
        if added(w, OTHER_TEAM) != written[0]:
            raise Failed(f"{added(w, OTHER_TEAM)} of the other workspace's {written[0]} were added")
        return f"{remark}; {written[0]} of another workspace"


@stream_case(nodes=1)
def stream_broker_killed_and_started_again_under_load(w):
    kills = 2
    with Load(w) as load:
        for _ in range(kills):
            load.flows(load.random.randrange(50, 300))
            w.kafka.kill()
            for_ms(500)
            w.kafka.start()
            load.flows(200)
        return load.ended_well()


@stream_case(nodes=3)
def stream_leader_of_three_killed_under_load(w):
    if not w.kafka.fails_over:
        return f"left out: {w.kafka.kind} has no elections"
    with Load(w) as load:
        load.flows(load.random.randrange(50, 300))
        partition = next(p for p, (c, _) in w.kafka.committed(w.group, w.topic).items() if c > 0)
        leader = w.kafka.leader(w.topic, partition)
        w.kafka.kill(leader)
        until("another one leads", lambda: w.kafka.leader(w.topic, partition) not in (leader, -2), 30, 0.2)
        load.flows(300)
        w.kafka.start(leader)
        load.flows(100)
        return load.ended_well()
