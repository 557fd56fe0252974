"""The wire between machines: the same actors over tcp, with keys of their own."""
import re, subprocess

from cases import case
from talk import Failed, until
from world import PROMOTE, ROLES

TCP = {"WIRE": "tcp://127.0.0.1:0"}


def keys(w, *words):
    child = subprocess.run([w.slipway, "keys", *words], env=w.environment, capture_output=True, text=True, timeout=60)
    if child.returncode:
        raise Failed(f"keys {words}: {child.stderr}")
    return child.stdout


def promote(w, before=lambda: None):
    made = w.promoted()
    w.type(PROMOTE)
    before()
    until("the promotion ended", lambda: w.promoted() == made + 1 and w.ended(), 40)
    w.quiet()


@case(settings={**TCP}, up=False)
def wire_with_keys_promotes_while_one_is_killed(w):
    w.start_redis()
    keys(w, "init")
    keys(w, "curve")
    w.start_up(2)
    w.link()
    w.quiet()
    w.reset()
    for role in ROLES:
        for endpoint in w.redis("ZRANGE", f"sw:live:{role}", 0, -1):
            if not re.fullmatch(rb"tcp://127\.0\.0\.1:\d+#[0-9a-f]{8}\..+", endpoint):
                raise Failed(f"{role} is at {endpoint}")
    before = w.pids("executor")
    promote(w, lambda: w.kill("executor"))
    w.renewed("executor", before)
    if w.metric("parser", "wire_sent_total") == 0:
        raise Failed("nothing went by wire")
    for role in ROLES:
        for reason in ("key", "retired", "kind", "frames", "server_key", "protocol"):
            if w.metric(role, "wire_refused_total", reason=reason):
                raise Failed(f"{role} refused: {reason}")
    return f"{w.metric('parser', 'wire_skipped_total')} skipped"
