"""What the explorer finds, whom it accuses, and how fast the simulator under it is.

Every order with a known bug and every correct one of the collection in tests/mutants is explored;
then an order of four steps runs in the simulator and on the server that skips time, in alternating
rounds, and all single and double faults of the order saga are timed. The table goes to stderr, one
JSON document to stdout; docs/benchmarks.md says what its fields mean.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import temporalio

# The collection belongs to the tests, which are no part of the package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from explorer_bench import finding, speed
from musterwerk.runtime.exits import leave
from musterwerk.runtime.telemetry import logs_to_stderr


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--correct-faults", type=int, choices=(0, 1, 2), default=1,
                        help="faults at once for the correct orders")  # fmt: skip
    parser.add_argument("--runs", type=_positive, default=1000, help="simulated, per round")
    parser.add_argument("--rounds", type=_positive, default=5)
    parser.add_argument("--quick", action="store_true",
                        help="every twelfth order, few runs: shows that it works")  # fmt: skip
    return parser.parse_args()


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    started, load_before = datetime.now(UTC), os.getloadavg()
    runs, rounds, every = options.runs, options.rounds, 1
    if options.quick:
        runs, rounds, every = 40, 1, 12
    fast = await speed.measure(runs, rounds)
    found = await finding.measure(options.correct_faults, every)
    return {
        "benchmark": "explorer",
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
        "versions": {"temporalio": temporalio.__version__, "python": platform.python_version()},
        "machine": {
            "cores": os.cpu_count(),
            "load_average_before": [round(load, 2) for load in load_before],
            "load_average_after": [round(load, 2) for load in os.getloadavg()],
        },
        "quick": options.quick,
        **found,
        **fast,
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def main() -> None:
    options = parse()
    logs_to_stderr()
    result = asyncio.run(measure(options))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    leave(0)


if __name__ == "__main__":
    main()
