"""Work inside a workflow that no cancellation may interrupt. For every pattern; knows none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def shielded(work: Coroutine[Any, Any, T], absorbed: Callable[[], object]) -> T:
    """Run `work` to its end; `absorbed` is called for each cancellation that came meanwhile.

    One `asyncio.shield` is not enough: a second cancellation would abandon the rest. So the
    work is a task of its own, and whoever waits for it takes each cancellation back
    (`uncancel`, or a later TaskGroup would raise a spurious one) and waits again.

    When the workflow is evicted from the worker's cache, creating the task raises; the work
    is then closed and the error passed on. A task that already runs is ended by the eviction
    itself, which ends the loop.
    """
    task = spawn(work)
    waiter = asyncio.current_task()
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                break
            absorbed()  # also if it came together with the end of the work
            if waiter is not None:
                waiter.uncancel()
    return task.result()


def spawn(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task for it. During an eviction there can be none; the work is closed then."""
    try:
        return asyncio.create_task(work)
    except BaseException:
        work.close()
        raise
