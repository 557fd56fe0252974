"""The wire between machines: the same actors over tcp, with keys of their own."""
import re

from cases import case
from talk import Failed, until
from world import PROMOTE, ROLES

TCP = {"WIRE": "tcp://127.0.0.1:0"}


def keys(w, *words, status=0):
    child = w.command("keys", *words)
    if child.returncode != status:
        raise Failed(f"keys {words}: {child.returncode} {child.stdout}{child.stderr}")
    return child.stdout + child.stderr


def begin(w, replicas):
    w.start_redis()
    keys(w, "init")
    keys(w, "curve")
    w.start_up(replicas)
    w.link()
    w.quiet()
    w.reset()


def promote(w, meanwhile=lambda: None):
    made = w.promoted()
    w.type(PROMOTE)
    meanwhile()
    until("the promotion ended", lambda: w.promoted() == made + 1 and w.ended(), 40)
    w.quiet()


def expect_no_refusal(w, *but):
    """A process that was killed in its handshake is none."""
    for role in ROLES:
        for reason in {"key", "retired", "kind", "frames", "server_key", "protocol", "connections"} - set(but):
            if w.metric(role, "wire_refused_total", reason=reason):
                raise Failed(f"{role} refused: {reason}")


@case(settings=TCP, up=False)
def wire_with_keys_promotes_while_one_is_killed(w):
    begin(w, 2)
    for role in ROLES:
        for endpoint in w.redis("ZRANGE", f"sw:live:{role}", 0, -1):
            if not re.fullmatch(rb"tcp://127\.0\.0\.1:\d+#[0-9a-f]{8}\..+", endpoint):
                raise Failed(f"{role} is at {endpoint}")
    before = w.pids("executor")
    promote(w, lambda: w.kill("executor"))
    w.renewed("executor", before)
    if w.metric("parser", "wire_sent_total") == 0:
        raise Failed("nothing went by wire")
    expect_no_refusal(w)
    return f"{w.metric('parser', 'wire_skipped_total')} skipped"


@case(settings=TCP, up=False)
def wire_key_is_rotated_while_everything_runs(w):
    begin(w, 1)
    old = re.search(r"^curve-executor +(\S+)", keys(w, "list"), re.M)[1]
    keys(w, "add", "curve-executor")
    keys(w, "rotate", "curve-executor")
    promote(w)  # the process has the old one yet
    said = keys(w, "retire", old, status=1)
    if f"must be started again: it has key {old} of curve-executor" not in said:
        raise Failed(said)
    before = w.pids("executor")
    w.kill("executor")
    w.renewed("executor", before)
    until("the old one's lease is over", lambda: len(w.redis("ZRANGE", "sw:live:executor", 0, -1)) == 1)
    keys(w, "retire", old)
    w.reset()
    sent = w.metric("auth", "wire_sent_total")
    promote(w)
    if w.metric("auth", "wire_sent_total") <= sent:
        raise Failed("nothing went by wire to the new key")
    expect_no_refusal(w)


@case(settings={"WIRE": "tcp://192.0.2.1:7400"}, up=False)
def wire_without_keys_stays_on_this_machine(w):
    keys(w, "init")
    child = w.command("parser")
    if child.returncode != 78 or child.stderr.count("\n") != 1 or "slipway keys curve" not in child.stderr:
        raise Failed(f"{child.returncode} {child.stderr}")
