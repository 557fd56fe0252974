"""Keys and secrets that are changed while people work: not one command fails, nothing is left under the old key."""
import glob, os, re, shutil, subprocess

from cases import case
from install_cases import TWO, There, bot, install
from load import Load
from row_cases import ADA, FROM_TWO, kept, put, unreadable
from talk import Browser, Failed, until
from token_cases import EXPIRING, still
from tokens import cards, link, promotes, used_once
from world import ROLES

DEPLOY = "deploy storefront to staging"
PEOPLE = (ADA, FROM_TWO)


def everybody(w):
    link(w, w.ADA, "ada@example.com")
    There(w).link()
    w.quiet()


def keys(w, source, *words, status=0):
    """`slipway keys`, as an operator runs it; what it says."""
    done = w.command("keys", *words, KEY_DIR=source)
    if done.returncode != status:
        raise Failed(f"keys {words}: {done.returncode} {done.stdout[-300:]} {done.stderr[-600:]}")
    return done.stdout + done.stderr


def standing(w, source, word):
    """{name: id} of those keys."""
    rows = [line.split() for line in keys(w, source, "list").splitlines()]
    return {row[0]: row[1] for row in rows if len(row) > 2 and row[2] == word}


def named_in_redis(w, ids):
    """(key, id) of all values that name one of these keys."""
    found, cursor = [], b"0"
    while True:
        cursor, names = w.redis("SCAN", cursor, "COUNT", 1000)
        for name in names:
            kind = w.redis("TYPE", name)
            read = {"string": ("GET",), "hash": ("HGETALL",), "zset": ("ZRANGE", "0", "-1"), "stream": ("XRANGE", "-", "+"), "set": ("SMEMBERS",)}
            if kind not in read:  # it went since the scan
                continue
            value = repr(w.redis(read[kind][0], name, *read[kind][1:]))
            found += [(name.decode(), i) for i in ids if f".{i}." in value]
        if cursor == b"0":
            return found


def broken(w):
    return sum(w.metric(role, "seal_broken_total") for role in ROLES)


def change_all_keys(w, source, publish, finish):
    """All of it, under load; `finish` ends what was begun under the old keys. How much that was."""
    with Load(w, PEOPLE) as load:
        load.goes_on()
        keys(w, source, "add", "all")
        publish()
        keys(w, source, "rotate", "all")
        publish()
        keys(w, source, "reseal", "--timeout", "30")
        load.goes_on()
        former = standing(w, source, "former")
        finish(former)
        if set(former) != {*ROLES, "token", "state"}:
            raise Failed(f"rotated: {former}")
        if "good for another" not in keys(w, source, "retire", former.pop("state"), status=1):
            raise Failed("a state key is retired at once")
        retire_all(w, source, former)
        publish()
        until("nobody knows them any more", lambda: not set(former.values()) & known(w), 10, 0.1)
        load.goes_on()
    n = load.ended_well()
    if broken(w):
        raise Failed(f"{broken(w)} boxes or rows did not open")
    left = named_in_redis(w, former.values())
    if left:
        raise Failed(f"named still: {left}")
    return f"{n} commands in {load.seconds:.1f} s"


def known(w):
    """Ids of keys that living processes say they know."""
    text = b"".join(v for role in ROLES for v in w.redis("HGETALL", f"sw:keys:{role}")[1::2])
    return {i.decode() for i in re.findall(rb"[0-9a-f]{8}", text)}


def retire_all(w, source, former):
    """Side by side: each looks twice, three seconds apart; and again where a command was just under way."""
    env = {**w.environment, "SLIPWAY_KEY_DIR": source}
    todo, told = dict(former), ""

    def look():
        nonlocal told
        children = {name: subprocess.Popen([w.slipway, "keys", "retire", i], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                    for name, i in todo.items()}
        told = ""
        for name, child in children.items():
            text = child.communicate(timeout=60)[0]
            if child.returncode == 0:
                del todo[name]
            told += text
        return not todo
    try:
        until("all are retired", look, 20, 0.5)
    except Failed:
        raise Failed(f"not retired: {todo} {told} {keys(w, source, 'list')}")


@case(linked=False, replicas=2)
def keys_of_all_are_changed_while_people_work_and_an_old_backup_opens_no_more(w):
    """Bob's deploy waits for its checks meanwhile, with boxes of the old keys."""
    install(w, TWO)
    everybody(w)
    link(w, w.BOB, "bob@example.com")
    backup = kept(w, ADA)
    source, gone = w.environment["SLIPWAY_KEY_DIR"], {}
    w.checks("pending")
    w.type(DEPLOY, w.BOB)
    w.click("Deploy when green", w.BOB)
    until("it waits", lambda: w.told("waits for its checks, until"), 20)

    def finish(former):
        if "is needed" not in keys(w, source, "retire", former["executor"], status=1):
            raise Failed("a key is retired that a plan needs")
        gone.update(former)
        w.checks("success")
        until("the deploy ends well", lambda: any(m["text"].startswith("✔") for m in w.parents()), 30)
    remark = change_all_keys(w, source, lambda: None, finish)
    promotes(w)
    if bot(w, TWO) != "there" or f".{gone['responder']}." in str(w.redis("GET", w.key(f"responder:s:bot/{TWO}", TWO))):
        raise Failed("the bot token was not sealed anew")
    There(w).promote()
    put(w, {ADA: backup})
    unreadable(w, ADA)
    return remark


class Mounted:
    """A secret as Kubernetes shows it: links through ..data, which is swapped."""

    def __init__(self, w):
        self.source, self.mount, self.n = w.dir + "/source", w.environment["SLIPWAY_KEY_DIR"], 0
        os.makedirs(self.mount)
        keys(w, self.source, "init")
        self.publish()
        for path in glob.glob(self.source + "/*.*"):
            os.symlink("..data/" + os.path.basename(path), f"{self.mount}/{os.path.basename(path)}")

    def publish(self, spoil=None):
        self.n += 1
        shutil.copytree(self.source, f"{self.mount}/..{self.n}")
        if spoil:
            with open(f"{self.mount}/..{self.n}/{spoil}", "w") as f:
                f.write("half of a ke")
        os.symlink(f"..{self.n}", f"{self.mount}/..data_tmp")
        os.rename(f"{self.mount}/..data_tmp", f"{self.mount}/..data")
        if self.n > 1:
            shutil.rmtree(f"{self.mount}/..{self.n - 1}")


@case(up=False, settings=dict(REFRESH_MS=1000), world=EXPIRING)
def keys_that_kubernetes_swaps_are_changed_while_people_work_and_tokens_fall_due(w):
    """Bob got the link to sign in before, and follows it after."""
    w.start_redis()
    mounted = Mounted(w)
    w.start_up()
    everybody(w)
    w.type("login", w.BOB)
    link_of_bob = until("the card", lambda: cards(w, w.BOB))[-1]
    remark = change_all_keys(w, mounted.source, mounted.publish, lambda _: Browser(w.sim, "bob@example.com").walk(link_of_bob))
    still(lambda: used_once(w, {"github.refresh": 3}))
    # What cannot be read is told, and everybody goes on with what they have.
    failed = lambda: w.metric("auth", "reloads_total", what="keys", outcome="failed")
    with Load(w, PEOPLE) as load:
        mounted.publish(spoil="token.key")
        until("it is seen", failed, 10)
        load.goes_on()
        mounted.publish()
    load.ended_well()
    if broken(w):
        raise Failed(f"{broken(w)} boxes or rows did not open")
    return remark


# ---- the secret that Slack signs with ----
def write_secret(w, *lines):
    path = w.dir + "/SLACK_SECRET_FILE"
    with open(path + ".new", "w") as f:
        f.write("".join(line + "\n" for line in lines))
    os.rename(path + ".new", path)


def read_again(w, fn):
    count = lambda: w.metric("ingress", "reloads_total", what="secrets", outcome="ok")
    before = count()
    fn()
    until("it is read", lambda: count() > before, 10)


@case(linked=False)
def keys_signing_secret_is_changed_while_people_work_and_nobody_is_turned_away(w):
    everybody(w)
    old, new = w.secrets["SLACK_SECRET_FILE"], "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    with Load(w, PEOPLE) as load:
        load.goes_on()
        read_again(w, lambda: write_secret(w, new, old))
        load.goes_on()
        w.admin("/sim/config", {"secret": new})
        load.goes_on()
        read_again(w, lambda: write_secret(w, new))
        load.goes_on()
    n = load.ended_well()
    if w.metric("ingress", "refused_total"):
        raise Failed(f"{w.metric('ingress', 'refused_total')} turned away")
    if w.post_slash("help", secret=old)[0] != 401 or w.post_slash("help", secret=new)[0] != 200:
        raise Failed("the old one is good still, or the new one is not")
    return f"{n} commands in {load.seconds:.1f} s"
