"""A whole Slipway in a temporary directory: sim, Redis, `slipway up`; used by the fault tests and the benches."""
import glob, json, os, re, shutil, signal, subprocess, tempfile, threading, time, urllib.parse

from talk import Browser, Failed, read_line, redis, request, shard_of, signed, slash_form, until
from words import BUSY_MARK

ACTORS = ("parser", "auth", "executor", "responder", "notifier", "refresher")
ROLES = ("ingress",) + ACTORS
# What no log may hold, whatever a test did to the processes.
BUGS = re.compile(rb"AddressSanitizer|runtime error:|Assertion|a handler took over|UndefinedBehavior")

# Ten times shorter than the defaults.
SHORT = dict(LEASE_MS=1000, SWEEP_MS=300, CHECK_GAP_MS=1000, WRITE_TIMEOUT_MS=3000, READ_TIMEOUT_MS=2000, POLL_MIN_MS=200, POLL_MAX_MS=1000, DRAIN_MS=2000,
             REPORT_GAP_MS=200)
PROMOTE = "promote storefront from staging to production"


alive = set()  # what has children and a dir, and ends with the tests: worlds, brokers
_ending = threading.Event()


def _end_all(number, _frame):
    """Whoever ends the tests leaves no process behind, although other threads are still beginning some."""
    _ending.set()
    for pause in (0.1, 0):
        for world in list(alive):
            for child in list(world.children):
                if child.poll() is None:
                    child.kill()
            shutil.rmtree(world.dir or "", ignore_errors=True)
        time.sleep(pause)
    os._exit(128 + number)


def end_with_the_tests():
    # Whoever was started in the background of a script ignores it, and so would all that is started here.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end_all)


class World:
    TEAM, CHANNEL, ADA, BOB = "T0SIM1", "C0DEPLOY", "U0ADA", "U0BOB"
    planted = False  # a control put secrets where none may be

    def __init__(self, slipway, sim, settings=None, replicas=None, promote_ms="300-500", durability="disk", log="warn", sim_args=(),
                 trace=False, up=True, tap=False, kafka=None):
        """`tap`: all that actors send each other and Redis is written down in wire.<pid>.<fd>. `kafka`: a broker (kafka/broker.py) and a topic."""
        self.dir = tempfile.mkdtemp(prefix=f"sw-{os.getpid()}-")
        alive.add(self)
        self.slipway, self.sim_binary = slipway, sim
        self.children, self.up = [], None
        if kafka:
            self.kafka, self.topic = kafka
            self.group = self.topic + "-group"
            settings = {"KAFKA": self.kafka.address, "KAFKA_TOPIC": self.topic, "KAFKA_GROUP": self.group, **(settings or {})}
        self.trace, self.tap = trace, tap
        self.crash_file, self.trace_file = self.dir + "/crash", self.dir + "/trace"
        self.secrets = {"SLACK_SECRET_FILE": "8f742231b10e8888abcd99yyyzzz85a5", "SLACK_TOKEN_FILE": "xoxb-sim-token",
                        "HEROKU_SECRET_FILE": "sim-client-secret", "HEROKU_WEBHOOK_SECRET_FILE": "sim-webhook-secret",
                        "GITHUB_SECRET_FILE": "sim-github-secret", "GITHUB_WEBHOOK_SECRET_FILE": "sim-github-webhook-secret",
                        "SLACK_CLIENT_SECRET_FILE": "sim-slack-secret", "KAFKA_PASSWORD_FILE": "sim-kafka-password"}
        self.browsers = []
        self.redis_socket = self.dir + "/redis.sock"
        self.durability = durability
        try:
            if up:
                self.start_redis()
            self.start_sim(promote_ms, sim_args)
            self.secrets["SENTRY_DSN_FILE"] = self.sim.replace("//", "//simsentrypublickey@") + "/sentry/1"
            for name, value in self.secrets.items():
                with open(f"{self.dir}/{name}", "w") as f:
                    f.write(value + "\n")
            self.environment = self.make_environment(settings or {}, log)
            if up:
                self.start_up(replicas)
        except Exception:
            self.close()
            raise

    def make_environment(self, settings, log):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        # Not dumpable, so the leak checker of a sanitizer build cannot look.
        env.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        env.update({"SLIPWAY_" + k: str(v) for k, v in dict(
            REDIS=self.redis_socket, RUN_DIR=self.dir + "/run", DATA_DIR=self.dir + "/data", KEY_DIR=self.dir + "/keys",
            HTTP="127.0.0.1:0", SLACK=self.sim, SLACK_API=self.sim + "/api", SLACK_HOOKS=self.sim, HEROKU_API=self.sim, HEROKU_ID=self.sim,
            GITHUB_API=self.sim + "/github", GITHUB=self.sim + "/github.com", KOLKRABBI=self.sim + "/kolkrabbi",
            HEROKU_CLIENT_ID="sim-client", GITHUB_CLIENT_ID="sim-github", SLACK_CLIENT_ID="sim-slack", DURABILITY=self.durability, LOG=log, CRASH_FILE=self.crash_file,
            **{**{name: f"{self.dir}/{name}" for name in self.secrets}, **settings}).items()})
        if self.trace:
            env["SLIPWAY_CRASH_TRACE"] = self.trace_file
        if self.tap:
            library = os.path.join(os.path.dirname(self.sim_binary), "..", "wiretap.so")
            if not os.path.exists(library):
                raise Failed(f"not built: {library}")
            env.update(LD_PRELOAD=library, SW_WIRETAP=self.dir + "/wire", ASAN_OPTIONS=env["ASAN_OPTIONS"] + ":verify_asan_link_order=0")
        return env

    # ---- processes ----
    def spawn(self, argv, name, env=None, out=None, **more):
        if _ending.is_set():
            raise Failed("the tests are being ended")
        with open(f"{self.dir}/{name}.log", "ab") as log:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out or log, stderr=log, env=env, **more)
        self.children.append(child)
        return child

    def start_redis(self, *more):
        os.makedirs(self.dir + "/redis", exist_ok=True)
        fsync = {"disk": "always", "memory": "everysec"}[self.durability]
        self.redis_process = self.spawn(["redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--dir", self.dir + "/redis",
                                         "--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--daemonize", "no", *more], "redis")
        until("redis answers", self.redis_up)

    def redis(self, *args):
        return redis(self.redis_socket, *args)

    def redis_up(self):
        try:
            return self.redis("PING") == "PONG"
        except (OSError, Failed):
            return False

    def end_redis(self):
        self.redis_process.kill()
        self.redis_process.wait()

    def kill_redis(self):
        self.end_redis()
        self.start_redis()

    def start_sim(self, promote_ms, args):
        child = self.spawn([self.sim_binary, "--port", "0", "--secret", self.secrets["SLACK_SECRET_FILE"], "--bot-token", self.secrets["SLACK_TOKEN_FILE"],
                            "--client-id", "sim-client", "--client-secret", self.secrets["HEROKU_SECRET_FILE"],
                            "--github-client-id", "sim-github", "--github-client-secret", self.secrets["GITHUB_SECRET_FILE"],
                            "--github-webhook-secret", self.secrets["GITHUB_WEBHOOK_SECRET_FILE"],
                            "--slack-client-id", "sim-slack", "--slack-client-secret", self.secrets["SLACK_CLIENT_SECRET_FILE"],
                            "--webhook-secret", self.secrets["HEROKU_WEBHOOK_SECRET_FILE"], "--promote-ms", promote_ms,
                            "--build-ms", "200-300", "--dyno-ms", "50-100",
                            "--actors", self.dir + "/run/actors.json", "--quiet", *args], "sim", out=subprocess.PIPE)
        self.sim = read_line(child.stdout, 10, "the sim's address").split()[-1]

    def start_up(self, replicas=None):
        argv = [self.slipway, "up"]
        for count in replicas if isinstance(replicas, (list, tuple)) else [replicas] if replicas else []:
            argv += ["--replicas", str(count)]
        started = time.monotonic()
        self.up = self.spawn(argv, "up", self.environment, out=subprocess.PIPE)
        read_line(self.up.stdout, 60, "slipway up is ready")
        self.ready_ms = (time.monotonic() - started) * 1000
        self.ingress = self.actors()["ingress"]
        self.admin("/sim/config", {"ingress": self.ingress})

    def stop_up(self, seconds=30):
        """Its exit status."""
        self.up.send_signal(signal.SIGTERM)
        return self.up.wait(seconds)

    def command(self, *words, **settings):
        """A command of the binary, beside what runs: its status and what it said."""
        env = {**self.environment, **{"SLIPWAY_" + k: v for k, v in settings.items()}}
        return subprocess.run([self.slipway, *words], env=env, capture_output=True, text=True, timeout=60)

    def actors(self):
        with open(self.dir + "/run/actors.json") as f:
            return json.load(f)

    def scale(self, **replicas):
        with open(self.dir + "/run/replicas", "w") as f:
            f.writelines(f"{role}={n}\n" for role, n in replicas.items())
        self.up.send_signal(signal.SIGHUP)

    def pids(self, role=None):
        return [a["pid"] for a in self.actors()["actors"] if role in (None, a["role"])]

    def kill(self, role, how=signal.SIGKILL):
        """Every process of a role; one that ended meanwhile is as good."""
        for pid in self.pids(role):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass

    def renewed(self, role, before, seconds=20):
        """As many processes of a role as before, none of them among those, all ready."""
        def look():
            now = self.pids(role)
            return len(now) == len(before) and not set(now) & set(before)
        until(f"{role} was started again", look, seconds)

    def log(self, name="up"):
        with open(f"{self.dir}/{name}.log", errors="replace") as f:
            return f.read()

    def metric(self, role, name, **labels):
        """The sum over a role's processes of a metric's rows that have these labels."""
        total = 0
        for actor in self.actors()["actors"]:
            if actor["role"] != role:
                continue
            try:
                _, _, text = request(actor["admin"] + "/metrics")
            except OSError:
                continue
            for row, value in re.findall(rf"^slipway_{name}(\S*) (\S+)$", text.decode(), re.M):
                if all(f'{k}="{v}"' in row for k, v in labels.items()):
                    total += int(value) if value.isdigit() else float(value)
        return total

    def ready(self, role):
        """How many processes of a role say that they are ready."""
        n = 0
        for actor in self.actors()["actors"]:
            try:
                n += actor["role"] == role and request(actor["admin"] + "/readyz")[0] == 200
            except OSError:
                pass
        return n

    def crash(self, role, point, n=1):
        with open(self.crash_file + ".new", "w") as f:
            f.write(f"{role} {point} {n}\n")
        os.rename(self.crash_file + ".new", self.crash_file)

    def crashed(self):
        return not os.path.exists(self.crash_file)

    # ---- the ledger ----
    def key(self, rest, team=None):
        return "sw:{%02d}:%s" % (shard_of(team or self.TEAM), rest)

    def owed(self, actors=ACTORS):
        """Everything on its way to them: messages, effects and timers (those of refresher and notifier wait for hours). -1: Redis is away."""
        script = """local n = 0
            for s = 0, 63 do
              local p = string.format('sw:{%02d}:', s)
              for _, a in ipairs(ARGV) do
                n = n + redis.call('XLEN', p .. a) + redis.call('XLEN', p .. a .. ':bulk') + redis.call('HLEN', p .. a .. ':fx')
                if a ~= 'refresher' and a ~= 'notifier' then n = n + redis.call('ZCARD', p .. a .. ':timers') end
              end
            end
            return n"""
        try:
            return self.redis("EVAL", script, 0, *actors)
        except OSError:
            return -1

    def dead(self):
        """Dead letters: (actor, reason)."""
        letters = []
        for s in range(64):
            for _, fields in self.redis("XRANGE", "sw:{%02d}:dead" % s, "-", "+"):
                row = dict(zip(fields[::2], fields[1::2]))
                letters.append((row[b"actor"].decode(), row[b"reason"].decode()))
        return letters

    def quiet(self, seconds=40, actors=ACTORS):
        until("nothing is owed", lambda: self.owed(actors) == 0, seconds, 0.05)

    # ---- the sim ----
    def admin(self, path, body=None, method=None):
        status, _, answer = request(self.sim + path, method or ("POST" if body is not None else "GET"),
                                    json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        if status >= 300:
            raise Failed(f"sim {path}: {status} {answer[:200]}")
        return json.loads(answer) if answer else None

    def type(self, text, user=None, team=None, channel=None, **more):
        return self.admin("/sim/type", {"team": team or self.TEAM, "user": user or self.ADA, "channel": channel or self.CHANNEL, "text": text, **more})

    def type_until_taken(self, text, shows, **more):
        """Types; where there was no answer, looks whether it was taken in all the same before typing again, as a person would."""
        for _ in range(10):
            try:
                answer = self.type(text, **more)
                if answer["status"] == 200 and not answer["body"]:
                    return answer
            except (OSError, Failed):
                pass
            try:
                until("the command shows although it was not acknowledged", shows, 4)
                return None
            except Failed:
                continue
        raise Failed("never taken in")

    def view(self, viewer=None, team=None, channel=None):
        q = urllib.parse.urlencode({"team": team or self.TEAM, "channel": channel or self.CHANNEL, "viewer": viewer or self.ADA})
        return self.admin("/sim/view?" + q)["messages"]

    def texts(self, viewer=None):
        return json.dumps(self.view(viewer), ensure_ascii=False)

    def parents(self):
        """What everybody sees: the messages of the channel."""
        return [m for m in self.view(self.BOB) if not m.get("ephemeral")]

    def told(self, words, viewer=None):
        """How many messages, threads included, hold these words."""
        messages = self.view(viewer)
        return sum(words in m.get("text", "") for top in messages for m in [top, *top.get("thread", [])])

    def ended(self):
        """True when the parent of a promote says how it ended, to everybody."""
        return any("promot" in m["text"] and not m["text"].startswith(BUSY_MARK) for m in self.parents())

    def journal(self, what=None):
        entries = self.admin("/sim/journal")["entries"]
        return [e for e in entries if not what or f'{e["method"]} {e["path"]}'.startswith(what)]

    def state(self):
        return self.admin("/sim/state")

    def promotions(self):
        """POSTs that Heroku received."""
        return len([e for e in self.journal("POST /pipeline-promotions") if e["path"] == "/pipeline-promotions"])

    def promoted(self):
        """Promotions that Heroku made."""
        return self.state()["promotions"]

    def fault(self, match, kind, **more):
        self.admin("/sim/faults", {"match": match, "kind": kind, **more})

    def faults_met(self):
        return sum(f["taken"] for f in self.admin("/sim/faults")["faults"])

    def heal(self):
        self.admin("/sim/faults", method="DELETE")

    def reset(self):
        self.heal()
        self.admin("/sim/reset", {})

    def post_slash(self, text, url=None, secret=None, skew_s=0, **more):
        """A signed command straight to the door; more replaces fields of the form."""
        body = slash_form(text, **{"response_url": self.sim + "/commands/T0SIM1/1/straight0000000000000000", **more})
        return request((url or self.ingress) + "/slack/commands", "POST", body, signed(secret or self.secrets["SLACK_SECRET_FILE"], body, skew_s))

    def op(self, nth=-1):
        """The id of the nth command that has a message which changes; None: there is none yet."""
        ops = [(m.get("metadata") or {}).get("event_payload", {}).get("op") for m in self.parents()]
        ops = [op for op in ops if op and "/" not in op]
        return ops[nth] if -len(ops) <= nth < len(ops) else None

    def button(self, label):
        """The action_id of a button and the message it stands on; None: not there."""
        for message in reversed(self.parents()):
            for block in message.get("blocks", []):
                for element in block.get("elements", []) if block["type"] == "actions" else []:
                    if element["text"]["text"] == label:
                        return {"ts": message["ts"], "action_id": element["action_id"]}
        return None

    def click(self, label, user=None):
        found = until(f"the button {label}", lambda: self.button(label))
        return self.admin("/sim/click", {"team": self.TEAM, "user": user or self.ADA, "channel": self.CHANNEL, **found})

    def checks(self, state, ref="main", repo="acme/storefront"):
        """Both required checks of a ref."""
        for context, kind in (("ci/test", "status"), ("lint", "check")):
            self.admin("/sim/github/checks", {"repo": repo, "ref": ref, "context": context, "kind": kind, "state": state})

    def audit(self, *more):
        done = self.command("audit", "--json", *more)
        if done.returncode != 0:
            raise Failed(f"slipway audit: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sentry(self):
        return self.admin("/sim/sentry")

    # ---- sign-in ----
    def card_url(self, user=None):
        found = re.findall(re.escape(self.ingress) + r"/link/[A-Za-z0-9_.-]+", self.texts(user))
        return found[-1] if found else None

    def link(self, user=None, email="ada@example.com", **more):
        before = self.card_url(user)
        self.type("login", user)
        browser = Browser(self.sim, email, **more)
        browser.walk(until("the login card", lambda: self.card_url(user) != before and self.card_url(user)))
        self.browsers.append(browser)
        return browser

    metrics_text = b""

    def everything_written(self):
        """(name, bytes) of Redis' file, every log, what `up` writes down, and the metrics a test has kept."""
        yield "metrics", self.metrics_text
        for path in [*glob.glob(self.dir + "/*.log"), *glob.glob(self.dir + "/run/*"), *glob.glob(self.dir + "/redis/**", recursive=True)]:
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path[len(self.dir) + 1:], f.read()

    # ---- the end ----
    def complaints(self):
        """What the logs say that no test may cause."""
        found = []
        for path in glob.glob(self.dir + "/*.log"):
            with open(path, "rb") as f:
                found += [f"{os.path.basename(path)}: {line.decode(errors='replace').strip()}" for line in f if BUGS.search(line)]
        return found

    def close(self, keep=False):
        alive.discard(self)
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
            if child.stdout:
                child.stdout.close()
        if keep:
            print("kept:", self.dir, flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(keep=kind is not None and "SW_KEEP" in os.environ)
