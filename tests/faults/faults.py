#!/usr/bin/env python3
"""faults.py SLIPWAY SIM [--only NAME]... [--long] [--list]: everything that goes wrong in other ways than at a crash point.

Each case has a world of its own: a simulator, a Redis, `slipway up`. Where SW_KILLS is three, another build has all of them, and
the seed chooses half. Ends with `N passed, N failed`."""
import os, random

import runner
import backup_cases, canary_cases, cli_cases, door_cases, install_cases, key_cases, notice_cases, operation_cases, otlp_cases, redis_cases, revoke_cases, role_cases, row_cases, soak_cases, stream_cases, stream_load_cases, tend_cases, token_cases, trace_cases, upstream_cases  # each registers its cases
import wire_cases
from cases import CASES
import acl_cases, ledger_cases  # of several Redis servers, and of their users


def main():
    a = runner.arguments(__doc__, worlds=8).parse_args()
    cases = [(name, lambda worker, run=run: run(a)) for name, run, long in CASES if runner.chosen(a, name) and (a.long or a.only or not long)]
    if os.environ.get("SW_KILLS") == "three" and not a.only:
        cases = random.Random(a.seed).sample(cases, (len(cases) + 1) // 2)
    if not a.list and any(name.startswith("stream-") for name, _ in cases):
        stream_cases.begin(a)
    runner.main(a, cases)


if __name__ == "__main__":
    main()
