"""A worker for all of `schedules.toml`: `python -m examples.worker DIR`, until Ctrl-C.

On the server of `musterwerk dev`, or the one that TEMPORAL_ADDRESS names. Where DIR has no source
and no orders yet, they are made: customers of January 2024, and an order in each of the last hours.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from examples.data_sync.__main__ import fill, january
from examples.data_sync.__main__ import serving as syncing
from examples.health_check.__main__ import serving as monitoring
from examples.health_check.checking import Checker
from examples.outbox import Outbox
from examples.report.__main__ import hourly
from examples.report.__main__ import serving as reporting
from examples.report.books import Reporter
from musterwerk.cli.address import find_address
from musterwerk.errors import MusterwerkError, UsageError
from musterwerk.notify import Settings
from musterwerk.runtime.exits import leave

_DAYS = 70  # all of last month, whenever it is


async def serve(folder: Path) -> None:
    told = Settings.from_environment().targets
    if not told:
        raise UsageError("nobody is told anything: set MUSTERWERK_ALERT_MAIL or _ALERT_WEBHOOK")
    source, orders = folder / "source.sqlite", folder / "orders.sqlite"
    if not source.exists():
        fill(source, january())
    if not orders.exists():
        hourly(orders, datetime.now(UTC) - timedelta(days=_DAYS), hours=24 * _DAYS)
    client = await find_address().connect()
    outbox = Outbox(folder / "outbox.sqlite", told)
    with ThreadPoolExecutor(16) as threads:
        async with (
            syncing(client, threads, source, folder / "target.sqlite"),
            reporting(client, threads, Reporter(orders, outbox)),
            monitoring(client, threads, Checker(outbox)),
        ):
            print("syncing, reporting, monitoring", flush=True)
            await asyncio.Event().wait()


def main() -> NoReturn:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print("usage: python -m examples.worker DIR, a folder that is there", file=sys.stderr)
        leave(2)
    try:
        asyncio.run(serve(Path(sys.argv[1]).absolute()))
    except KeyboardInterrupt:
        leave(0)
    except MusterwerkError as error:
        print(error, file=sys.stderr)
        leave(1)
    leave(0)


if __name__ == "__main__":
    main()
