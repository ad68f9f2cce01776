"""What the examples have in common: a Temporal server of their own, and services with ledgers."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer

Example = Callable[[Client, Path], Awaitable[None]]


def play(example: Example) -> NoReturn:
    """Run it on an embedded server, in a folder that is removed afterwards; exit with 0."""
    asyncio.run(_on_a_server(example))
    leave(0)


async def _on_a_server(example: Example) -> None:
    # What fails here fails on purpose; the lines of the example tell it better than tracebacks.
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    quiet = LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    runtime = Runtime(telemetry=TelemetryConfig(logging=quiet))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with EmbeddedServer(folder / "temporal", ui=False) as server:
            # Temporal's own client: the examples need no converter and no plugin.
            await example(await Client.connect(server.address, runtime=runtime), folder)
