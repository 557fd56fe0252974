"""What the dashboard shows, for scripts/dashboard: rows of panels, each with its queries.

A query names metrics of OPERATIONS.md; in it `{J` begins a selector and becomes `{job=~"$job"`, and RATE is the interval that Grafana finds right.
"""

BY_ACTOR = "on (job, instance) group_left (actor) max by (job, instance, actor) (slipway_build_info{J})"


def rate(name, by="", more=""):
    return f"sum by ({by}) (rate({name}{{J{more}}}[RATE]))" if by else f"sum(rate({name}{{J{more}}}[RATE]))"


def by_actor(name):
    return f"sum by (actor) (rate({name}{{J}}[RATE]) * {BY_ACTOR})"


def quantiles(name, by="", more="", which=(0.5, 0.95, 0.99)):
    labels = "le" + (", " + by if by else "")
    legend = f"{{{{{by}}}}} " if by else ""
    return [(f"{legend}p{round(q * 100)}", f"histogram_quantile({q}, sum by ({labels}) (rate({name}_bucket{{J{more}}}[RATE])))") for q in which]


def mean(name):
    return f"sum(rate({name}_sum{{J}}[RATE])) / sum(rate({name}_count{{J}}[RATE]))"


class Panel:
    def __init__(self, title, unit, queries, about="", kind="timeseries", width=8, red=None, empty=None):
        """`queries`: [(legend, query)]; `red`: the value from which a number is alarming; below it where negative, of its size. `empty`: why the run of
        scripts/dashboard has nothing to show here."""
        self.title, self.unit, self.about, self.kind, self.width, self.red, self.empty = title, unit, about, kind, width, red, empty
        self.queries = [("", queries)] if isinstance(queries, str) else queries


def number(title, unit, query, about, red):
    return Panel(title, unit, query, about, "stat", 4, red)


NOTHING_WRONG = "nothing went wrong in the run"
NO_KAFKA = "the run has no Kafka"

ROWS = [
    ("Is it well?", [
        number("Actors at work", "none", "count(count by (actor) (slipway_build_info{J}))", "Seven, or one of them has no process.", -7),
        number("Shards owned", "none", "sum(slipway_shards_owned{J})", "64 for each of the six actors: 384.", -384),
        number("Not ready", "none", "count(slipway_ready{J} == 0) or vector(0)", "Processes that do not take their part.", 1),
        number("Owed", "none", 'sum(slipway_owed{J,lane="urgent"})', "Messages and calls of commands that are not done.", 200),
        number("Waiting longest", "s", 'max(slipway_oldest_age_seconds{J,lane="urgent"})', "The oldest of them.", 60),
        number("Dead letters", "none", "max(sum by (actor) (slipway_dead_letters{J}))", "`slipway dead list` shows them.", 1),
        Panel("Owed", "none", [("{{actor}} {{lane}}", "sum by (actor, lane) (slipway_owed{J})")], width=12),
        Panel("Waiting longest", "s", [("{{actor}} {{lane}}", "max by (actor, lane) (slipway_oldest_age_seconds{J})")], width=12),
    ]),
    ("Throughput", [
        Panel("Answers of the door", "reqps", [("{{outcome}}", rate("slipway_acks_total", "outcome"))]),
        Panel("Messages handled, by actor", "ops", [("{{actor}}", by_actor("slipway_handled_total"))]),
        Panel("Messages handled, by kind", "ops", [("{{kind}}", f"topk(10, {rate('slipway_handled_total', 'kind')})")]),
        Panel("Commits", "ops", [("{{actor}}", by_actor("slipway_commits_total"))]),
        Panel("Messages in one commit", "none", [("mean", mean("slipway_commit_batch"))]),
        Panel("What became of events", "ops", [("{{verdict}}", rate("slipway_notices_total", "verdict"))]),
        Panel("The wire", "ops", [("sent", rate("slipway_wire_sent_total")), ("skipped", rate("slipway_wire_skipped_total")), ("gaps", rate("slipway_gaps_total")),
                                  ("found by the sweep", rate("slipway_sweeps_found_total"))], "What was not sent, or did not come, is found in Redis a second or two later.", width=24),
    ]),
    ("Latency", [
        Panel("Answers of the door", "s", quantiles("slipway_ack_seconds", more=',outcome!="page"'), "Slack waits for three seconds."),
        Panel("Commits", "s", quantiles("slipway_commit_seconds"), "How long Redis takes."),
        Panel("Calls, median", "s", quantiles("slipway_effect_seconds", "upstream", which=(0.5,))),
        Panel("Calls, one in twenty takes longer", "s", quantiles("slipway_effect_seconds", "upstream", which=(0.95,)), width=12),
        Panel("Calls, one in a hundred takes longer", "s", quantiles("slipway_effect_seconds", "upstream", which=(0.99,)), width=12),
    ]),
    ("Errors and retries", [
        Panel("Calls that ended", "ops", [("{{upstream}} {{outcome}}", rate("slipway_effects_total", "upstream, outcome"))]),
        Panel("Tried again", "ops", [("{{upstream}} {{reason}}", rate("slipway_retries_total", "upstream, reason"))], empty=NOTHING_WRONG),
        Panel("Upstreams that do not work", "none", [("{{upstream}}", "max by (upstream) (slipway_upstream_broken{J})")]),
        Panel("Refused at the door", "reqps", [("{{reason}}", rate("slipway_refused_total", "reason"))]),
        Panel("Refused on the wire", "ops", [("{{reason}}", rate("slipway_wire_refused_total", "reason"))], empty=NOTHING_WRONG),
        Panel("Became dead letters", "ops", [("{{reason}}", rate("slipway_dead_total", "reason"))]),
        Panel("Should not be", "none", width=16, queries=[
            ("{{what}} did not open", "sum by (what) (increase(slipway_seal_broken_total{J}[RATE]))"), ("stale processes", "sum(increase(slipway_stale_total{J}[RATE]))"),
            ("answers that may be doubles", "sum(increase(slipway_answer_repeated_total{J}[RATE]))"), ("handlers over 5 ms", "sum(increase(slipway_slow_handlers_total{J}[RATE]))"),
            ("reports {{outcome}}", "sum by (outcome) (increase(slipway_reports_total{J}[RATE]))")]),
    ]),
    ("Leases", [
        Panel("Shards owned", "none", [("{{actor}}", "sum by (actor) (slipway_shards_owned{J})")]),
        Panel("Shards taken or lost", "ops", [("{{actor}}", by_actor("slipway_lease_moves_total"))]),
        Panel("Timers late", "s", [("{{actor}}", "max by (actor) (slipway_timer_late_seconds{J})")]),
    ]),
    ("Tokens", [
        Panel("Refreshes", "ops", [("{{provider}} {{outcome}}", rate("slipway_token_refreshes_total", "provider, outcome"))]),
        Panel("Age of a token when its successor came", "s", quantiles("slipway_token_age_seconds", "provider", which=(0.5, 0.95))),
        Panel("Accounts", "none", [("{{provider}} {{what}}", "sum by (provider, what) (slipway_links_total{J})"), ("{{what}} read again: {{outcome}}", "sum by (what, outcome) (slipway_reloads_total{J})")]),
    ]),
    ("Stream", [
        Panel("Not taken in yet", "none", [("{{partition}}", "sum by (partition) (slipway_kafka_lag{J})")], empty=NO_KAFKA),
        Panel("Records read", "ops", [("{{outcome}}", rate("slipway_stream_records_total", "outcome"))]),
        Panel("Webhooks given to the stream", "ops", [("{{outcome}}", rate("slipway_stream_produced_total", "outcome"))]),
    ]),
    ("Processes", [
        Panel("CPU", "percentunit", [("{{actor}}", by_actor("process_cpu_seconds_total"))]),
        Panel("Memory", "bytes", [("{{actor}} {{instance}}", f"process_resident_memory_bytes{{J}} * {BY_ACTOR}")]),
        Panel("Open files and sockets", "percentunit", [("{{actor}} {{instance}}", f"process_open_fds{{J}} / process_max_fds{{J}} * {BY_ACTOR}")]),
        Panel("Running for", "s", [("{{actor}} {{instance}}", f"(time() - process_start_time_seconds{{J}}) * {BY_ACTOR}")]),
        Panel("Versions", "none", [("{{actor}} {{version}}", "count by (actor, version) (slipway_build_info{J})")]),
        Panel("Redis connected", "none", [("{{actor}}", "min by (actor) (slipway_redis_up{J})")]),
    ]),
]
