"""The schedule ledger: how late runs begin, how soon somebody is told, how fast it is kept, how
long the page of a month takes.

Prints one JSON document; progress goes to stderr.
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

from ledger_bench import alerting, lateness, month, rows
from musterwerk.runtime.exits import leave
from musterwerk.runtime.telemetry import logs_to_stderr

_PARTS = ("lateness", "alerting", "rows", "calendar_month")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=_PARTS)
    parser.add_argument(
        "--quick", action="store_true", help="little of each: shows that it works, measures nothing"
    )
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    started, begun, load = datetime.now(UTC), time.perf_counter(), os.getloadavg()
    quick = bool(options.quick)
    found = dict[str, Any]()
    for part in _PARTS:
        if options.only in (None, part):
            sys.stderr.write(f"{part}\n")
            found[part] = _part(part, quick)
    keys = {
        "late_p99_ms": ("lateness", "p99_ms"),
        "alert_delay_s": ("alerting", "delay_s"),
        "ledger_rows_per_s": ("rows", "per_s"),
        "calendar_month_p95_ms": ("calendar_month", "p95_ms"),
    }
    return {
        "benchmark": "ledger",
        "started": started.isoformat(timespec="seconds"),
        "versions": {"temporalio": temporalio.__version__, "python": platform.python_version()},
        "machine": {
            "cores": os.cpu_count(),
            "load_average_before": [round(one, 2) for one in load],
            "load_average_after": [round(one, 2) for one in os.getloadavg()],
        },
        **{name: found[part][key] for name, (part, key) in keys.items() if part in found},
        **found,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _part(name: str, quick: bool) -> dict[str, Any]:
    if name == "lateness":
        return asyncio.run(lateness.measure(*((10, 1, 3) if quick else (100, 3, 15))))
    if name == "alerting":
        return asyncio.run(alerting.measure(2 if quick else 20))
    if name == "rows":
        return rows.measure(2 if quick else 100)
    return asyncio.run(month.measure(*((20, 50, 5) if quick else (1_000, 1_000, 200))))


def main() -> None:
    options = parse()
    logs_to_stderr()
    result = measure(options)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.stdout.flush()
    leave(0)


if __name__ == "__main__":
    main()
