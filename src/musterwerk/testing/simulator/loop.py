"""The event loop on which activities run: real tasks, sockets and threads, virtual time."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import Any

from musterwerk.testing.simulator.clock import NS

# So long, in real seconds, are sockets and threads waited for before virtual time goes on.
PATIENCE = 1.0
# A task that only yields, until something has happened, would keep an instant from ending. After so
# many turns time goes on all the same.
_TURNS = 100_000
# A thread that only stands by is waited for so long where a timer is near.
_BRIEFLY = 0.05


class _Idle(selectors.BaseSelector):
    """A selector that tells when the loop has nothing left to do at this instant."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.on_idle: Callable[[float | None], float] = lambda _: 0.0
        self.turns = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0)
        self.turns += 1
        if (found or timeout == 0) and self.turns < _TURNS:
            return found
        wait = self.on_idle(timeout)
        return self._real.select(wait) if wait else []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """`settle` runs all that can run at this instant. Time passes only when `now` is set.

    `unsettled` tells that something of a first step is still to be done.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _default_executor: Executor | None
    _thread_id: int | None
    _asyncgen_firstiter_hook: Callable[[AsyncGenerator[Any, Any]], None]
    _asyncgen_finalizer_hook: Callable[[AsyncGenerator[Any, Any]], None]

    def __init__(self) -> None:
        self._idle = idle = _Idle()
        super().__init__(idle)
        idle.on_idle = self._idle_for
        self._map = idle.get_map()
        self._pipes = len(self._map)
        self._threads = 0
        self._in_threads = 0
        self._waited = False
        self.unsettled = False
        #: How to end what was going on when the last run was over.
        self.owes: list[Callable[[], object]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.start = 0
        self.now = 0
        self.begin(0)

    def begin(self, now: int) -> None:
        """A new run; threads that are there already owe it nothing."""
        self.start = self.now = now
        self.unsettled = False
        self._threads = self._strange_threads()

    def time(self) -> float:
        return (self.now - self.start) / NS

    def settle(self) -> None:
        self._waited = self.unsettled = False
        self.run_forever()

    def run_forever(self) -> None:
        self._idle.turns = 0
        super().run_forever()

    def create_task(self, *args: Any, **options: Any) -> asyncio.Task[Any]:
        """Those that others make, which may outlive the activity that made them."""
        task: asyncio.Task[Any] = super().create_task(*args, **options)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def leaves_work(self) -> bool:
        """Whether anything is ready or waits, beside what an activity itself does."""
        if self._ready or self.unsettled or self._tasks:
            return True
        return bool(self._scheduled) and not all(timer.cancelled() for timer in self._scheduled)

    def clear(self) -> None:
        """End what is left, as a worker that shuts down would. Open connections stay open."""
        if not self.owes and not self.leaves_work():
            return
        for end in self.owes:
            end()
        self.owes.clear()
        for task in self._tasks:
            task.cancel()
        self.settle()
        self._tasks.clear()
        self._ready.clear()
        self._scheduled.clear()

    def make_first_step(
        self, work: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Make a task of it and let that begin: most activities are done with their first step.

        It is as if the loop ran, but for what costs most, which is to start and to stop it.
        """
        task = asyncio.Task(work, loop=self, context=context)
        handle = self._ready.pop()
        hooks = sys.get_asyncgen_hooks()
        self._thread_id = threading.get_ident()
        sys.set_asyncgen_hooks(self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)
            self._thread_id = None
        if self._ready or self._in_threads or len(self._map) > self._pipes:
            self.unsettled = True
        return task

    def next_time(self) -> int | None:
        """When the first timer is due."""
        dues = [timer.when() for timer in self._scheduled if not timer.cancelled()]
        if not dues:
            return None
        return self.now + max(1_000, -int(-(min(dues) - self.time()) * NS // 1))

    def _idle_for(self, timeout: float | None) -> float:
        """How long to wait for the real world: not at all where nothing of it is under way."""
        # What a thread or a socket owes is waited for once; a timer that is due is not kept waiting
        # for long by threads that only stand by.
        owed = self._in_threads or len(self._map) > self._pipes
        stands_by = self._strange_threads() > self._threads
        if (owed or stands_by) and not self._waited:
            self._waited = not self._in_threads
            return PATIENCE if owed or timeout is None else _BRIEFLY
        self.stop()
        return 0.0

    def _strange_threads(self) -> int:
        """Those that are not the loop's own, of which it knows what they owe."""
        own: Any = self._default_executor
        return threading.active_count() - (len(own._threads) if own is not None else 0)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._in_threads -= 1
