"""Cancellations: seen even where nobody noticed, and kept from work they must not interrupt."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from temporalio import workflow

from musterwerk.shielding import shielded

T = TypeVar("T")


class CancelWatch:
    """Whether a cancellation came since the block began, even if it was swallowed meanwhile.

    A step that cannot stop and an `except` of the user's both hide it. Two traces remain: the
    workflow's cancellation request, and the count of cancellations of the block's own task
    (which also counts those from inside, as by `asyncio.timeout`).
    """

    def __init__(self) -> None:
        self._requested_before = workflow.cancellation_reason() is not None
        self._task: asyncio.Task[Any] | None = None
        self._count_before = 0

    def begin(self) -> None:
        self._task = asyncio.current_task()
        self._count_before = cancellations()

    def requested(self) -> bool:
        """Whether the workflow's cancellation was requested since, noticed or not."""
        return workflow.cancellation_reason() is not None and not self._requested_before

    def seen(self) -> bool:
        """As `requested`, or the block's task was cancelled from inside."""
        before = self._count_before if asyncio.current_task() is self._task else 0
        return self.requested() or cancellations() > before


def cancellations() -> int:
    """How often the current task was cancelled and nobody took it back.

    Compare it over one await only: before 3.13 a TaskGroup whose child failed leaves one behind.
    """
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


async def ended(handle: asyncio.Task[Any]) -> None:
    """Wait for an activity. A cancellation is passed on to it, and then waited for as well.

    Awaiting the handle itself would lose a result that arrives together with the cancellation:
    its undo would not know what is to be undone.
    """

    def pass_on() -> None:
        if not handle.done():
            handle.cancel()

    while not handle.done():
        try:
            await workflow.wait([handle])
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_soon(pass_on)


async def uncancellable(work: Coroutine[Any, Any, T]) -> tuple[T, bool]:
    """Run `work` to its end; say whether a cancellation was absorbed meanwhile."""
    absorbed: list[bool] = []
    result = await shielded(work, lambda: absorbed.append(True))
    return result, bool(absorbed)
