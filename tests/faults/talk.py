"""What a test says to Redis, to the door and to pages, without any library."""
import hashlib, hmac, html, http.client, os, random, re, select, socket, threading, time, urllib.parse

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


def free_port():
    """Below those that the system gives to whoever connects: nobody else gets it while its server is down, not even who asks for it again and again."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def request(url, method="GET", body=None, headers=None, timeout=15):
    """Status, headers (lower case; of one that came twice, both lines) and body."""
    u = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout)
    try:
        c.request(method, u.path + ("?" + u.query if u.query else ""), body, headers or {})
        r = c.getresponse()
        found = {}
        for k, v in r.getheaders():
            found[k.lower()] = found[k.lower()] + "\n" + v if k.lower() in found else v
        return r.status, found, r.read()
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


def _words(*args):
    words = [a if isinstance(a, bytes) else str(a).encode() for a in args]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def redis(path, *args, timeout=5, user=None):
    """One command; bulk strings come back as bytes. OSError while it is away. `user`: (name, password)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        s.sendall((_words("AUTH", *user) if user else b"") + _words(*args))
        with s.makefile("rb") as f:
            if user:
                _reply(f)
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
    """Follows the pages of a login card in whatever order they come; remembers what it saw that is secret."""
    PAGES_MAX = 8

    def __init__(self, sim, email, slack=None, team="T0SIM1"):
        """`slack`: who is signed in there; the person of that address unless said otherwise. `team`: where to install."""
        self.sim, self.email, self.slack, self.team = sim, email, slack or email.split("@")[0], team
        self.seen, self.jar = {}, {}

    def walk(self, link):
        """From a link to the first page that asks for nothing, which it returns."""
        self.door = urllib.parse.urlsplit(link).netloc
        if "/link/" in link:
            self.seen["link"] = link.rsplit("/", 1)[-1]
        url, page = self.open(link)
        for _ in range(self.PAGES_MAX):
            form = re.search(rb"<form.*?</form>", page, re.S)
            if not form:
                return page.decode()
            url, page = self.submit(url, form[0].decode())
        raise Failed(f"the way to sign in has no end: {url}")

    def open(self, url, body=None):
        """The address and the text of the page that an address leads to."""
        for _ in range(10):
            host = urllib.parse.urlsplit(url).netloc
            jar = self.jar.setdefault(host, {})
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())} if jar else {}
            if body is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            status, answer, page = request(url, "GET" if body is None else "POST", body, headers)
            jar.update(c.split(";")[0].split("=", 1) for c in answer.get("set-cookie", "").splitlines())
            if host == self.door:
                self.seen.update({f"cookie {k}": v for k, v in jar.items() if v})
            if status not in (302, 303):
                break
            url, body = urllib.parse.urljoin(url, answer["location"]), None
            self.note(url)
        if status != 200:
            raise Failed(f"{url.split('?')[0]}: {status} {page.rpartition(b'<body>')[2][:400].decode(errors='replace')}")
        return url, page

    def note(self, url):
        """State and code of a callback."""
        where = urllib.parse.urlsplit(url)
        if where.netloc == self.door:
            self.seen.update({f"{k} {where.path}": v for k, v in urllib.parse.parse_qsl(where.query) if k in ("state", "code")})

    def submit(self, url, form):
        fields = {k: html.unescape(v) for k, v in re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form)}
        person = re.escape(self.email.split("@")[0])
        for page, field, choice in (("/openid/connect/authorize", "account", re.escape(self.slack)), ("/oauth/v2/authorize", "team", self.team),
                                    ("/login/oauth/authorize", "account", person + "(?:-[a-z]+)?"), ("/oauth/authorize", "account", re.escape(self.email))):
            if urllib.parse.urlsplit(url).path.endswith(page):
                button = re.search(rf'<button[^>]* name="{field}" value="({choice})"', form)
                if not button:
                    raise Failed(f"{page} does not offer {choice}: {form[:500]}")
                fields[field] = button[1]
                break
        action = re.search(r'<form[^>]* action="([^"]*)"', form)
        return self.open(urllib.parse.urljoin(url, html.unescape(action[1])) if action else url, urllib.parse.urlencode(fields))
