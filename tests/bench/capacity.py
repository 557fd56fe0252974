"""capacity: what one unit of work costs, for OPERATIONS.md: processor time of each process, and what stays in Redis.

A unit is a command that reads (`help`), one that changes something (`promote`), a commit with its checks that a channel is told of; what
stays is what all keys together hold more afterwards (MEMORY USAGE), of a linked account and of a route as well."""
import time

from measure import ROLES, Bench, Load, cpu_s, figure, note, until, wrong

import notices
from talk import for_ms

PROMOTE = "promote storefront from staging to production"
UNITS = ("help", "promote", "commit")
QUIET_S = 4  # what is owed to a channel is updated every three


def kept(world):
    """Bytes of every key."""
    script = """local sum, cursor = 0, '0'
        repeat
          local page = redis.call('SCAN', cursor, 'COUNT', 1000)
          cursor = page[1]
          for _, key in ipairs(page[2]) do sum = sum + (redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0') or 0) end
        until cursor == '0'
        return sum"""
    return world.redis("EVAL", script, 0)


def look(world):
    return time.monotonic(), {name: cpu_s(world.pid_of(name)) for name in (*ROLES, "redis")}


class Cost:
    """Between two looks: us of each process beyond what it takes while there is nothing to do, and bytes in Redis, for each of `count` units."""

    def __init__(self, world, unit):
        self.world, self.unit = world, unit
        world.quiet(90)
        self.bytes, (self.at, self.cpu) = kept(world), look(world)

    def report(self, count, invalid=None):
        settled(self.world)
        at, cpu = look(self.world)
        self.world.quiet(90)
        for name in (*ROLES, "redis") if self.unit in UNITS else ():
            spent = cpu[name] - self.cpu[name] - self.world.idle[name] * (at - self.at)
            figure("capacity", f"{self.unit}_cpu_us_{name}", max(0, spent) * 1e6 / count, "us", invalid)
        figure("capacity", f"{self.unit}_kept", (kept(self.world) - self.bytes) / count, "B", invalid)


def settled(world):
    """Slack, Heroku and GitHub hear nothing more. Redis is not asked: that would cost more than the work."""
    heard = [None]

    def silent():
        heard.append(world.state()["requests"])
        return heard[-1] == heard[-2]
    until("nobody is called any more", silent, 120, QUIET_S)


def idle(world, seconds):
    world.quiet(90)
    (began, before) = look(world)
    for_ms(seconds * 1000)
    at, after = look(world)
    world.idle = {name: (after[name] - before[name]) / (at - began) for name in after}
    for name, share in world.idle.items():
        figure("capacity", f"idle_{name}", share * 100, "% of a processor")


def suite(build, seconds, rounds):
    with Bench(build) as world, Load(build, world.secret) as load:
        idle(world, 3 * seconds)
        cost = Cost(world, "account")
        world.link()
        cost.report(1)
        cost = Cost(world, "help")
        run = load.run(world, seconds, 0, flight=64, connections=64, teams="T0SIM1,T0SIM2", sim=world.sim)
        note(f"capacity: {run}")
        cost.report(max(1, run["arrived"]), wrong(run))
        promotes(world, 5 * seconds * rounds)
        cost = Cost(world, "route")
        notices.route(world)
        cost.report(1)
        commits(world, 5 * seconds * rounds)


def promotes(world, count):
    cost = Cost(world, "promote")
    for n in range(1, count + 1):
        world.type(PROMOTE)
        until("the promotion has ended", lambda: world.promoted() == n and len([m for m in world.parents() if m["text"].startswith("✔")]) == n, 30)
    cost.report(count)


def commits(world, count):
    cost = Cost(world, "commit")
    shas = [notices.push(world) for _ in range(count)]
    until("all commits are told", lambda: all(notices.commit(sha) in notices.subjects(world) for sha in shas), 60 + 3 * count)
    cost.report(count)
