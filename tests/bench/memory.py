"""memory: PSS of each process: idle after some traffic (thousands of commands, a sign-in and a promotion), and before any."""
from measure import ROLES, Bench, Load, Failed, figure, name_of, note, processes, pss_mb, until, wrong


def sizes(world):
    return {name: pss_mb(world.pid_of(name)) for name in (*ROLES, "redis", "up")}


def traffic(world, load, seconds):
    world.link()
    world.type("promote storefront from staging to production")
    until("the promotion has ended", world.ended, 30)
    run = load.run(world, seconds, 0, flight=64, connections=64, teams="T0SIM1,T0SIM2", sim=world.sim)
    if wrong(run):
        raise Failed("the traffic: " + wrong(run))
    note(f"memory: after {run['sent']} commands")
    world.quiet()


def others():
    """Processes of the same program that are not ours share its pages, and make each share look smaller."""
    return sum(1 for pid in processes() if name_of(pid) == "slipway")


def suite(build, seconds, rounds):
    if others():
        note(f"memory: {others()} processes of another Slipway run here and share pages: the figures are too small")
    with Bench(build) as world, Load(build, world.secret) as load:
        fresh = sizes(world)
        traffic(world, load, seconds)
        used = sizes(world)
    for role in ROLES:
        figure("memory", f"pss_{role}", used[role], "MB")
    figure("memory", "pss_seven", sum(used[r] for r in ROLES), "MB")
    figure("memory", "pss_seven_before_traffic", sum(fresh[r] for r in ROLES), "MB")
    figure("memory", "pss_up", used["up"], "MB")
    figure("memory", "pss_redis", used["redis"], "MB")
