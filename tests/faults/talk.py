"""What a test says to Redis, to the door and to pages, without any library."""
import hashlib, hmac, http.client, os, re, select, socket, threading, time, urllib.parse

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


def for_ms(ms):
    """How long a fault lasts; never a guess of how long something else takes."""
    _never.wait(ms / 1000)


def holds(what, look, seconds):
    """The opposite of until: it must stay so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not look():
            raise Failed(f"did not stay so for {seconds} s: {what}")
        _never.wait(0.05)


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


# ---- Redis ----
def _reply(f):
    line = f.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("redis hung up")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest.decode()
    if kind == b"-":
        raise Failed("redis: " + rest.decode())
    if kind == b":":
        return int(rest)
    n = int(rest)
    if n < 0:
        return None
    if kind == b"$":
        return f.read(n + 2)[:-2]
    return [_reply(f) for _ in range(n)]


def redis(path, *args, timeout=5):
    """One command; bulk strings come back as bytes. OSError while it is away."""
    words = [a if isinstance(a, bytes) else str(a).encode() for a in args]
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        with s.makefile("rb") as f:
            return _reply(f)


def shard_of(installation):
    h = 14695981039346656037
    for c in installation.encode():
        h = (h ^ c) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return (h ^ h >> 32) % 64


# ---- msgpack, as much of it as an envelope needs ----
def packed(value):
    if value is None or value is True or value is False:
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return b"\xd3" + value.to_bytes(8, "big", signed=True)
    if isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        return b"\xdb" + len(data).to_bytes(4, "big") + data
    if isinstance(value, dict):
        return b"\xdf" + len(value).to_bytes(4, "big") + b"".join(packed(k) + packed(v) for k, v in value.items())
    return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(packed, value))


# ---- the door ----
def slash_form(text, **more):
    """A slash command as Slack sends it."""
    fields = {"team_id": "T0SIM1", "channel_id": "C0DEPLOY", "channel_name": "deploys", "user_id": "U0ADA", "command": "/h",
              "text": text, "response_url": "", "trigger_id": "1.2.3", **more}
    return urllib.parse.urlencode(fields)


def signed(secret, body, skew_s=0):
    stamp = str(int(time.time()) + skew_s)
    mac = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"Content-Type": "application/x-www-form-urlencoded", "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + mac}


# ---- sign-in, as a browser walks it ----
class Browser:
    """Follows the pages of a login card; remembers what it saw that is secret."""
    PLAIN = {"Content-Type": "application/x-www-form-urlencoded"}

    def __init__(self, sim, email):
        self.sim, self.email, self.seen = sim, email, {}

    def _page(self, what, want, got):
        status, headers, page = got
        if status not in want:
            raise Failed(f"{what}: {status} {page[:300]}")
        return headers, page

    def walk(self, url):
        headers, page = self._page("GET link", (200,), request(url))
        cookie = headers["set-cookie"].split(";")[0]
        fields = dict(re.findall(rb'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        form = urllib.parse.urlencode({k.decode(): v.decode() for k, v in fields.items()})
        headers, _ = self._page("POST link", (303,), request(url, "POST", form, {**self.PLAIN, "Cookie": cookie}))
        at_heroku = headers["location"]
        if "/login/oauth/" in at_heroku:  # Heroku is connected already
            return self._github(at_heroku, cookie)
        self._page("authorize", (200,), request(at_heroku))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(at_heroku).query))
        form = urllib.parse.urlencode({**query, "account": self.email})
        headers, _ = self._page("allow", (302, 303), request(self.sim + "/oauth/authorize", "POST", form, self.PLAIN))
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["location"]).query))
        self.seen = {"link": url.rsplit("/", 1)[-1], "cookie": cookie.split("=", 1)[1], "state": back["state"], "code": back["code"]}
        headers, _ = self._page("callback", (200, 302, 303), request(headers["location"], headers={"Cookie": cookie}))
        if "location" in headers:  # on to GitHub, where that is not connected yet
            self._github(headers["location"], headers.get("set-cookie", cookie).split(";")[0])

    def _github(self, at_github, cookie):
        _, page = self._page("authorize at GitHub", (200,), request(at_github))
        person = re.escape(self.email.split("@")[0].encode())
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(at_github).query))
        form = urllib.parse.urlencode({**query, "account": re.search(rb'value="(' + person + rb'(?:-[a-z]+)?)"', page)[1].decode()})
        headers, _ = self._page("allow at GitHub", (302, 303), request(at_github.split("?")[0], "POST", form, self.PLAIN))
        self._page("callback of GitHub", (200,), request(headers["location"], headers={"Cookie": cookie}))
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["location"]).query))
        self.seen.update({"state at GitHub": back["state"], "code at GitHub": back["code"]})
