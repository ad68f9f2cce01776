"""Running an asynchronous command so that Ctrl-C and SIGTERM end it in an orderly way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from musterwerk.runtime.telemetry import logs_to_stderr

T = TypeVar("T")


def run(command: Coroutine[Any, Any, T], *, stop_code: int | None = None) -> T:
    """Run it; SIGINT and SIGTERM cancel it, and a second one cancels what is still closing.

    The process then exits with 130 or 143 as shells expect, or with `stop_code` where being
    stopped is the normal end.
    """
    logs_to_stderr()
    return asyncio.run(_stoppable(command, stop_code))


async def _stoppable(command: Coroutine[Any, Any, T], stop_code: int | None) -> T:
    loop = asyncio.get_running_loop()
    task = loop.create_task(command)
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise typer.Exit(128 + received[0] if stop_code is None else stop_code) from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
