"""How often a command that talks to the server crashes on its way out.

On CPython 3.11 a process that used Temporal's SDK may abort while the interpreter ends (exit code
134 or 139). Our commands leave before that stage; `--plain` measures the same without our way out.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer

COMMAND = ["-m", "musterwerk", "sagas", "list", "-o", "json"]
PLAIN = (
    "import asyncio, sys; from musterwerk.runtime.connection import connect;"
    "asyncio.run(connect(sys.argv[-1], isolated=True))"
)
# A signal's number as subprocesses report it, and as a shell does.
CRASHES = {-6, -11, 134, 139}


async def measure(runs: int, at_once: int, plain: bool) -> dict[str, object]:
    codes: collections.Counter[int] = collections.Counter()
    gate = asyncio.Semaphore(at_once)
    program = ["-c", PLAIN] if plain else COMMAND

    async def once(address: str) -> None:
        async with gate:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *program,
                "--address",
                address,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            codes[await process.wait()] += 1

    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as server:
            started = time.perf_counter()
            await asyncio.gather(*(once(server.address) for _ in range(runs)))
    return {
        "benchmark": "exits",
        "runs": runs,
        "crashes": sum(count for code, count in codes.items() if code in CRASHES),
        "exit_codes": {str(code): count for code, count in sorted(codes.items())},
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="without our way out, to compare")
    options = parser.parse_args()
    result = asyncio.run(measure(options.runs, options.at_once, options.plain))
    sys.stdout.write(json.dumps(result) + "\n")
    leave(1 if result["crashes"] and not options.plain else 0)


if __name__ == "__main__":
    main()
