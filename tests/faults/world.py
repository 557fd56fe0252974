"""A whole Slipway in a temporary directory: sim, Redis, `slipway up`; used by the fault tests and the benches."""
import http.client, json, os, re, select, shutil, signal, socket, subprocess, tempfile, threading, time, urllib.parse

# Nothing waits by the clock alone: `until` looks again and again, and gives up at a deadline.
_never = threading.Event()


class Failed(Exception):
    pass


def until(what, look, seconds=30.0, every=0.02):
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        _never.wait(every)


def request(url, method="GET", body=None, headers=None, timeout=15):
    u = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout)
    try:
        c.request(method, u.path + ("?" + u.query if u.query else ""), body, headers or {})
        r = c.getresponse()
        return r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read()
    finally:
        c.close()


def read_line(stream, seconds, what):
    """The next line of a pipe, or Failed at the deadline."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise Failed(f"not within {seconds} s: {what}")
        byte = os.read(stream.fileno(), 1)
        if not byte:
            raise Failed(f"ended before it said: {what}")
        line += byte
    return line.decode()


class World:
    TEAM, CHANNEL, ADA, BOB = "T0SIM1", "C0DEPLOY", "U0ADA", "U0BOB"

    def __init__(self, slipway, sim, settings=None, replicas=None, promote_ms="300-500", durability="disk", log="warn", sim_args=()):
        self.dir = tempfile.mkdtemp(prefix="sw-")
        self.slipway, self.sim_binary = slipway, sim
        self.children = []
        self.crash_file = self.dir + "/crash"
        self.trace_file = self.dir + "/trace"
        self.secrets = {"SLACK_SECRET_FILE": "8f742231b10e8888abcd99yyyzzz85a5", "SLACK_TOKEN_FILE": "xoxb-sim-token",
                        "HEROKU_SECRET_FILE": "sim-client-secret", "HEROKU_WEBHOOK_SECRET_FILE": "sim-webhook-secret"}
        for name, value in self.secrets.items():
            with open(f"{self.dir}/{name}", "w") as f:
                f.write(value + "\n")
        self.redis_socket = self.dir + "/redis.sock"
        self.durability = durability
        self.start_redis()
        self.start_sim(promote_ms, sim_args)
        self.environment = dict(os.environ, SLIPWAY_REDIS=self.redis_socket, SLIPWAY_RUN_DIR=self.dir + "/run",
                                SLIPWAY_DATA_DIR=self.dir + "/data", SLIPWAY_KEY_DIR=self.dir + "/keys",
                                SLIPWAY_HTTP="127.0.0.1:0", SLIPWAY_SLACK_API=self.sim + "/api", SLIPWAY_SLACK_HOOKS=self.sim,
                                SLIPWAY_HEROKU_API=self.sim, SLIPWAY_HEROKU_ID=self.sim, SLIPWAY_HEROKU_CLIENT_ID="sim-client",
                                SLIPWAY_DURABILITY=durability, SLIPWAY_LOG=log)
        for name in self.secrets:
            self.environment["SLIPWAY_" + name] = f"{self.dir}/{name}"
        self.environment.update({"SLIPWAY_" + k: str(v) for k, v in (settings or {}).items()})
        self.start_up(replicas)

    def spawn(self, argv, name, env=None, out=None):
        log = open(f"{self.dir}/{name}.log", "ab")
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out or log, stderr=log, env=env)
        self.children.append(child)
        return child

    def start_redis(self):
        os.makedirs(self.dir + "/redis", exist_ok=True)
        fsync = {"disk": "always", "memory": "everysec"}[self.durability]
        self.redis = self.spawn(["redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--dir", self.dir + "/redis",
                                 "--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--daemonize", "no"], "redis")
        until("redis answers", lambda: self.redis_says("PING") == "+PONG")

    def redis_says(self, command):
        try:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(2)
            s.connect(self.redis_socket)
            s.sendall(command.encode() + b"\r\n")
            answer = s.recv(65536).decode(errors="replace").strip()
            s.close()
            return answer
        except OSError:
            return ""

    def owed(self):
        """Everything on its way: messages, effects and timers (those of the refresher wait for hours)."""
        script = ("local n = 0 for s = 0, 63 do local p = string.format('sw:{%02d}:', s) "
                  "for _, a in ipairs({'parser', 'auth', 'executor', 'responder', 'notifier', 'refresher'}) do "
                  "n = n + redis.call('XLEN', p .. a) + redis.call('XLEN', p .. a .. ':bulk') + redis.call('HLEN', p .. a .. ':fx') "
                  "if a ~= 'refresher' then n = n + redis.call('ZCARD', p .. a .. ':timers') end end end return n")
        answer = self.redis_says(f'EVAL "{script}" 0')
        return int(answer[1:]) if answer.startswith(":") else -1

    def dead(self):
        answer = self.redis_says("EVAL \"local n = 0 for s = 0, 63 do n = n + redis.call('XLEN', string.format('sw:{%02d}:dead', s)) end return n\" 0")
        return int(answer[1:])

    def quiet(self, seconds=40):
        until("nothing is owed", lambda: self.owed() == 0, seconds, 0.05)

    def kill_redis(self):
        self.redis.kill()
        self.redis.wait()
        self.start_redis()

    def start_sim(self, promote_ms, args):
        child = self.spawn([self.sim_binary, "--port", "0", "--secret", self.secrets["SLACK_SECRET_FILE"], "--bot-token", self.secrets["SLACK_TOKEN_FILE"],
                            "--client-id", "sim-client", "--client-secret", self.secrets["HEROKU_SECRET_FILE"],
                            "--webhook-secret", self.secrets["HEROKU_WEBHOOK_SECRET_FILE"], "--promote-ms", promote_ms,
                            "--actors", self.dir + "/run/actors.json", "--quiet", *args], "sim", out=subprocess.PIPE)
        self.sim = read_line(child.stdout, 10, "the sim's address").split()[-1]

    def start_up(self, replicas=None):
        env = dict(self.environment, SLIPWAY_CRASH_FILE=self.crash_file)
        if getattr(self, "tracing", False):
            env["SLIPWAY_CRASH_TRACE"] = self.trace_file
        argv = [self.slipway, "up"] + (["--replicas", str(replicas)] if replicas else [])
        started = time.monotonic()
        self.up = self.spawn(argv, "up", env, out=subprocess.PIPE)
        read_line(self.up.stdout, 60, "slipway up is ready")
        self.ready_ms = (time.monotonic() - started) * 1000
        self.ingress = self.actors()["ingress"]
        self.admin("/sim/config", {"ingress": self.ingress})

    def stop_up(self):
        self.up.send_signal(signal.SIGTERM)
        self.up.wait(30)

    def actors(self):
        with open(self.dir + "/run/actors.json") as f:
            return json.load(f)

    def scale(self, **replicas):
        with open(self.dir + "/run/replicas", "w") as f:
            f.writelines(f"{role}={n}\n" for role, n in replicas.items())
        self.up.send_signal(signal.SIGHUP)

    def pids(self, role):
        return [a["pid"] for a in self.actors()["actors"] if a["role"] == role]

    # ---- the sim ----
    def admin(self, path, body=None, method=None):
        status, _, answer = request(self.sim + path, method or ("POST" if body is not None else "GET"),
                                    json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        if status >= 300:
            raise Failed(f"sim {path}: {status} {answer[:200]}")
        return json.loads(answer) if answer else None

    def type(self, text, user=None, team=None, channel=None):
        return self.admin("/sim/type", {"team": team or self.TEAM, "user": user or self.ADA, "channel": channel or self.CHANNEL, "text": text})

    def view(self, viewer=None, team=None, channel=None):
        q = urllib.parse.urlencode({"team": team or self.TEAM, "channel": channel or self.CHANNEL, "viewer": viewer or self.ADA})
        return self.admin("/sim/view?" + q)["messages"]

    def journal(self, what=None):
        entries = self.admin("/sim/journal")["entries"]
        return [e for e in entries if not what or f'{e["method"]} {e["path"]}'.startswith(what)]

    def promotions(self):
        return len([e for e in self.journal("POST /pipeline-promotions") if e["path"] == "/pipeline-promotions"])

    def fault(self, match, kind, **more):
        self.admin("/sim/faults", {"match": match, "kind": kind, **more})

    def reset(self):
        self.admin("/sim/faults", method="DELETE")
        self.admin("/sim/reset", {})

    def texts(self, viewer=None):
        return json.dumps(self.view(viewer), ensure_ascii=False)

    # ---- sign-in, as a browser walks it ----
    def link(self, user=None, email="ada@example.com"):
        user = user or self.ADA
        self.type("login", user)
        url = until("the login card", lambda: self.card_url(user))
        status, headers, page = request(url)
        if status != 200:
            raise Failed(f"GET link: {status} {page[:300]}")
        cookie = headers["set-cookie"].split(";")[0]
        fields = dict(re.findall(rb'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        form = urllib.parse.urlencode({k.decode(): v.decode() for k, v in fields.items()})
        plain = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        status, headers, page = request(url, "POST", form, plain)
        if status != 303:
            raise Failed(f"POST link: {status} {page[:300]}")
        at_sim = headers["location"]
        status, _, page = request(at_sim)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(at_sim).query))
        status, headers, page = request(self.sim + "/oauth/authorize", "POST", urllib.parse.urlencode({**query, "account": email}), plain)
        if status not in (302, 303):
            raise Failed(f"authorize: {status} {page[:300]}")
        status, _, page = request(headers["location"], headers={"Cookie": cookie})
        if status != 200:
            raise Failed(f"callback: {status} {page[:300]}")

    def card_url(self, user):
        found = re.findall(re.escape(self.ingress) + r"/link/[A-Za-z0-9_.-]+", self.texts(user))
        return found[-1] if found else None

    def close(self, keep=False):
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        if keep:
            print("kept:", self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(keep=kind is not None and "SW_KEEP" in os.environ)
