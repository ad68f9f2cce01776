"""Undoing what stands: in the mirrored order, to its end, whatever is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio import workflow

from musterwerk.saga.book import Book
from musterwerk.saga.children import Children
from musterwerk.saga.execution import Execution
from musterwerk.saga.model import Branch, Step, UndoStatus
from musterwerk.saga.order import Plan, SideBySide, every_step
from musterwerk.saga.running import Running
from musterwerk.saga.shield import uncancellable


class Undoing:
    def __init__(
        self,
        book: Book,
        execution: Execution,
        children: Children,
        running: Running,
        *,
        parallel: bool,
    ) -> None:
        self._book = book
        self._execution = execution
        self._children = children
        self._running = running
        self._parallel = parallel

    async def since(self, start: int = 0, branch: Branch = ()) -> bool:
        """Undo what was registered from this index on, in this branch and those inside it.

        Says whether a cancellation was absorbed meanwhile.
        """
        _, absorbed = await uncancellable(self._undo(start, branch))
        return absorbed

    async def _undo(self, start: int, branch: Branch) -> None:
        steps = self._book.since(start, branch)
        await self._running.stop(steps)
        # Others may be undoing a part of it. What they are stuck with keeps nobody waiting here.
        await workflow.wait_condition(lambda: not _under_way(steps, "planned", "running"))
        slow: list[asyncio.Task[None]] = []
        plan = self._book.to_undo(start, branch, parallel=self._parallel)
        for step in every_step(plan):
            step.undo_status = "planned"  # nobody else undoes it now
        await self._carry_out(plan, slow)
        for task in slow:
            await task
        await workflow.wait_condition(
            lambda: not _under_way(steps, "planned", "running", "dead_letter")
        )

    async def _carry_out(self, plan: Plan, slow: list[asyncio.Task[None]]) -> None:
        for one in plan:
            if isinstance(one, SideBySide):
                await self._side_by_side(one, slow)
            else:
                await self._one(one, slow)

    async def _side_by_side(self, sides: SideBySide, slow: list[asyncio.Task[None]]) -> None:
        tasks = [asyncio.create_task(self._carry_out(branch, slow)) for branch in sides.branches]
        for task in tasks:
            await task

    async def _one(self, step: Step, slow: list[asyncio.Task[None]]) -> None:
        undo = self._children.undo if step.kind == "child" else self._execution.undo
        rest = await undo(step)
        if rest is not None:
            # One that cannot be undone does not keep the others from it.
            slow.append(asyncio.create_task(rest))


def _under_way(steps: Sequence[Step], *statuses: UndoStatus) -> bool:
    return any(step.undo_status in statuses for step in steps)
