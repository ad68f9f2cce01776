"""The steps that are under way: awaited by somebody, and the activities behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from temporalio import workflow

from musterwerk.saga.model import Step


class Running:
    def __init__(self) -> None:
        self._awaited: list[str] = []
        self._stopping: set[str] = set()
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._awaited)

    def names(self) -> str:
        return ", ".join(sorted(self._awaited))

    @contextmanager
    def awaited(self, what: str) -> Generator[None]:
        """A step's id, or other work that has to end before the block does."""
        self._awaited.append(what)
        try:
            yield
        finally:
            self._awaited.remove(what)
            self._stopping.discard(what)

    def stopping(self, step: Step) -> bool:
        """Whether it is to end: nothing new is begun for it."""
        return step.id in self._stopping

    @contextmanager
    def task(self, step: Step, task: asyncio.Task[Any]) -> Generator[None]:
        """What is to be cancelled when the step is to stop."""
        self._tasks[step.id] = task
        if self.stopping(step):
            task.cancel()
        try:
            yield
        finally:
            del self._tasks[step.id]

    async def stop(self, steps: Iterable[Step]) -> None:
        """Cancel those of these that run, and wait: only then may anything be undone."""
        ids = {step.id for step in steps if step.id in self._awaited}
        self._stopping |= ids
        for identity in sorted(ids & self._tasks.keys()):
            self._tasks[identity].cancel()
        await workflow.wait_condition(lambda: not ids & set(self._awaited))

    async def until_all_ended(self) -> None:
        """Also those that begin meanwhile."""
        await workflow.wait_condition(lambda: not self._awaited)
