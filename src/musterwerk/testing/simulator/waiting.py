"""What an activity can wait for: its cancellation, and the end of its worker."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import threading

from temporalio.common import _CompositeEvent

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


class _Never(Event):
    """The end of the worker: one that shuts down is none that we play. All calls share it."""

    async def wait(self) -> None:
        if not self._in_loop:
            raise RuntimeError("not in async activity")
        await asyncio.Event().wait()


NEVER = _Never(in_loop=False)
NEVER_IN_LOOP = _Never(in_loop=True)
