"""Each role as a user of Redis: what it needs it may, and nothing else."""
import os, subprocess

from cases import case
from ledger_world import Guarded
from notices import push, route, subjects
from redis_cases import promoted_once
from talk import Failed, packed, redis, shard_of, until
from world import PROMOTE, ROLES

# PROTO.md, "from, to"; and whoever fails tells its person by responder.
SENDS = {"ingress": "parser auth notifier", "parser": "auth responder", "auth": "executor responder refresher notifier",
         "executor": "auth responder notifier", "responder": "auth executor notifier", "notifier": "auth responder", "refresher": "auth responder"}
NOBODY = ("FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG SET appendonly no", "DEBUG SLEEP 0", "SCRIPT FLUSH", "SHUTDOWN", "ACL LIST", "ACL SETUSER x", "MONITOR",
          "CLIENT LIST", "REPLICAOF NO ONE", "MODULE LIST", "BGSAVE", "SUBSCRIBE x", "FUNCTION LIST", "SWAPDB 0 1", "MIGRATE h 1 k 0 1", "FAILOVER",
          "DUMP sw:{01}:%s", "RENAME sw:{01}:%s sw:{02}:%s", "RESTORE sw:{01}:%s 0 x", "GET other", "SET other 1", "XADD sw:{01}x * m 1", "SELECT 1")
NO_ROLE = ("EVAL x 0", "SCAN 0", "CONFIG GET requirepass", "XRANGE sw:{01}:dead - +", "XDEL sw:{01}:dead 1-1", "XRANGE sw:{01}:audit:T1 - +", "DEL sw:{01}:audit:T1",
           "XRANGE sw:{01}:story - +", "DEL sw:src:github/1", "SMEMBERS sw:{01}:audits")
# Of another role's.
OTHERS = ("GET sw:{01}:%s:s:acct/T1/U1", "SET sw:{01}:%s:s:acct/T1/U1 x", "DEL sw:{01}:%s:s:x", "XRANGE sw:{01}:%s - +", "XRANGE sw:{01}:%s:bulk - +",
          "XDEL sw:{01}:%s 1-1", "DEL sw:{01}:%s", "HGETALL sw:{01}:%s:fx", "HSET sw:{01}:%s:fx a b", "HSET sw:{01}:%s:own epoch 9", "HMGET sw:{01}:%s:own nonce",
          "HDEL sw:{01}:%s:fx:started a", "ZADD sw:{01}:%s:timers 1 a", "ZRANGE sw:{01}:%s:timers 0 -1", "HGET sw:{01}:%s:tm a", "ZADD sw:live:%s 1 x", "HSET sw:keys:%s x y")


@case(world=dict(kind=Guarded), settings=dict(REFRESH_MS=1500))
def acl_users_do_all_their_work(w):
    w.type(PROMOTE)
    promoted_once(w)
    route(w)
    push(w, message="Fix the cart")
    until("a subject is told", lambda: subjects(w), 30)
    until("a token is refreshed", lambda: any("refresh" in str(e.get("body", "")) for e in w.journal("POST /oauth/token")[1:]) or len(w.journal("POST /oauth/token")) > 1, 30)
    w.redis("XADD", w.key("dead"), "*", "actor", "parser", "reason", "refused", "m",
            packed({"v": 1, "k": "slash.v1", "c": "0" * 22, "i": w.TEAM, "t": 1, "b": {}, "s": {}}))
    letter = f"{shard_of(w.TEAM):02}/" + w.redis("XRANGE", w.key("dead"), "-", "+")[0][0].decode()
    for command in (["audit"], ["keys", "list"], ["keys", "reseal"], ["status"], ["doctor"], ["trace", w.op(0)], ["dead", "list"], ["dead", "drop", letter]):
        done = subprocess.run([w.slipway, *command], env=w.environment_of("operator"), capture_output=True, text=True, timeout=60)
        if "NOPERM" in done.stdout + done.stderr or done.returncode not in (0, 1):
            raise Failed(f"slipway {command}: {done.returncode} {done.stdout} {done.stderr}")
    if w.redis("XLEN", w.key("dead")):
        raise Failed("the operator could not drop a dead letter")
    refused = [dict(zip(e[::2], e[1::2])) for e in w.redis("ACL", "LOG")]
    refused = [(e[b"username"].decode(), e[b"reason"].decode(), e[b"object"].decode(), e[b"client-info"]) for e in refused if e[b"object"] != b"config|get"]
    if refused:
        raise Failed(f"refused: {refused}")


def may(w, user, line):
    """What Redis would say, without doing it."""
    answer = w.redis("ACL", "DRYRUN", "slipway-" + user, *line.split())
    return answer == "OK"


@case(world=dict(kind=Guarded), linked=False)
def acl_users_may_nothing_else(w):
    wrong = []
    for role in ROLES:
        lines = [line.replace("%s", role) for line in NOBODY] + list(NO_ROLE)
        for other in ROLES:
            if other == role:
                continue
            lines += [line % other for line in OTHERS]
            for lane in ("", ":bulk"):
                line = "XADD sw:{01}:%s%s 1-* m x" % (other, lane)
                if other not in SENDS[role].split():
                    lines.append(line)
                elif not may(w, role, line):
                    wrong.append(f"{role} may not {line}")
        wrong += [f"{role} may {line}" for line in lines if may(w, role, line)]
        for line in ("GET sw:{01}:%s:s:x", "XDEL sw:{01}:%s 1-1", "HGETALL sw:{01}:%s:fx:started", "XRANGE sw:{01}:%s:bulk - +"):
            if not may(w, role, line % role):
                wrong.append(f"{role} may not {line % role}")
    wrong += [f"operator may {line}" for line in NOBODY if may(w, "operator", line.replace("%s", "auth"))]
    wrong += [f"operator may {line % 'auth'}" for line in ("SET sw:{01}:%s:s:x 1", "HSET sw:{01}:%s:own epoch 9", "XDEL sw:{01}:%s 1-1", "HSET sw:{01}:%s:fx a b")
              if may(w, "operator", line % "auth")]
    if wrong:
        raise Failed(f"{len(wrong)}: {wrong[:12]}")
    by_script(w)


@case(world=dict(kind=Guarded), linked=False)
def acl_users_do_not_keep_redis_from_reading_its_file(w):
    """Redis replays what a script wrote as its default user, who may not sign in."""
    w.redis("EVAL", "redis.call('SET', 'sw:{01}:a', 1) redis.call('SET', 'sw:{01}:b', 1)", 0)
    w.server.stop()
    w.server.start()
    if w.redis("EXISTS", "sw:{01}:a", "sw:{01}:b") != 2:
        raise Failed("what a script wrote is gone after a restart")


@case(world=dict(kind=Guarded), linked=False)
def acl_role_with_the_user_of_another_says_why_it_takes_nothing(w):
    w.spawn([w.slipway, "executor"], "wrong", {**w.environment_of("auth"), "SLIPWAY_RUN_DIR": w.dir + "/wrong"})
    until("it says that Redis refuses", lambda: "redis refused" in w.log("wrong"))


def by_script(w):
    """A script may no more than who calls it."""
    user = ("slipway-executor", w.password("executor"))
    sha = redis(w.server.socket, "SCRIPT", "LOAD", "return redis.call('GET', KEYS[1] .. 'auth:s:acct/T1/U1')", user=user)
    try:
        redis(w.server.socket, "EVALSHA", sha, 1, "sw:{01}:", user=user)
    except Failed as e:
        if "can't access" in str(e):
            return
        raise
    raise Failed("a script read another role's state")


@case(world=dict(kind=Guarded), linked=False)
def acl_files_tell_no_password_and_keep_what_is_there(w):
    with open(w.acl + "/users.acl", "a") as f:
        f.write("user slipway-exporter on nopass +info\n")  # of somebody else, whatever it is called
    with open(w.acl + "/users.acl") as f:
        before = f.read()
    passwords = {role: w.password(role) for role in [*ROLES, "operator"]}
    if any(p in before for p in passwords.values()) or "user tester on nopass" not in before or "user default off" not in before:
        raise Failed("a password is in users.acl, or another user is not")
    if any(os.stat(f"{w.acl}/{name}").st_mode & 0o077 for name in os.listdir(w.acl)):
        raise Failed("others may read them")
    done = subprocess.run([w.slipway, "acl", w.acl], capture_output=True, text=True, timeout=20)
    with open(w.acl + "/users.acl") as f:
        after = f.read()
    if done.returncode or after != before or any(p in done.stdout + done.stderr for p in passwords.values()):
        raise Failed(f"a second run changed something: {done.stdout} {done.stderr}")
    with open(w.acl + "/slipway-auth", "r+") as f:
        rest = f.read()
        f.seek(0)
        f.write("a new one\n" + rest)
    subprocess.run([w.slipway, "acl", w.acl], check=True, stdout=subprocess.DEVNULL, timeout=20)
    w.redis("ACL", "LOAD")
    for password in ("a new one", passwords["auth"]):
        if redis(w.server.socket, "PING", user=("slipway-auth", password)) != "PONG":
            raise Failed("not both passwords are known")
