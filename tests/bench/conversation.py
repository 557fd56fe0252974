"""conversation: `/h help` from ingress through parser and responder to the response_url.

commands_per_s: 256 on their way, all the time, answered at the sim. The latencies: one on its way, from sending the request to the
whole answer having arrived, both read from one clock: so the load itself is the response_url, which also gives the rate without a
sim on the same processors (bare)."""
from measure import ROLES, Bench, Load, cpu_s, figure, median, note, wrong

FLIGHT, CONNECTIONS = 256, 64
TEAMS = ["T0SIM1", "T0SIM2"]  # the sim knows two


def rates(world, load, seconds, rounds, teams, **where):
    """The reports of all rounds, and CPU us per command of each process."""
    reports, spent, commands = [], {}, 0
    for n in range(1, rounds + 1):
        pids = {**{name: world.pid_of(name) for name in (*ROLES, "redis", "sim")}, "load": load.child.pid}
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        run = load.run(world, seconds, flight=FLIGHT, connections=CONNECTIONS, teams=",".join(teams), **where)
        for name, pid in pids.items():
            spent[name] = spent.get(name, 0) + cpu_s(pid) - before[name]
        commands += max(1, run["arrived"])
        run["wrong"] = wrong(run)
        if where:
            state = world.admin("/sim/state")
            if state["ephemerals"] != run["sent"]:
                run["wrong"] = f"{run['sent']} commands, {state['ephemerals']} answers"
            world.admin("/sim/reset", {})
        note(f"conversation {n}/{rounds} {'sim' if where else 'bare'}: {run}")
        reports.append(run)
    return reports, {name: s * 1e6 / commands for name, s in spent.items()}


def report_rate(name, reports, cpu_us):
    invalid = next((r["wrong"] for r in reports if r["wrong"]), None)
    figure("conversation", name + "_per_s", median(r["per_s"] for r in reports), "1/s", invalid)
    for role in [*ROLES, "redis", "sim", "load"]:
        figure("conversation", f"{name}_cpu_us_{role}", cpu_us[role], "us", invalid)


def report_times(name, reports, quantiles):
    invalid = next((r["wrong"] for r in reports if r["wrong"]), None)
    for quantile in quantiles:
        figure("conversation", f"{name}_{quantile}_ms", median(r[quantile + "_us"] for r in reports) / 1000, "ms", invalid)


def suite(build, seconds, rounds):
    with Bench(build) as world, Load(build, world.secret) as load:
        reports, cpu_us = rates(world, load, seconds, rounds, TEAMS, sim=world.sim)
        report_rate("commands", reports, cpu_us)
    with Load(build, world.secret) as load, Bench(build, {"SLACK_HOOKS": load.hooks}) as world:
        singles = []
        for n in range(1, rounds + 1):
            run = load.run(world, seconds, 0.5, flight=1, connections=1)
            run["wrong"] = wrong(run)
            note(f"conversation {n}/{rounds} one in flight: {run}")
            singles.append(run)
        report_times("one_in_flight", singles, ("p50", "p99", "ack_p50", "ack_p99"))
        reports, cpu_us = rates(world, load, seconds, rounds, TEAMS)
        report_rate("commands_bare", reports, cpu_us)
        report_times("commands_bare", reports, ("p50", "p99"))
