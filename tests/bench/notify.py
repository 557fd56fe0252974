"""notify: records of the stream, from Kafka to Slack; a real Kafka, where Java and Maven are there (said on standard error).

unmatched: push events of other repositories, 750 bytes each, lie in the topic; notifier is started, and reads until its group's lag is 0.
The rate is that of the reading; joining the group takes seconds, however much there is to read.
matched: 5,000 channels of 200 workspaces have a route each, and each record is the push of another commit: a new message. From the
writing of the first record until Slack has them all. webhooks: the same without a Kafka, as GitHub's webhooks of 7 KB to ingress.
lag: 100,000 records wait, a commit in each five of them, when notifier is started; meanwhile somebody types a command and again one.
cpu_us_* is the processor time of each process a record: routes share two processors with Slack (sim), Redis and Kafka here."""
import hashlib, hmac, json, os, shutil, signal, subprocess, sys, threading, time

from measure import ROLES, Bench, Failed, HERE, cpu_s, figure, median, note, until

sys.path.insert(0, os.path.join(HERE, "..", "kafka"))
import broker  # noqa: E402
from talk import packed, request, shard_of  # noqa: E402

TEAMS, CHANNELS, PARTITIONS, THREADS = 200, 5000, 4, 2
UNMATCHED_PER_S, MATCHED_PER_S, QUEUED, PER_COMMIT = 100000, 3000, 100000, 5


def push(source, repo, event_id, sha, more=None, at_ms=None):
    """An event record as ingress makes it of a push, about 750 bytes."""
    name = f"acme-{repo % 97}/service-{repo}"
    url = f"https://github.com/{name}"
    return {"v": 1, "source": source, "type": "push", "event_id": event_id, "at_ms": at_ms or int(time.time() * 1000),
            "repo": {"id": repo, "name": name, "url": url, "default_branch": "main", "private": True},
            "sender": {"id": 5000 + repo % 1000, "login": f"developer-{repo % 1000}"}, "ref": "refs/heads/main", "before": hashlib.sha1(sha.encode()).hexdigest(),
            "after": sha, "forced": False, "created": False, "deleted": False, "compare": f"{url}/compare/{sha[:12]}...{sha[12:24]}", "count": 1,
            "head": {"id": sha, "message": "Let the cart forget what was bought " + sha[:8], "author": {"login": f"developer-{repo % 1000}", "name": "Dee Veloper"}},
            "dedupe": f"gh:{repo}:{event_id}", **(more or {})}


def status(source, repo, event_id, sha, nth):
    state = ("pending", "success")[nth % 2]
    return {"v": 1, "source": source, "type": "status", "event_id": event_id, "at_ms": int(time.time() * 1000),
            "repo": {"id": repo, "name": f"acme-{repo % 97}/service-{repo}"}, "sha": sha, "context": f"ci/{nth // 2}", "state": state,
            "description": "Your tests are at work", "url": f"https://ci.example.com/{sha}", "branches": ["main"],
            "commit": {"message": "Let the cart forget what was bought", "author": {"id": 5000, "login": "developer"}}, "dedupe": f"gh:{repo}:{event_id}"}


def webhook(repo, delivery, sha, secret):
    """What GitHub sends of the same push, about 7 KB, as hooks.lua wants it."""
    event = push("", repo, delivery, sha)
    url, login = event["repo"]["url"], event["sender"]["login"]
    person = {"login": login, "id": event["sender"]["id"], "type": "User", "site_admin": False, **{f"part_{n}_url": f"{url}/users/{login}/part_{n}" for n in range(12)}}
    commit = {"id": sha, "tree_id": event["before"], "distinct": True, "message": event["head"]["message"], "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
              "url": f"{url}/commit/{sha}", "author": {"name": "Dee Veloper", "email": "dee@example.com", "username": login}, "added": [], "removed": [],
              "modified": ["src/cart.c"]}
    body = json.dumps({**{k: event[k] for k in ("ref", "before", "after", "forced", "created", "deleted", "compare")}, "head_commit": commit, "commits": [commit],
                       "pusher": {"name": login, "email": "dee@example.com"}, "sender": person,
                       "repository": {"id": repo, "name": f"service-{repo}", "full_name": event["repo"]["name"], "private": True, "html_url": url,
                                      "default_branch": "main", "owner": person, **{f"part_{n}_url": f"{url}/part_{n}{{/other}}" for n in range(46)}}})
    mac = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    return f"{delivery}\t{repo}\t{mac}\t{body}"


def line(event):
    return event["source"] + "\t" + json.dumps(event, separators=(",", ":"))


class Notify(Bench):
    """`kafka`: a broker and a topic, or None. Notifier is not there until read()."""

    def __init__(self, build, kafka=None, group=None, teams=True, settings=None):
        args = ("--bench-teams", str(TEAMS), "--bench-channels", str(CHANNELS)) if teams else ()
        self.broker, self.topic, self.group = *(kafka or (None, None)), group or kafka and kafka[1] + "-group"
        stream = {"KAFKA": kafka[0].address, "KAFKA_TOPIC": kafka[1], "KAFKA_GROUP": self.group} if kafka else {}
        super().__init__(build, {**stream, **(settings or {})}, replicas=["notifier=0"] if kafka and not teams else None, sim_args=args)
        if teams:
            self.routes = self.make_routes()

    def read(self):
        self.scale(notifier=1)

    def make_routes(self):
        """[(installation, channel, repository)]: route.v1 as executor sends it, appended as a door does it."""
        routes = [(team["team"], team["user"], channel) for team in self.admin("/sim/bench")["teams"] for channel in team["channels"]]
        run = dict(row.split(b":", 1) for row in self.redis("INFO", "server").split(b"\r\n") if b":" in row)[b"run_id"]
        script = b"".join(open(os.path.join(HERE, "..", "..", "common", "lua", name), "rb").read() for name in ("prelude.lua", "append.lua"))
        for n, (team, user, channel) in enumerate(routes):
            who = {"team": team, "user": user, "channel": channel}
            body = {"who": who, "op": f"bench-{n}", "do": "add", "line": f"route service-{n}", "pipeline": {"id": f"p-{n}", "name": f"service-{n}"},
                    "apps": [{"id": f"a-{n}", "name": f"service-{n}", "stage": "production"}], "repo": {"id": n + 1, "name": f"acme-{(n + 1) % 97}/service-{n + 1}"},
                    "route": {"channel": channel}, "owner": {**who, "email": "bench@example.com"}, "hooks": {"heroku": "ok", "github": "ok"}}
            envelope = packed({"v": 1, "k": "route.v1", "c": f"{int(time.time() * 1000):011x}-{n:020x}", "i": team, "t": int(time.time() * 1000), "b": body, "s": {}})
            answer = self.redis("EVAL", script, 1, "sw:{%02d}:" % shard_of(team), run, 1000000, 0, f"bench:{n}", 60000, "", "notifier", envelope)
            if answer[0] != b"ok":
                raise Failed(f"append: {answer}")
        until("all routes are made", lambda: self.state()["ephemerals"] >= len(routes), 180, 0.1)
        self.quiet(60)
        return [(team, channel, n + 1) for n, (team, _, channel) in enumerate(routes)]

    def seen(self):
        """Records that notifier has done with."""
        return self.metric("notifier", "stream_records_total")

    def lag(self):
        return sum(e - max(c, 0) for c, e in self.broker.committed(self.group, self.topic).values())

    def waiting(self):
        """Events that are in the ledger and not handled."""
        script = """local n = 0
            for s = 0, 63 do n = n + redis.call('XLEN', string.format('sw:{%02d}:notifier:bulk', s)) end
            return n"""
        return self.redis("EVAL", script, 0)

    def spent(self):
        pids = {name: self.pid_of(name) for name in (*[r for r in ROLES if self.pids(r)], "redis", "sim")}
        return {**{name: cpu_s(pid) for name, pid in pids.items()}, **({"kafka": sum(cpu_s(c.pid) for c in self.broker.children)} if self.broker else {})}

    def cpu_us(self, before, count):
        return {name: (s - before.get(name, 0)) * 1e6 / count for name, s in self.spent().items()}


def cpu_figures(name, rounds, invalid):
    for process in rounds[0]:
        figure("notify", f"{name}_cpu_us_{process}", median(r[process] for r in rounds), "us", invalid)


# ---- what concerns nobody ----
def read_all(build, kafka, topic, count, n):
    """Rate, seconds with joining the group, CPU us a record."""
    with Notify(build, (kafka, topic), f"{topic}-{n}", teams=False) as w:
        before, began = w.spent(), time.monotonic()
        w.read()
        first = until("reading begins", w.seen, 60, 0.005)
        first_s = time.monotonic()
        until("all is read", lambda: w.seen() >= count, 120, 0.05)
        last_s = time.monotonic()
        cpu = w.cpu_us(before, count)
        until("the lag is 0", lambda: w.lag() == 0, 20, 0.1)
        if w.metric("notifier", "stream_records_total", outcome="skipped") != count:
            raise Failed("not all were passed by")
        note(f"notify: {count} unmatched in {last_s - first_s:.2f} s, {last_s - began:.2f} s with joining; CPU us {cpu}")
        return (count - first) / max(0.001, last_s - first_s), time.monotonic() - began, cpu


def unmatched(build, kafka, seconds, rounds):
    topic, count = f"bench-unmatched-{os.getpid()}", UNMATCHED_PER_S * seconds
    kafka.topic(topic, PARTITIONS)
    extra = "," + json.dumps({k: v for k, v in push("", 12345, "0", hashlib.sha1(b"bench").hexdigest()).items()
                              if k not in ("v", "source", "type", "event_id", "at_ms")}, separators=(",", ":"))[1:-1]
    kafka.records("write", topic, "--count", count, "--keys", CHANNELS, "--prefix", "github/9", "--extra", extra, seconds=600)
    runs = [read_all(build, kafka, topic, count, n) for n in range(rounds)]
    figure("notify", "unmatched_per_s", median(r[0] for r in runs), "1/s", kafka=kafka.kind)
    figure("notify", "unmatched_until_lag_0_s", median(r[1] for r in runs), "s", records=count)
    cpu_figures("unmatched", [r[2] for r in runs], None)


# ---- what concerns somebody ----
def sha_of(*what):
    return hashlib.sha1(repr((os.getpid(), what)).encode()).hexdigest()


def commits(w, count, name):
    """`count` pushes, over all channels in turn."""
    return [line(push(f"github/{w.routes[n % CHANNELS][2]}", w.routes[n % CHANNELS][2], f"{name}-{n}", sha_of(name, n))) for n in range(count)]


def told(w, goal, seconds):
    until(f"{goal} messages at Slack", lambda: w.state()["messages"] >= goal, seconds, 0.05)


def sound(w, count, state):
    """Why it is not a measurement."""
    now = w.state()
    if w.dead():
        return f"dead letters: {w.dead()[:3]}"
    posted = now["messages"] - state["messages"]
    return None if posted == count else f"{posted} messages, not {count}"


def matched(w, seconds, rounds):
    count, rates, cpus, invalid = MATCHED_PER_S * seconds, [], [], None
    for n in range(rounds):
        lines, state = commits(w, count, f"m{n}"), w.state()
        before, began = w.spent(), time.monotonic()
        w.broker.write(w.topic, lines)
        told(w, state["messages"] + count, 120)
        took = time.monotonic() - began
        rates.append(count / took)
        w.quiet(60)
        cpus.append(w.cpu_us(before, count))
        invalid = invalid or sound(w, count, state)
        note(f"notify {n + 1}/{rounds}: {count} matched in {took:.2f} s; CPU us {cpus[-1]}")
    figure("notify", "matched_per_s", median(rates), "1/s", invalid, channels=CHANNELS, workspaces=TEAMS)
    cpu_figures("matched", cpus, invalid)


# ---- what has waited ----
def queued(w):
    """Commits, each in five records: its push, and two tests that begin and pass."""
    lines, later = [], []
    for n in range(QUEUED // PER_COMMIT):
        _, _, repo = w.routes[n % CHANNELS]
        source, sha = f"github/{repo}", sha_of("q", n)
        lines.append(line(push(source, repo, f"q{n}", sha)))
        later += [line(status(source, repo, f"q{n}-{k}", sha, k)) for k in range(PER_COMMIT - 1)]
    return lines + later


class Typing(threading.Thread):
    """Types a command, waits for its answer, and so on; ms of each."""

    def __init__(self, w):
        super().__init__()
        self.w, self.took, self.ended = w, [], threading.Event()

    def run(self):
        while not self.ended.wait(0.3):
            before, began = self.w.state()["ephemerals"], time.monotonic()
            self.w.type("help")
            until("an answer", lambda: self.w.state()["ephemerals"] > before, 60, 0.002)
            self.took.append((time.monotonic() - began) * 1000)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def lag(w):
    w.scale(notifier=0)
    until("notifier has ended", lambda: not w.pids("notifier"))
    lines, state = queued(w), w.state()
    w.broker.write(w.topic, lines)
    with Typing(w) as typing:
        before, began = w.spent(), time.monotonic()
        w.read()
        until("the lag is 0", lambda: w.lag() == 0, 300, 0.2)
        drained = time.monotonic() - began
        until("all is handled", lambda: not w.waiting(), 300, 0.2)
        handled = time.monotonic() - began
    cpu, now = w.cpu_us(before, QUEUED), w.state()
    figure("notify", "lag_until_drained_s", drained, "s", records=QUEUED)
    figure("notify", "lag_until_handled_s", handled, "s", messages=now["messages"] - state["messages"], updates=now["updates"] - state["updates"])
    figure("notify", "lag_command_p50_ms", median(typing.took), "ms", commands=len(typing.took))
    figure("notify", "lag_command_most_ms", max(typing.took), "ms")
    cpu_figures("lag", [cpu], None)


# ---- without a Kafka ----
def webhooks(build, seconds, rounds):
    if not shutil.which("wrk"):
        note("notify: wrk is not installed (package wrk): no webhooks")
        return
    count, rates, cpus, slow, invalid = MATCHED_PER_S * seconds, [], [], [], None
    with Notify(build) as w:
        env = dict(os.environ, BENCH_HOOKS_FILE=w.dir + "/hooks", BENCH_THREADS=str(THREADS))
        for n in range(rounds):
            with open(w.dir + "/hooks", "w") as f:
                f.writelines(webhook(w.routes[k % CHANNELS][2], f"h{n}-{k}", sha_of("h", n, k), w.secrets["GITHUB_WEBHOOK_SECRET_FILE"]) + "\n" for k in range(count))
            state, before, began = w.state(), w.spent(), time.monotonic()
            wrk = subprocess.Popen(["wrk", f"-t{THREADS}", "-c64", "-d300s", "--timeout", "10s", "-s", HERE + "/hooks.lua", w.ingress], env=env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                told(w, state["messages"] + count, 120)
                rates.append(count / (time.monotonic() - began))
            finally:
                wrk.send_signal(signal.SIGINT)
            run = json.loads(wrk.communicate()[0].splitlines()[-1])
            w.quiet(60)
            cpus.append(w.cpu_us(before, count))
            slow.append(run["p99_us"] / 1000)
            invalid = invalid or sound(w, count, state) or (f"{run}" if run["not_2xx"] or run["broken"] else None)
            note(f"notify {n + 1}/{rounds}: {count} webhooks, {rates[-1]:.0f} a second; {run}; CPU us {cpus[-1]}")
    figure("notify", "webhooks_per_s", median(rates), "1/s", invalid, channels=CHANNELS, workspaces=TEAMS)
    figure("notify", "webhooks_acks_p99_ms", median(slow), "ms", invalid)
    cpu_figures("webhooks", cpus, invalid)


def suite(build, seconds, rounds):
    kafka = broker.share(build).result()
    note(f"notify: {kafka.kind}")
    unmatched(build, kafka, seconds, rounds)
    topic = f"bench-matched-{os.getpid()}"
    kafka.topic(topic, PARTITIONS)
    with Notify(build, (kafka, topic)) as w:
        matched(w, seconds, rounds)
        lag(w)
    webhooks(build, seconds, rounds)
