"""What Saga costs over steps written by hand: throughput, CPU, history and memory.

An empty workflow, four no-op steps by hand and the same four through Saga, in sequence and in two
branches, run in alternating rounds on one embedded server and one worker. Prints one JSON
document; docs/benchmarks.md says what its fields mean.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import temporalio
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.runtime.telemetry import logs_to_stderr
from saga_bench import memory, throughput
from saga_bench.bench import Bench, Settings

QUICK = Settings(orders=6, concurrency=3, rounds=2, open=5, open_rounds=1, sandbox=True, quick=True)


def parse() -> Settings:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=_positive, default=60, help="of each kind, per round")
    parser.add_argument("--concurrency", type=_positive, default=50)
    parser.add_argument("--rounds", type=_positive, default=30)
    parser.add_argument("--open", type=_positive, default=1000, help="workflows held for memory")
    parser.add_argument("--open-rounds", type=_positive, default=2)
    parser.add_argument("--no-sandbox", action="store_true", help="for both kinds of workflow")
    parser.add_argument(
        "--quick", action="store_true", help="a few orders: shows that it works, measures nothing"
    )
    options = parser.parse_args()
    if options.quick:
        return QUICK
    return Settings(
        orders=options.orders,
        concurrency=options.concurrency,
        rounds=options.rounds,
        open=options.open,
        open_rounds=options.open_rounds,
        sandbox=not options.no_sandbox,
    )


async def measure(settings: Settings) -> dict[str, Any]:
    started, load_before = datetime.now(UTC), os.getloadavg()
    with tempfile.TemporaryDirectory() as name:
        async with EmbeddedServer(Path(name), ui=False) as server:
            client = await connect(server.address, isolated=True)
            info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
            bench = Bench(client, server, settings)
            results = await throughput.measure(bench)
            held = await memory.measure(bench)
    return {
        "benchmark": "saga",
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
        "versions": {
            "temporalio": temporalio.__version__,
            "server": info.server_version,
            "python": platform.python_version(),
        },
        "machine": {
            "cores": os.cpu_count(),
            "load_average_before": [round(load, 2) for load in load_before],
            "load_average_after": [round(load, 2) for load in os.getloadavg()],
        },
        "quick": settings.quick,
        "sandbox": settings.sandbox,
        "orders_per_round": settings.orders,
        "concurrency": settings.concurrency,
        "rounds": settings.rounds,
        **results,
        "memory": held,
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def main() -> None:
    settings = parse()
    logs_to_stderr()
    result = asyncio.run(measure(settings))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    leave(0)


if __name__ == "__main__":
    main()
