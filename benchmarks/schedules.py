"""Schedules: our account of the server's rules held to the server, and what plan and apply cost.

Prints one JSON document; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import temporalio

from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.runtime.telemetry import logs_to_stderr
from schedules_bench import applying, evaluator

_QUICK = 40


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, help="for plan and apply")
    parser.add_argument("--only", choices=("evaluator", "applying"))
    parser.add_argument(
        "--quick", action="store_true", help="little of each: shows that it works, measures nothing"
    )
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    started, begun, load = datetime.now(UTC), time.perf_counter(), os.getloadavg()
    results = dict[str, Any]()
    if options.only != "applying":
        results["evaluator"] = asyncio.run(_evaluator(options.quick))
    if options.only != "evaluator":
        found = asyncio.run(applying.measure(_QUICK if options.quick else options.schedules))
        results |= {
            "plan_1000_s": found["plan_s"],
            "apply_1000_s": found["apply_s"],
            "second_apply_writes": found["second_apply_writes"],
            "applying": found,
        }
    return {
        "benchmark": "schedules",
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


async def _evaluator(quick: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as running:
            client = await connect(running.address, isolated=True)
            return await evaluator.measure(client, *((3, 1) if quick else ()))


def main() -> None:
    options = parse()
    logs_to_stderr()
    result = measure(options)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.stdout.flush()
    leave(0)


if __name__ == "__main__":
    main()
