"""What approvals cost: a page of a full inbox, a decision's answer, and the workflow's going on.

100,000 open requests in SQLite and 1,000,000 in PostgreSQL; then decisions on real requests while
workers are killed and replaced. Prints one JSON document; docs/benchmarks.md says what its fields
mean.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from typing import Any

import temporalio

from approvals_bench import decisions, inbox
from musterwerk.runtime.exits import leave
from musterwerk.runtime.telemetry import logs_to_stderr

#: Whatever is given beside `--quick` wins.
QUICK = argparse.Namespace(
    sqlite=300, postgres=300, queries=20, decisions=20, calm=4, clients=4, kill_every=60.0
)
PARTS = ("sqlite", "postgres", "decisions")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="again for several parts")
    parser.add_argument("--sqlite", type=int, default=100_000, help="open requests in SQLite")
    parser.add_argument("--postgres", type=int, default=1_000_000, help="... in PostgreSQL")
    parser.add_argument("--queries", type=int, default=1000, help="first pages, of each")
    parser.add_argument("--decisions", type=int, default=10_000, help="while workers are killed")
    parser.add_argument("--calm", type=int, default=2000, help="decisions before that")
    parser.add_argument("--clients", type=int, default=8, help="who decide at once")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-every", type=float, default=30.0, help="seconds")
    parser.add_argument("--open", type=int, default=1000, help="decisions opened at a time")
    parser.add_argument(
        "--compare", action="store_true", help="the audit trail with all histories in Temporal"
    )
    parser.add_argument(
        "--quick", action="store_true", help="little of each: shows that it works, measures nothing"
    )
    options = parser.parse_args()
    return parser.parse_args(namespace=QUICK) if options.quick else options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    started, begun, load = datetime.now(UTC), time.perf_counter(), os.getloadavg()
    parts, results = options.only or PARTS, dict[str, Any]()
    if "sqlite" in parts:
        results["inbox_sqlite_100k"] = inbox.on_sqlite(options.sqlite, options.queries)
    if "postgres" in parts:
        results["inbox_postgres_1m"] = inbox.on_postgres(options.postgres, options.queries)
    if "decisions" in parts:
        settings = decisions.Settings(
            decisions=options.decisions,
            calm=options.calm,
            clients=options.clients,
            workers=options.workers,
            kill_every=options.kill_every,
            open=options.open,
            compare=options.compare,
        )
        results |= asyncio.run(decisions.measure(settings))
    return {
        "benchmark": "approvals",
        "started": started.isoformat(timespec="seconds"),
        "versions": {"temporalio": temporalio.__version__, "python": platform.python_version()},
        "machine": {
            "cores": os.cpu_count(),
            "load_average_before": [round(one, 2) for one in load],
            "load_average_after": [round(one, 2) for one in os.getloadavg()],
        },
        **results,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def main() -> None:
    options = parse()
    logs_to_stderr()
    result = measure(options)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.stdout.flush()
    leave(0)


if __name__ == "__main__":
    main()
