"""Keys change while commands are at work: nobody is refused, nothing is lost, and the old keys go."""
import subprocess, threading

from cases import case
from install_cases import OWN, bot, install
from talk import Failed, until
from world import PROMOTE, ROLES


def keys(w, *words, status=0):
    done = subprocess.run([w.slipway, "keys", *words], env=w.environment, capture_output=True, text=True, timeout=60)
    if done.returncode != status:
        raise Failed(f"slipway keys {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def listed(w, standing):
    """{name: id}"""
    rows = [line.split() for line in keys(w, "list").splitlines()[1:]]
    return {row[0]: row[1] for row in rows if row[2] == standing}


def broken(w):
    return {role: n for role in ROLES for n in [w.metric(role, "seal_broken_total", what="box") + w.metric(role, "seal_broken_total", what="row")] if n}


class Load:
    """Somebody asks, again and again."""

    def __init__(self, w):
        self.w, self.typed, self.over = w, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            self.w.type("info storefront")
            self.typed += 1
            self.over.wait(0.05)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def answered(w):
    return sum(m["text"].startswith("Pipeline *storefront*") for m in w.view())


def retire_all(w, former):
    """All at once: each looks twice."""
    waiting = {name: subprocess.Popen([w.slipway, "keys", "retire", key], env=w.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for name, key in former.items()}
    return {name: (child.communicate(timeout=60)[0], child.returncode) for name, child in waiting.items()}


@case(replicas=2, settings=OWN, linked=False)
def all_keys_change_under_load_and_nobody_is_refused(w):
    install(w, w.TEAM)
    until("responder keeps the bot's token", lambda: bot(w, w.TEAM) == "there")
    w.link()
    w.quiet()
    w.reset()
    before = listed(w, "current")
    w.type(PROMOTE)
    with Load(w) as load:
        until("there is load", lambda: load.typed > 10)
        keys(w, "add", "all")
        keys(w, "rotate", "all")
        after = listed(w, "current")
        if set(before.values()) & set(after.values()) or listed(w, "former") != before:
            raise Failed(f"from {before} to {after}")
        keys(w, "reseal")
        at = load.typed
        until("there is load with the new keys", lambda: load.typed > at + 10)
    until("each has an answer", lambda: answered(w) >= load.typed, 30)
    until("the promote ends", w.ended, 30)
    w.quiet()
    told = retire_all(w, before)
    left = {name: text for name, (text, status) in told.items() if status != 0}
    if set(left) != {"state"} or "links and forms" not in left["state"]:
        raise Failed(f"not gone: {left}\n{keys(w, 'list')}")
    until("all processes have forgotten them", lambda: all(row.split()[8].split("/")[0] == row.split()[8].split("/")[1] for row in keys(w, "list").splitlines()[1:]))
    w.reset()
    w.type(PROMOTE)
    until("a promote with the new keys alone", w.ended, 30)
    if broken(w) or w.dead():
        raise Failed(f"did not open: {broken(w)}, dead letters: {w.dead()}")
    return f"{load.typed} commands meanwhile"
