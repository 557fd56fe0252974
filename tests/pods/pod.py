#!/usr/bin/env python3
"""pod.py SLIPWAY SIM POD: each role as a pod of Kubernetes would run it. Needs root; what it makes ends with it.

A root file system of the binary and its libraries alone, read-only; uid 10001, no capability, a seccomp filter; its own keys and
secrets; probes as a kubelet asks them. Ends with `N passed, N failed`; 77: namespaces are not permitted."""
import http.client, os, random, signal, socket, sys

from space import enter, keys_of, project

BASE = enter()
from cluster import Cluster, probe
from runner import Runner, arguments
from talk import Failed, for_ms, holds, request, signed, slash_form, until
from words import HELP
from world import ROLES

GRACE_S = 8


def files(folder):
    return sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)


def statuses(w, path):
    return {p.name: probe(p, path) for p in w.of()}


def until_all(w, path, status, seconds=20):
    try:
        until(path, lambda: set(statuses(w, path).values()) == {status}, seconds, 0.1)
    except Failed:
        raise Failed(f"{path} is not {status}: {statuses(w, path)}; {[p.log()[-200:] for p in w.of() if probe(p, path) != status][:2]}")


def alive_and_not_ready_without_redis(w):
    for role in ROLES:
        w.add_pod(role)
    until_all(w, "/healthz", 200)
    if set(statuses(w, "/readyz").values()) != {503}:
        raise Failed(f"{statuses(w, '/readyz')}")
    holds("all live", lambda: set(statuses(w, "/healthz").values()) == {200} and all(p.alive() for p in w.of()), 1)


def ready_when_redis_comes(w):
    w.start_redis()
    until_all(w, "/readyz", 200)


def nothing_can_be_gained_inside(w):
    for pod in w.of():
        at = f"/proc/{pod.pid()}"
        with open(at + "/status") as f:
            status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        for name, want in (("Uid", "10001\t10001\t10001\t10001"), ("Gid", "10001\t10001\t10001\t10001"), ("Groups", "10001 "), ("NoNewPrivs", "1"), ("Seccomp", "2"),
                           ("CapInh", "0" * 16), ("CapPrm", "0" * 16), ("CapEff", "0" * 16), ("CapBnd", "0" * 16), ("CapAmb", "0" * 16), ("NSpid", f"{pod.pid()}\t1")):
            if status[name] != want:
                raise Failed(f"{pod.role}: {name} {status[name]}")
        with open(at + "/mountinfo") as f:
            mounts = {line.split()[4]: line.split()[5] for line in f}
        writable = {m for m, o in mounts.items() if "rw" in o.split(",")} - {"/proc"}
        if writable != {"/run/slipway"}:
            raise Failed(f"{pod.role} may write to {writable}")


def only_what_is_its_own_is_there(w):
    for pod in w.of():
        inside = f"/proc/{pod.pid()}/root"
        programs = [p for p in files(inside + "/usr") if os.access(p, os.X_OK) and ".so" not in os.path.basename(p)]
        if [os.path.basename(p) for p in programs] != ["slipway"]:
            raise Failed(f"programs: {programs}")
        with open(f"/proc/{pod.pid()}/environ", "rb") as f:
            environment = f.read()
        bad = [n for n, value in w.secrets.items() if value.encode() in environment]
        if bad:
            raise Failed(f"{pod.role} has {bad} in its environment")


def written_is_nothing_outside_its_directory(w):
    if files(w.root) != w.files_of_root:
        raise Failed(f"{set(files(w.root)) ^ set(w.files_of_root)}")
    strange = [f for p in w.of() for f in os.listdir(p.folder + "/run") if not f.startswith(p.role)]
    if strange:
        raise Failed(f"{strange}")


def a_secret_that_is_exchanged_is_read_again(w):
    """The kubelet exchanges the link ..data; both secrets hold while the file has two lines."""
    pod, old, new = w.of("ingress")[0], w.secrets["SLACK_SECRET_FILE"], "0123456789abcdef0123456789abcdef"
    now = {n: open(f"{pod.folder}/secrets/{n}", "rb").read() for n in os.listdir(pod.folder + "/secrets") if not n.startswith("..")}

    def answer(secret):
        body = slash_form("help", trigger_id=os.urandom(8).hex())
        return request(f"http://{pod.address}:8080/slack/commands", "POST", body, signed(secret, body))[0]
    if (answer(old), answer(new)) != (200, 401):
        raise Failed("before")
    project(pod.folder + "/secrets", {**now, "SLACK_SECRET_FILE": f"{new}\n{old}\n".encode()})
    until("the new secret is taken", lambda: answer(new) == 200, 10, 0.2)
    if answer(old) != 200:
        raise Failed("the one before is refused")


def alive_and_not_ready_while_redis_is_away(w):
    w.end_redis()
    until_all(w, "/readyz", 503)
    holds("all live", lambda: set(statuses(w, "/healthz").values()) == {200} and all(p.alive() for p in w.of()), 2)
    w.start_redis()
    until_all(w, "/readyz", 200)


def kafka_that_is_away_changes_neither(w):
    """Webhooks go through Redis then, so nobody has to be taken out of service."""
    pods = [w.add_pod(role, KAFKA=f"{w.places['sim'].address}:9") for role in ("ingress", "notifier")]
    for path in ("/healthz", "/readyz"):
        until(f"{path} without Kafka", lambda: all(probe(p, path) == 200 for p in pods), 10, 0.1)
    holds("both stay so", lambda: all(probe(p, "/readyz") == 200 and p.alive() for p in pods), 1)
    ended = [w.remove_pod(p) for p in pods]
    if ended != [0, 0]:
        raise Failed(f"{ended}")


def what_stands_still_fails_liveness(w):
    pod = w.of("executor")[0]
    os.kill(pod.pid(), signal.SIGSTOP)
    until("liveness fails", lambda: probe(pod, "/healthz") == 0, 5)
    os.kill(pod.pid(), signal.SIGCONT)
    # Its lease may have run out meanwhile; without another process there is nobody who could have taken it.
    until_all(w, "/readyz", 200)


def what_was_killed_begins_again_in_its_pod(w):
    for pod in w.of():
        pod.kill()
    if any(probe(p, "/healthz") for p in w.of()):
        raise Failed("still there")
    w.left = {name for p in w.of() for name in os.listdir(p.folder + "/run")}  # nobody could clear it away
    for pod in w.of():
        w.children.append(pod.start())
    until_all(w, "/readyz", 200)


def slash(w, pod, connection=None):
    """Status and the header Connection of a command's answer, on a connection of its own unless one is given."""
    body = slash_form("help", trigger_id=os.urandom(8).hex())
    c = connection or http.client.HTTPConnection(pod.address, 8080, timeout=5)
    c.request("POST", "/slack/commands", body, signed(w.secrets["SLACK_SECRET_FILE"], body))
    answer = c.getresponse()
    answer.read()
    return answer.status, answer.getheader("Connection")


def ingress_takes_commands_until_all_know_that_it_leaves(w):
    """A balancer that has not heard yet goes on sending: on new connections and on those that it kept."""
    pod = w.of("ingress")[0]
    kept = [http.client.HTTPConnection(pod.address, 8080, timeout=5) for _ in range(3)]
    for c in kept:
        if slash(w, pod, c) != (200, None):
            raise Failed("before")
    half = socket.create_connection((pod.address, 8080))
    half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    pod.child.terminate()
    until("not ready at once", lambda: probe(pod, "/readyz") == 503, 0.5)
    for c in kept:
        if slash(w, pod, c) != (200, "close"):
            raise Failed("on a connection that was there")
    if slash(w, pod) != (200, "close"):
        raise Failed("on a new connection")
    until("no more connections are taken", lambda: not taken(pod), 5)
    if not pod.alive():
        raise Failed("it ended with a request half read")
    half.sendall(b"\r\n")
    if not half.recv(100).startswith(b"HTTP/1.1 200"):
        raise Failed("the request that was half read")
    if pod.child.wait(GRACE_S) != 0:
        raise Failed(f"{pod.child.returncode}")
    w.children.append(pod.start())
    until_all(w, "/readyz", 200)


def taken(pod):
    try:
        socket.create_connection((pod.address, 8080), 1).close()
        return True
    except OSError:
        return False


def sigterm_ends_with_0_within_the_grace(w):
    for pod in w.of():
        pod.child.terminate()
    bad = [(p.role, s, p.log()[-300:]) for p in w.of() for s in [p.stop(GRACE_S)] if s != 0]
    if bad:
        raise Failed(f"{bad[:2]}")
    left = {name for p in w.of() for name in os.listdir(p.folder + "/run") if name.endswith(".sock")} - w.left
    if left:
        raise Failed(f"left: {left}")


def begun_in_any_order_all_are_well(w):
    """Redis is one of those that come when they come."""
    chance, rounds = random.Random(w.seed), 20 if w.long else 3
    for n in range(rounds):
        w.end_redis()
        w.pods.clear()
        order = [*ROLES, "redis"]
        chance.shuffle(order)
        for name in order:
            w.start_redis() if name == "redis" else w.add_pod(name)
            for_ms(chance.choice((0, 0, 50, 300)))
        until_all(w, "/readyz", 200)
        before = w.told(HELP)
        w.admin("/sim/config", {"ingress": f"http://{w.of('ingress')[0].address}:8080"})
        w.type("help")
        until(f"the help, after {order}", lambda: w.told(HELP) > before, 10)
        ended = [w.remove_pod(p, grace_s=GRACE_S) for p in w.of()]
        if any(ended):
            raise Failed(f"{ended} after {order}")


def refuses(w, what, role, words, **made):
    """It ends with 78 and one line that says what is wrong."""
    pod = w.make_pod(role, **made)
    status = pod.start().wait(20)
    if status != 78 or len(pod.log().splitlines()) != 1 or words not in pod.log():
        raise Failed(f"{what}: {status}, {pod.log()[-400:]}")
    pod.place.remove()


def what_is_wrong_ends_with_78_and_one_line(w):
    keys = w.dir + "/keys"
    refuses(w, "a number", "parser", "SLIPWAY_LEASE_MS", LEASE_MS="soon")
    refuses(w, "a secret that is not there", "responder", "SLIPWAY_SLACK_TOKEN_FILE", SLACK_TOKEN_FILE="/etc/slipway/secrets/none", secrets={})
    refuses(w, "another role's keys", "auth", "auth.key", keys=keys_of(keys, "executor"))
    refuses(w, "no keys", "notifier", "notifier.key", keys={})
    refuses(w, "an address that is not its own", "ingress", "SLIPWAY_HTTP", HTTP="192.0.2.1:8080")
    refuses(w, "a directory that cannot be written", "refresher", "SLIPWAY_RUN_DIR", RUN_DIR="/usr/run")


CASES = [alive_and_not_ready_without_redis, ready_when_redis_comes, nothing_can_be_gained_inside, only_what_is_its_own_is_there, a_secret_that_is_exchanged_is_read_again,
         alive_and_not_ready_while_redis_is_away, kafka_that_is_away_changes_neither, what_stands_still_fails_liveness, what_was_killed_begins_again_in_its_pod, written_is_nothing_outside_its_directory,
         ingress_takes_commands_until_all_know_that_it_leaves, sigterm_ends_with_0_within_the_grace, begun_in_any_order_all_are_well, what_is_wrong_ends_with_78_and_one_line]


def main():
    p = arguments(__doc__)
    p.add_argument("pod")
    a = p.parse_args()
    with Cluster(a.slipway, a.sim, a.pod, up=False) as w:
        w.make_volumes()
        w.files_of_root = files(w.root)
        w.seed, w.long = a.seed, a.long or os.environ.get("SW_LONG") == "1"
        print("seed", a.seed, flush=True)
        a.worlds = 1  # one after the other: each goes on where the one before ended
        r = Runner(a)

        def run(case):
            if r.failed:
                raise Failed("not tried")
            return case(w)
        sys.exit(r.run([(case.__name__.replace("_", "-"), lambda _, case=case: run(case)) for case in CASES]))


main()
