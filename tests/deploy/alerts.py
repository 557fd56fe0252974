#!/usr/bin/env python3
"""Each alert of deploy/chart/alerts.yaml, where it must fire and where it must not, by `promtool test rules`.

alerts.py [--alert NAME]    ends with "N passed, N failed"
"""
import json, os, re, subprocess, sys, tempfile

from rendered import ROLES

RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/chart/alerts.yaml")
AT = 'job="slipway",instance="a:9090"'
BUILD = f'slipway_build_info{{{AT},actor="auth",version="1"}}'


def steady(value):
    return f"{value}+0x400"


def grows(a_minute, first=0):
    return f"{first}+{a_minute}x400"


def series(name, value, **labels):
    return {name + "{" + AT + "".join(f',{k}="{v}"' for k, v in labels.items()) + "}": value}


def built(name, value, **labels):
    """The same, of a process that says what it is."""
    return {BUILD: steady(1), **series(name, value, **labels)}


def builds(*roles):
    return {f'slipway_build_info{{{AT},actor="{role}",version="1"}}': steady(1) for role in roles}


def buckets(name, counts, **labels):
    """{bound: how many more a minute}, cumulated here as a histogram is."""
    total, out = 0, {}
    for bound, count in counts.items():
        total += count
        out.update(series(name + "_bucket", grows(total), le=bound, **labels))
    return out


def owed(value, lane="urgent"):
    return series("slipway_owed", value, actor="executor", lane=lane)


def age(value, lane="urgent"):
    return series("slipway_oldest_age_seconds", value, actor="executor", lane=lane)


def effects(ok, timeout):
    return {**series("slipway_effects_total", grows(ok), upstream="heroku", outcome="ok"),
            **series("slipway_effects_total", grows(timeout), upstream="heroku", outcome="timeout")}


def refreshes(ok, failed):
    return {**series("slipway_token_refreshes_total", grows(ok), provider="heroku", outcome="ok"),
            **series("slipway_token_refreshes_total", grows(failed), provider="heroku", outcome="failed")}


def versions(*all_of):
    return {f'slipway_build_info{{{AT},actor="auth",version="{v}"}}': steady(1) for v in all_of}


# Alert, what makes it fire, how often, what does not, and after how many minutes it is looked at.
LATER, LONG = 25, 50
ROWS = [
    ("SlipwayActorGone", builds(*ROLES[2:]), 2, builds(*ROLES), LATER),
    # The same address may have been another actor's an hour ago.
    ("SlipwayInstanceDown", {**series("up", "1x9 0x400"), BUILD: "_x5 1x4 _x400", BUILD.replace("auth", "parser"): "1x3 _x400"}, 1, {"up{job=\"other\",instance=\"b:1\"}": steady(0), BUILD: steady(1)}, LATER),
    ("SlipwayNotReady", series("slipway_ready", steady(0), actor="auth"), 1, series("slipway_ready", "0x3 1x400", actor="auth"), LATER),
    ("SlipwayRedisAway", series("slipway_redis_up", steady(0), actor="auth"), 1, series("slipway_redis_up", steady(1), actor="auth"), LATER),
    ("SlipwayShardsUnowned", series("slipway_shards_owned", steady(63), actor="auth"), 1,
     {**series("slipway_shards_owned", steady(32), actor="auth"), 'slipway_shards_owned{job="slipway",instance="b:9090",actor="auth"}': steady(32)}, LATER),
    ("SlipwayLeaseChurn", built("slipway_lease_moves_total", grows(60)), 1, built("slipway_lease_moves_total", grows(2, 64)), LONG),
    ("SlipwayStale", built("slipway_stale_total", "0x40 1x400"), 1, built("slipway_stale_total", "0x5 1x400"), LONG),
    ("SlipwayWireRefused", series("slipway_wire_refused_total", grows(1), reason="key"), 1, series("slipway_wire_refused_total", steady(3), reason="key"), LATER),
    ("SlipwayMemory", built("process_resident_memory_bytes", steady(300 << 20)), 1, built("process_resident_memory_bytes", steady(30 << 20)), LATER),
    ("SlipwayFilesUsedUp", {**built("process_open_fds", steady(900)), **series("process_max_fds", steady(1000))}, 1,
     {**built("process_open_fds", steady(90)), **series("process_max_fds", steady(1000))}, LATER),
    ("SlipwayTwoVersions", versions("1", "2"), 1, versions("1"), 150),
    ("SlipwayOwedGrows", owed(grows(50)), 1, owed("1000-1x400"), LATER),
    ("SlipwayWaitsLong", age(steady(90)), 1, {**age(steady(5)), **age(steady(500), "bulk")}, LATER),
    ("SlipwayNoticesWaitLong", age(steady(1000), "bulk"), 1, age(steady(500), "bulk"), LATER),
    ("SlipwayTimersLate", series("slipway_timer_late_seconds", steady(90), actor="auth"), 1, series("slipway_timer_late_seconds", steady(1), actor="auth"), LATER),
    ("SlipwayAcksSlow", buckets("slipway_ack_seconds", {"1.0": 90, "2.0": 10, "+Inf": 0}, outcome="ok"), 1,
     {**buckets("slipway_ack_seconds", {"0.01": 100, "2.0": 0, "+Inf": 0}, outcome="ok"), **buckets("slipway_ack_seconds", {"3.0": 0, "+Inf": 9}, outcome="page")}, LATER),
    ("SlipwayAcksUnconfirmed", series("slipway_acks_total", grows(1), outcome="away"), 1, series("slipway_acks_total", grows(900), outcome="ok"), LATER),
    ("SlipwayShedding", series("slipway_acks_total", grows(1), outcome="shed"), 1, series("slipway_acks_total", steady(7), outcome="shed"), LATER),
    ("SlipwayRefused", series("slipway_refused_total", grows(60), reason="bad_signature"), 1, series("slipway_refused_total", grows(60), reason="not_found"), LATER),
    ("SlipwayCommitsSlow", buckets("slipway_commit_seconds", {"0.25": 50, "0.5": 50, "+Inf": 0}), 1, buckets("slipway_commit_seconds", {"0.01": 100, "+Inf": 0}), LATER),
    ("SlipwayUpstreamBroken", series("slipway_upstream_broken", steady(1), upstream="heroku"), 1, series("slipway_upstream_broken", steady(0), upstream="heroku"), LATER),
    ("SlipwayUpstreamFails", effects(60, 6), 1, effects(600, 6), LATER),
    ("SlipwayUpstreamTooFast", series("slipway_retries_total", grows(60), upstream="slack", reason="too_fast"), 1,
     series("slipway_retries_total", grows(60), upstream="slack", reason="failed"), LATER),
    ("SlipwayUpstreamSlow", buckets("slipway_effect_seconds", {"5.0": 50, "10.0": 50, "+Inf": 0}, upstream="heroku"), 1,
     buckets("slipway_effect_seconds", {"1.0": 100, "10.0": 1, "+Inf": 0}, upstream="heroku"), LATER),
    ("SlipwayRefreshFails", refreshes(10, 10), 1, refreshes(100, 1), LATER),
    ("SlipwayTokensOld", buckets("slipway_token_age_seconds", {"28800.0": 50, "43200.0": 50, "+Inf": 0}, provider="heroku"), 1,
     buckets("slipway_token_age_seconds", {"21600.0": 50, "25200.0": 50, "+Inf": 0}, provider="heroku"), LONG),
    ("SlipwaySealBroken", series("slipway_seal_broken_total", "0x15 1x400", what="row"), 1, series("slipway_seal_broken_total", steady(0), what="row"), LATER),
    ("SlipwayReloadFailed", series("slipway_reloads_total", "0x15 1x400", what="keys", outcome="failed"), 1,
     series("slipway_reloads_total", grows(1), what="keys", outcome="ok"), LATER),
    ("SlipwayKafkaLag", series("slipway_kafka_lag", steady(20000), partition="events/0"), 1, series("slipway_kafka_lag", steady(200), partition="events/0"), LATER),
    ("SlipwayStreamPoison", series("slipway_stream_records_total", "0x15 1x400", outcome="poison"), 1, series("slipway_stream_records_total", grows(9), outcome="skipped"), LATER),
    ("SlipwayStreamAway", series("slipway_stream_produced_total", grows(1), outcome="ledger"), 1, series("slipway_stream_produced_total", grows(9), outcome="ok"), LATER),
    # Each actor counts the same letters; what was dealt with is gone.
    ("SlipwayDeadLetters", {**series("slipway_dead_letters", steady(1), actor="auth"), **series("slipway_dead_letters", steady(1), actor="parser")}, 1,
     series("slipway_dead_letters", "3x15 0x400", actor="auth"), LATER),
    ("SlipwayDeadLettersComeIn", series("slipway_dead_total", grows(1), reason="refused"), 1, series("slipway_dead_total", "0x15 1x400", reason="refused"), LATER),
    ("SlipwayReportsFail", series("slipway_reports_total", grows(1), outcome="failed"), 1, series("slipway_reports_total", grows(1), outcome="sent"), LATER),
]


def case(name, inputs, firing, minutes):
    expected = [{"labels": "{}", "value": firing}] if firing else []
    expr = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    return {"interval": "1m", "input_series": [{"series": s, "values": v} for s, v in inputs.items()],
            "promql_expr_test": [{"expr": expr, "eval_time": f"{minutes}m", "exp_samples": expected}]}


def run(cases):
    """What promtool says against them, "" nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
        json.dump({"rule_files": [os.path.abspath(RULES)], "evaluation_interval": "1m", "tests": cases}, f)
        f.flush()
        done = subprocess.run(["promtool", "test", "rules", f.name], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def main():
    only = sys.argv[2] if sys.argv[1:2] == ["--alert"] else None
    with open(RULES) as f:
        names = re.findall(r"^ +- alert: (\w+)$", f.read(), re.M)
    failed = [f"{name}: no rows" for name in sorted(set(names) ^ {row[0] for row in ROWS})]
    cases = []
    for name, fire, times, quiet, minutes in ROWS:
        if only in (None, name):
            cases += [(f"{name} does not fire where it must", case(name, fire, times, minutes)), (f"{name} fires where it must not", case(name, quiet, 0, minutes))]
    passed = len(cases)
    if run([one for _, one in cases]):  # which of them?
        for wrong, one in cases:
            said = run([one])
            if said:
                passed -= 1
                failed.append(f"{wrong}:\n{said}")
    print("\n".join(failed + [f"{passed} passed, {len(failed)} failed"]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
