"""Traces: a promote is one tree, and a collector that is away, slow or mad holds nothing up."""
import json, re, time

import truth
from cases import CASES, case
from collector import Collector
from talk import Failed, for_ms, until
from world import PROMOTE, ROLES
from words import HELP

SERVER, CLIENT, CONSUMER = 2, 3, 5


def with_collector(fn):
    """A case whose world sends its spans to a collector of its own."""
    def run(a):
        collector = Collector()
        try:
            before = len(CASES)
            case(settings=dict(OTLP=collector.url), world=dict(promote_ms="300-500"))(lambda w: fn(w, collector))
            (_, run, _), = CASES[before:]
            del CASES[before:]
            return run(a)
        finally:
            collector.close()
    CASES.append((fn.__name__.replace("_", "-"), run, False))


def connected(spans):
    """One trace: a root, and every other span begins after its parent, which is there. What is wrong, or None."""
    ids = {s["spanId"]: s for s in spans}
    roots = [s for s in spans if "parentSpanId" not in s]
    if len({s["traceId"] for s in spans}) != 1 or len(roots) != 1 or roots[0]["kind"] != SERVER:
        return f'{len({s["traceId"] for s in spans})} traces, {len(roots)} roots'
    for s in spans:
        parent = ids.get(s.get("parentSpanId"))
        if s["end"] < s["start"] or s is not roots[0] and (not parent or s["start"] < parent["start"]):
            return f"not after its parent: {json.dumps(s)} {json.dumps(parent)}"
    return None


def whole(collector, cmd):
    """The spans of a command, when all have come."""
    def look():
        spans = collector.of(slipway__command=cmd)
        return spans if spans and not connected(spans) else None
    try:
        return until("a connected trace", look, 15, 0.1)
    except Failed:
        raise Failed(f"{connected(collector.of(slipway__command=cmd) or [dict(traceId=1, kind=0)])}; {collector.faults[:2]}")


@with_collector
def a_promote_is_one_tree_of_spans(w, collector):
    w.type(PROMOTE)
    until("the final answer", w.ended)
    w.quiet()
    cmd = w.op()
    handled = w.metric("executor", "handled_total")
    until("all that executor handled has a span", lambda: len([s for s in collector.of(messaging__destination__name="executor") if s["kind"] == CONSUMER]) == handled, 15)
    spans = whole(collector, cmd)
    services = {s["resource"]["service.name"] for s in spans}
    if services != {"slipway-" + r for r in ROLES if r != "refresher"}:
        raise Failed(f"{services}")
    if {s["resource"]["service.name"] for s in collector.of()} != {"slipway-" + r for r in ROLES}:
        raise Failed("of linking, refresher is missing")
    posts = [s for s in spans if s["name"] == "POST /pipeline-promotions"]
    if len(posts) != 1 or posts[0]["kind"] != CLIENT or posts[0]["is"]["http.response.status_code"] != 201 or posts[0]["is"]["server.address"] != "127.0.0.1":
        raise Failed(f"{posts}")
    calls = [s for s in spans if s["kind"] == CLIENT]
    answered = {s["parentSpanId"] for s in spans if s["kind"] == CONSUMER and s["name"].endswith(".http.v1")}
    if answered - {s["spanId"] for s in calls}:
        raise Failed("an answer is no child of its call")
    if collector.faults:
        raise Failed(f"{collector.faults[:3]}")
    sent = b"".join(collector.bodies)
    for what, pattern in {**truth.CANARIES, "what was typed": rb"storefront", "a path's id": rb"/apps/[0-9a-f]{8}-"}.items():
        if re.search(pattern, sent):
            raise Failed(f"{what} was sent")
    return f"{len(spans)} spans, {collector.requests} requests"


@with_collector
def a_collector_that_is_away_slow_or_mad_holds_nothing_up(w, collector):
    def help_is_quick(n):
        began = time.monotonic()
        w.type("help")
        until("the help", lambda: w.told(HELP) == n)
        if time.monotonic() - began > 5:
            raise Failed(f"help took {time.monotonic() - began:.1f} s")
    counted = lambda outcome: sum(w.metric(r, "spans_total", outcome=outcome) for r in ROLES)
    w.quiet()
    until("what linking caused was taken", lambda: counted("sent") > 0, 15)
    collector.answers = [(503, {"Retry-After": "1"}, b"", 0)] * 3 + [(429, {}, b"slow down", 0)] + [(200, {}, b"\xff{garbage", 0)] * 3
    help_is_quick(1)
    until("503, 429 and garbage are behind it", lambda: not collector.answers, 30)
    refused = counted("refused")
    collector.answers = [(400, {}, b"", 0)]
    help_is_quick(2)
    until("what it will never take is given up", lambda: counted("refused") > refused, 20)
    collector.answers = [(200, {}, b"{}", 3)] * 8
    for_ms(1200)  # so that a request hangs
    help_is_quick(3)
    collector.answers = []
    port = collector.port
    collector.close()
    help_is_quick(4)
    for_ms(1500)
    again = Collector(port)
    try:
        help_is_quick(5)
        until("the one that came back gets spans", lambda: again.of(slipway__kind="slash.v1"), 20)
        help_is_quick(6)  # and at once it is told to end
        if w.stop_up() != 0:
            raise Failed("the end was not clean")
        last = max((s for s in again.of(slipway__kind="slash.v1")), key=lambda s: s["start"])
        wrong = connected(again.of(slipway__command=last["is"]["slipway.command"]))
        if wrong or len(again.of(slipway__kind="slash.v1")) < 2:
            raise Failed(f"not all was sent at the end: {wrong}")
    finally:
        again.close()


@case()
def without_a_collector_nothing_is_traced(w):
    w.type("help")
    until("the help", lambda: w.told(HELP))
    if any(w.metric(r, "spans_total") for r in ROLES):
        raise Failed("spans were made")
