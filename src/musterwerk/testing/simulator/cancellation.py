"""How an activity learns that it is cancelled, or that its worker shuts down."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

from temporalio import activity
from temporalio.activity import _Definition as ActivityDefinition
from temporalio.common import _CompositeEvent
from temporalio.exceptions import CancelledError

from musterwerk.errors import SimulationError


class Event(_CompositeEvent):
    """What an activity may wait for in its loop. What that takes is dear, and made when it does."""

    def __init__(self, *, in_loop: bool) -> None:
        self.thread_event: threading.Event | None = None
        self.async_event: asyncio.Event | None = None
        self._in_loop = in_loop
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        if self.async_event is not None:
            self.async_event.set()

    def is_set(self) -> bool:
        return self._is_set

    async def wait(self) -> None:
        if not self._in_loop:
            raise RuntimeError("not in async activity")
        if self.async_event is None:
            self.async_event = asyncio.Event()
        if not self._is_set:
            await self.async_event.wait()

    def wait_sync(self, timeout: float | None = None) -> None:
        """Virtual time stands still for threads, so that nothing comes of waiting but its end."""
        if self._is_set:
            return
        if timeout is not None and self._in_loop:
            threading.Event().wait(timeout)
            return
        raise SimulationError(
            "The simulator cannot wait for a cancellation inside a synchronous activity or in a"
            " thread, which run in one instant of virtual time: make it asynchronous"
        )


class Cancellation(Event):
    """That of one call. `raises`: it is raised in a synchronous function, where that next reports.
    `by_request`: it comes from somebody or from the worker's end, not from a timeout."""

    def __init__(self, given: ActivityDefinition) -> None:
        super().__init__(in_loop=given.is_async)
        self.details = activity._ActivityCancellationDetailsHolder()
        self.raises = not given.no_thread_cancel_exception and not given.is_async
        self.by_request = False
        self._shields = 0
        self._due = False

    def request(self, details: activity.ActivityCancellationDetails) -> None:
        self.details.details = details
        self.by_request = details.cancel_requested or details.worker_shutdown
        self._due = self.raises
        self.set()

    @contextmanager
    def shielded(self) -> Generator[None]:
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
            self.raise_if_due()

    def raise_if_due(self) -> None:
        """Once, and not while it is shielded."""
        if self._due and not self._shields:
            self._due = False
            raise CancelledError("Cancelled")


class _Never(Event):
    """The end of the worker: one that shuts down is none that we play. All calls share it."""

    async def wait(self) -> None:
        if not self._in_loop:
            raise RuntimeError("not in async activity")
        await asyncio.Event().wait()


NEVER = _Never(in_loop=False)
NEVER_IN_LOOP = _Never(in_loop=True)
