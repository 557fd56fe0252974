"""Every secret that the platforms handed out is looked for wherever it must not be in clear: at rest, in logs, on the wire, in memory."""
import base64, glob, hashlib, hmac, json, os, re, signal, subprocess

from cases import case
from talk import Browser, Failed, request, until
from world import ACTORS, PROMOTE, ROLES

WORLD = dict(tap=True, log="debug", sim_args=("--github-app", "expiring"))
# A Kafka that nobody is at, which its library says all the time.
AWAY = dict(KAFKA="127.0.0.1:1", KAFKA_OPTIONS="security.protocol=SASL_PLAINTEXT sasl.mechanisms=PLAIN sasl.username=slipway")
DEPLOY = "deploy storefront to staging"

ACCESS = ("heroku.access", "github.access")
RENEWAL = ("heroku.refresh", "github.refresh", "heroku.api_key")
SLACK_PERSON = ("slack.user", "slack.id_token")
BOT = ("slack.bot", "slack.bot_refresh")
CODES = ("heroku.code", "github.code", "slack.code")
EVERYTHING = ACCESS + RENEWAL + SLACK_PERSON + BOT + CODES + ("slack.response_url",)
# What nobody finds in the memory of a role, even when it is done. Codes and response_urls come in at ingress; parser and notifier need
# nothing, responder the token of the bot and response_urls, executor access only.
FOREIGN = {"ingress": ACCESS + RENEWAL + SLACK_PERSON + BOT, "parser": EVERYTHING, "notifier": EVERYTHING,
           "responder": ACCESS + RENEWAL + SLACK_PERSON + CODES, "executor": RENEWAL + SLACK_PERSON + BOT + CODES}

# Secrets of the settings: only those may have them whom conf.h names.
SET = {"HEROKU_WEBHOOK_SECRET_FILE": ("ingress", "executor"), "GITHUB_WEBHOOK_SECRET_FILE": ("ingress", "executor"),
       "KAFKA_PASSWORD_FILE": ("ingress", "notifier")}
SIGNED = "canary-of-what-is-signed"  # in addresses that let in whoever has them, and in fields that nobody asked for


def handed_out(w, kinds):
    """{text: kind} of all that there ever was."""
    return {t["text"]: t["kind"] for t in w.admin("/sim/tokens")["tokens"] if t["kind"] in kinds}


def disguises(text):
    """As it is, and inside of base64 at each of the three places where it can begin."""
    data = text.encode()
    yield data
    for pad in range(3):
        whole = base64.b64encode(b"\0" * pad + data)
        inner = whole[4 if pad else 0:len(whole) - 4]  # the ends hang on their neighbours
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def found_in(secrets, data, forms=disguises):
    return [kind for text, kind in secrets.items() if any(form in data for form in forms(text))]


# ---- where things are kept ----
def written(w):
    """(place, bytes) of all that is at rest or was sent between processes."""
    w.redis("CONFIG", "SET", "rdbcompression", "no")  # LZF cuts a long text in pieces
    w.redis("SAVE")
    yield "Sentry", json.dumps(w.sentry()).encode()
    yield "audit", json.dumps(w.audit()).encode()
    for actor in w.actors()["actors"]:
        yield "metrics", request(actor["admin"] + "/metrics")[2]
    yield "dead letters", subprocess.run([w.slipway, "dead", "list", "--json"], env=w.environment, capture_output=True, timeout=20).stdout
    yield from w.everything_written()
    for path, data in wires(w):
        yield os.path.basename(path), data


def wires(w):
    for path in glob.glob(w.dir + "/wire.*"):
        with open(path, "rb") as f:
            yield path, f.read()


def memory(pid):
    """All of a process' memory, region by region; None: nobody may look."""
    with open(f"/proc/{pid}/maps") as f:
        regions = [line.split() for line in f]
    try:
        mem = open(f"/proc/{pid}/mem", "rb", 0)
    except PermissionError:
        return None
    found = []
    with mem:
        for region in regions:
            begin, end = (int(n, 16) for n in region[0].split("-"))
            # Of what cannot be read by the process itself only what may hold a secret; a sanitizer's shadow is larger than any disk.
            if region[-1].startswith("[v") or end - begin > (1 << 30 if region[1][0] == "r" else 1 << 20):
                continue
            try:
                mem.seek(begin)
                found.append(mem.read(end - begin).replace(bytes(512), b"\0"))  # most of it is empty
            except (OSError, ValueError, OverflowError):
                pass  # mapped, but not there
    return b"\0".join(found)


def plain(text):
    yield text.encode()


# ---- what tokens are for ----
def ships(w, line):
    """A command that ends well."""
    before = len([m for m in w.parents() if m["text"].startswith("✔")])
    w.type(line)
    until(f"the end of {line}: {w.texts()[-300:]}", lambda: len([m for m in w.parents() if m["text"].startswith("✔")]) > before, 60)


def webhook(w, path, body, name, mac, more=()):
    status, _, _ = request(w.ingress + path, "POST", body, {"Content-Type": "application/json", name: mac, **dict(more)})
    if status != 200:
        raise Failed(f"{path}: {status}")


def events_hold_secrets(w):
    """Webhooks of a pipeline that is reported, with signed addresses in them."""
    w.type("route storefront to #deploys")
    until("the route", lambda: w.redis("SISMEMBER", "sw:src:github/7001", w.TEAM), 40)
    address = "https://build.example/x"
    sha = "c" * 40
    hub = {"id": 1, "sha": sha, "name": "acme/storefront", "context": "ci/canary", "state": "failure", "target_url": f"{address}?X-Amz-Signature={SIGNED}",
           "description": "It failed", "branches": [{"name": "main"}], "token": SIGNED,
           "repository": {"id": 7001, "full_name": "acme/storefront", "clone_url": f"https://x:{SIGNED}@github.example/a.git"}, "sender": {"id": 1001, "login": "ada-l"}}
    body = json.dumps(hub)
    mac = hmac.new(w.secrets["GITHUB_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256).hexdigest()
    webhook(w, "/webhooks/github", body, "X-Hub-Signature-256", "sha256=" + mac,
            {"X-GitHub-Event": "status", "X-GitHub-Delivery": "canary-1", "X-GitHub-Hook-ID": "1"})
    app = w.redis("KEYS", "*:notifier:s:src/T0SIM1/heroku/*")[0].decode().split("/")[-1]
    body = json.dumps({"id": "canary-2", "action": "update", "resource": "build", "actor": {"email": "ada@example.com"},
                       "webhook_metadata": {"event": {"id": "canary-2"}},
                       "data": {"id": "b1", "status": "failed", "app": {"id": app, "name": "storefront-staging"}, "output_stream_url": f"{address}?sig={SIGNED}",
                                "source_blob": {"url": f"{address}?AWSAccessKeyId=x&Signature={SIGNED}", "version": sha}}})
    mac = hmac.new(w.secrets["HEROKU_WEBHOOK_SECRET_FILE"].encode(), body.encode(), hashlib.sha256).digest()
    webhook(w, "/webhooks/heroku", body, "Heroku-Webhook-Hmac-SHA256", base64.b64encode(mac).decode())
    until("both failures", lambda: w.told("ccccccc") >= 2, 30)
    w.type("why canary-1")
    until("why", lambda: "canary-1" in w.texts(), 30)
    if SIGNED in w.texts():
        raise Failed("a signed address at Slack")


def installs(w):
    """In both workspaces, with tokens that run out."""
    w.admin("/sim/rotation", {"on": True})
    for team in ("T0SIM1", "T0SIM2"):
        browser = Browser(w.sim, "ada@example.com", team=team)
        browser.walk(w.ingress + "/slack/install")
        w.browsers.append(browser)


def all_that_tokens_do(w):
    w.link(w.BOB, "bob@example.com")
    installs(w)
    ships(w, PROMOTE)
    ships(w, "promote atlas 123456")
    ships(w, DEPLOY)
    before = w.state()
    for who in ({"email": "ada@example.com"}, {"github": "ada-l"}, {"slack": "T0SIM1"}):
        w.admin("/sim/expire", who)
    ships(w, DEPLOY)
    w.quiet()
    for platform in ("tokens", "slack"):
        if w.state()[platform]["refreshed"] == before[platform]["refreshed"]:
            raise Failed(f"nothing was refreshed: {platform}")
    events_hold_secrets(w)
    texts = w.texts(w.BOB)
    w.type("logout", w.BOB)
    until("logged out", lambda: w.texts(w.BOB) != texts)
    w.admin("/sim/uninstall", {"team": "T0SIM2"})
    w.quiet()
    if not w.journal("DELETE /oauth/authorizations") or not w.journal("DELETE /applications"):
        raise Failed("nothing was withdrawn at Heroku and GitHub")


@case(world=WORLD, settings=AWAY)
def canary_no_secret_is_found_in_clear(w):
    all_that_tokens_do(w)
    secrets = handed_out(w, EVERYTHING)
    missing = set(EVERYTHING) - set(secrets.values())
    if missing:
        raise Failed(f"never handed out: {missing}")
    problems, bytes_read = [], 0
    own = {w.secrets[name]: name for name in SET}
    for place, data in written(w):
        bytes_read += len(data)
        problems += [f"{kind} in {place}" for kind in found_in({**secrets, **own, SIGNED: "what is signed"}, data)]
        if re.search(rb"(?<![0-9A-Za-z_.:-])123456(?![0-9A-Za-z_.:-])", data):
            problems.append(f"a one-time code in {place}")
    hidden = []
    for role, kinds in FOREIGN.items():
        for pid in w.pids(role):
            data = memory(pid)
            if data is None:
                hidden.append(role)
                continue
            bytes_read += len(data)
            foreign = {text: name for text, name in own.items() if role not in SET[name]}
            problems += [f"{kind} in the memory of {role}" for kind in found_in({**handed_out(w, kinds), **foreign}, data, plain)]
    if problems:
        raise Failed("; ".join(sorted(set(problems))))
    return f"{len(secrets)} secrets, {bytes_read >> 20} MiB" + (f"; memory closed to us: {hidden}" if hidden else "")


@case(world=WORLD)
def canary_control_each_planted_one_is_found(w):
    """The search itself: a token is put into each place, and the tap has seen what actors say to each other."""
    ships(w, PROMOTE)
    w.quiet()
    w.planted = True
    text = next(iter(handed_out(w, ("heroku.access",))))
    said = [data for path, data in wires(w) if data.startswith(b"\xff")]  # ZMTP's greeting
    for kind in (b"command.v1", b"granted.v1", b"reply.v1"):
        if not any(kind in data for data in said):
            raise Failed(f"the tap did not hear {kind.decode()}")
    w.redis("SET", "planted", b"x" + text.encode() + b"y")
    w.redis("XADD", w.key("dead"), "*", "actor", "auth", "reason", "malformed", "kind", text)
    with open(w.dir + "/up.log", "ab") as log:
        log.write(base64.b64encode(b"u:" + text.encode()) + b"\n")
    event = {"event_id": "0" * 32, "timestamp": 1.8e9, "platform": "c", "level": "error", "message": {"formatted": text}}
    request(w.sim + "/sentry/api/1/envelope/", "POST", "\n".join(map(json.dumps, ({"event_id": event["event_id"]}, {"type": "event"}, event))),
            {"X-Sentry-Auth": "Sentry sentry_key=simsentrypublickey, sentry_version=7", "Content-Type": "application/x-sentry-envelope"})
    tell = f"import socket; a, b = socket.socketpair(); a.sendall(b'{text[:30]}'); a.sendall(b'{text[30:]}')"
    subprocess.run(["python3", "-c", tell], env={**os.environ, **{k: w.environment[k] for k in ("LD_PRELOAD", "SW_WIRETAP")}}, check=True)
    places = {place.split("/")[-1] for place, data in written(w) if found_in({text: "planted"}, data)}
    for want in ("dump.rdb", ".aof", "up.log", "dead letters", "Sentry", "wire."):
        if not any(want in place for place in places):
            raise Failed(f"not found in {want}, only in {places}")
    data = memory(w.children[1].pid)  # the sim, which has them all
    if data is not None and set(found_in(handed_out(w, EVERYTHING), data, plain)) < {"heroku.access", "heroku.refresh", "github.refresh"}:
        raise Failed("not found in the memory of the sim")


@case()
def canary_a_dying_process_leaves_no_core(w):
    """SIGQUIT would write one; nobody may read the memory of a living one but root."""
    for role in ROLES:
        for pid in w.pids(role):
            with open(f"/proc/{pid}/limits") as f:
                if not re.search(r"^Max core file size +0 +0 ", f.read(), re.M):
                    raise Failed(f"{role} may write a core file")
            if os.stat(f"/proc/{pid}/mem").st_uid != 0:
                raise Failed(f"{role} can be read by its user")
    pids = w.pids("auth")
    where = os.readlink(f"/proc/{pids[0]}/cwd")
    before = set(glob.glob(where + "/core*"))
    w.kill("auth", signal.SIGQUIT)
    w.renewed("auth", pids)
    cores = set(glob.glob(where + "/core*")) - before | set(glob.glob(w.dir + "/**/core*", recursive=True))
    if cores:
        raise Failed(f"{cores}")
