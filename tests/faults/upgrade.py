#!/usr/bin/env python3
"""upgrade.py SLIPWAY SIM: from the release before to this one and back again, one role after the other, while people work.

CHANGELOG.md names the commit of the release before; it is built in a worktree, build-previous/, which the next run uses again.
Exit status 77, and one line, where this tree has no history of git. Ends with `N passed, N failed`."""
import collections, json, os, re, signal, socket, subprocess, sys, threading, time

import notices, runner, truth
from load import Load
from talk import Failed, until
from world import PROMOTE, ROLES, SHORT, World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREVIOUS = ROOT + "/build-previous"
PEOPLE = (("U0ADA", "T0SIM1", "C0DEPLOY"), ("U0BOB", "T0SIM1", "C0DEPLOY"))
# What is typed, and the one call at Heroku that it makes.
CALL = {PROMOTE: "POST pipeline-promotions", "maintenance on storefront in staging": "PATCH apps", "maintenance off storefront in staging": "PATCH apps"}
LINES = list(CALL)


def run(*words):
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(words)}: {(done.stdout + done.stderr)[-1500:]}")
    return done.stdout.strip()


def release_before():
    """(version, commit) of the newest entry of the changelog that is not this version's."""
    with open(ROOT + "/meson.build") as f:
        mine = re.search(r"version: '([0-9.]+)'", f.read())[1]
    with open(ROOT + "/CHANGELOG.md") as f:
        entries = re.findall(r"^## v([0-9.]+), commit ([0-9a-f]{7,40})$", f.read(), re.M)
    return next((version, commit) for version, commit in entries if version != mine)


def built(commit):
    """The binary of that commit."""
    source, build = PREVIOUS + "/source", PREVIOUS + "/build"
    run("git", "worktree", "prune")
    if os.path.isdir(source):
        run("git", "-C", source, "checkout", "--force", "--detach", commit)
    else:
        run("git", "worktree", "add", "--force", "--detach", source, commit)
    if not os.path.exists(build + "/build.ninja"):
        run("meson", "setup", "--buildtype=debugoptimized", build, source)
    run("ninja", "-C", build, "actors/slipway")
    return build + "/actors/slipway"


class Front:
    """What stands before ingress, whichever that is now: one address for Slack, Heroku, GitHub and browsers."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.behind = None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            try:
                ingress = socket.create_connection(self.behind)
            except OSError:
                caller.close()
                continue
            for a, b in ((caller, ingress), (ingress, caller)):
                threading.Thread(target=self.pass_on, args=(a, b), daemon=True).start()

    def pass_on(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Side:
    """Roles of one binary, at first those of `running`, on the Redis of a world."""

    def __init__(self, w, name, binary, running=()):
        self.w, self.name, self.dir = w, name, f"{w.dir}/{name}"
        os.mkdir(self.dir)
        env = {**w.environment, "SLIPWAY_RUN_DIR": self.dir + "/run", "SLIPWAY_DATA_DIR": self.dir + "/data"}
        self.up = w.spawn([binary, "up", *(word for role in ROLES for word in ("--replicas", f"{role}={int(role in running)}"))], name, env)
        until(f"{name} is there", lambda: os.path.exists(self.dir + "/run/actors.json"))
        for role in running:
            self.count(role, 1)

    def actors(self, role):
        with open(self.dir + "/run/actors.json") as f:
            return [a for a in json.load(f)["actors"] if a["role"] == role]

    def scale(self, role, n):
        with open(self.dir + "/run/replicas", "w") as f:
            f.write(f"{role}={n}\n")
        self.up.send_signal(signal.SIGHUP)
        self.count(role, n)

    def count(self, role, n):
        until(f"{n} of {self.name}'s {role}", lambda: len(self.actors(role)) == n)
        if n and role == "ingress":
            self.w.front.behind = ("127.0.0.1", int(self.actors(role)[0]["http"].rsplit(":", 1)[1]))


class Writes:
    """Commands that change something, one after the other; each is on its way while a role is exchanged."""

    def __init__(self, w):
        self.w, self.typed = w, 0

    def done(self):
        return sum(m["text"].startswith("✔") for m in self.ops())

    def ops(self):
        return [m for m in self.w.parents() if not notices.key_of(m) and m.get("metadata")]

    def during(self, change):
        line = LINES[self.typed % len(LINES)]
        before = len(truth.writes(self.w))
        self.w.type(line)
        self.typed += 1
        until(f"{line}: a call of it", lambda: len(truth.writes(self.w)) > before)
        change()
        until(f"{line} ended", lambda: self.done() == self.typed, 40)

    def each_once(self):
        made = collections.Counter(e["method"] + " " + e["path"].split("/")[1] for e in truth.writes(self.w) if e["upstream"] == "heroku")
        del made["POST apps"]  # the webhooks of the route
        wanted = collections.Counter(CALL[LINES[n % len(LINES)]] for n in range(self.typed))
        if made != wanted or self.w.promoted() != wanted[CALL[PROMOTE]]:
            raise Failed(f"Heroku was asked for {made}, not for {wanted}")


def exchange(w, old, new, writes, load):
    for role in ROLES:
        def change(role=role):
            new.scale(role, 1)
            old.scale(role, 0)
        writes.during(change)
        if role in ("ingress", "notifier", "responder"):
            w.shas.append(notices.push(w))
    load.goes_on()


def upgrade_and_rollback(a, before):
    w = World(a.slipway, a.sim, SHORT, promote_ms="500-800", up=False)
    failed = True
    try:
        w.start_redis()
        w.front = Front()
        w.ingress = w.front.url
        w.environment["SLIPWAY_BASE_URL"] = w.ingress
        w.admin("/sim/config", {"ingress": w.ingress})
        old, new = Side(w, "old", before, ROLES), Side(w, "new", a.slipway)
        w.link()
        w.link(w.BOB, "bob@example.com")
        notices.route(w)
        w.shas, writes = [], Writes(w)
        with Load(w, PEOPLE) as load:
            load.goes_on()
            exchange(w, old, new, writes, load)
            exchange(w, new, old, writes, load)
        w.quiet(90)  # a channel is told one thing a second
        answered = load.ended_well()
        writes.each_once()
        told = notices.subjects(w)
        missing = [sha for sha in w.shas if notices.commit(sha) not in told]
        if missing or notices.doubles(w):
            raise Failed(f"commits not told: {missing}, told twice: {notices.doubles(w)}")
        for side in (new, old):
            side.up.terminate()
            if side.up.wait(30):
                raise Failed(f"{side.name} ended with {side.up.returncode}")
        truth.canaries(w)
        if w.complaints():
            raise Failed(str(w.complaints()))
        failed = False
        return f"{answered} commands answered, {writes.typed} writes, {len(w.shas)} commits; none lost, none twice"
    finally:
        w.front.listener.close()
        w.close(keep=a.keep and failed)


def main():
    a = runner.arguments(__doc__, worlds=1).parse_args()
    try:
        version, commit = release_before()
        run("git", "cat-file", "-e", commit + "^{commit}")
    except Failed as e:
        print(f"skipped: no history here to build the release before from ({e})")
        sys.exit(77)
    started = time.monotonic()
    before = built(commit)
    print(f"v{version}, commit {commit}, built in {time.monotonic() - started:.0f} s", flush=True)
    runner.main(a, [(f"from-v{version}-and-back", lambda worker: upgrade_and_rollback(a, before))])


if __name__ == "__main__":
    main()
