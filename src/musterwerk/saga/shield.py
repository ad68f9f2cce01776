"""Work that a cancellation must not interrupt."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uncancellable(work: Coroutine[Any, Any, T]) -> tuple[T, bool]:
    """Run `work` to its end; say whether a cancellation was absorbed meanwhile.

    One `asyncio.shield` is not enough: a second cancellation would abandon the rest. So the
    work is a task of its own, and whoever waits for it takes each cancellation back
    (`uncancel`, or a later TaskGroup would raise a spurious one) and waits again.

    When the workflow is evicted from the worker's cache, creating the task raises; the work
    is then closed and the error passed on. A task that already runs is ended by the eviction
    itself, which ends the loop.
    """
    try:
        task = asyncio.create_task(work)
    except BaseException:
        work.close()
        raise
    waiter = asyncio.current_task()
    absorbed = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                break
            absorbed = True
            if waiter is not None:
                waiter.uncancel()
    return task.result(), absorbed
