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
        self._awaited: set[str] = set()
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._awaited)

    def names(self) -> str:
        return ", ".join(sorted(self._awaited))

    @contextmanager
    def awaited(self, step: Step) -> Generator[None]:
        self._awaited.add(step.id)
        try:
            yield
        finally:
            self._awaited.discard(step.id)

    @contextmanager
    def task(self, step: Step, task: asyncio.Task[Any]) -> Generator[None]:
        """What is to be cancelled when the step is to stop."""
        self._tasks[step.id] = task
        try:
            yield
        finally:
            del self._tasks[step.id]

    async def stop(self, steps: Iterable[Step]) -> None:
        """Cancel those of these that run, and wait: only then may anything be undone."""
        ids = [step.id for step in steps if step.id in self._awaited]
        for identity in ids:
            if identity in self._tasks:
                self._tasks[identity].cancel()
        await self.until_ended(ids)

    async def until_ended(self, ids: Iterable[str]) -> None:
        wanted = set(ids)
        await workflow.wait_condition(lambda: not wanted & self._awaited)

    async def until_all_ended(self) -> None:
        """Also those that begin meanwhile."""
        await workflow.wait_condition(lambda: not self._awaited)
