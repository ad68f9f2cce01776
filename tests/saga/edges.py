"""Workflows at the edges of a saga; loaded by the sandbox, so without test tools."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from musterwerk import Saga

with workflow.unsafe.imports_passed_through():
    from tests.saga.workflows import LIMIT, ONCE, QUICK, RETRY
    from tests.saga.world import World


@workflow.defn
class Grouped:
    """Steps side by side in a TaskGroup."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            async with asyncio.TaskGroup() as group:
                for step, undo in ((World.charge, World.refund), (World.ship, World.unship)):
                    group.create_task(
                        saga.run(
                            step, order, undo=undo, retry_policy=ONCE, start_to_close_timeout=LIMIT
                        )
                    )


@workflow.defn
class Forgotten:
    """Waits for ever, with a deadline."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY, deadline=timedelta(days=1)) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            await workflow.wait_condition(lambda: False)


@workflow.defn
class ForwardBranches:
    """Two branches after the pivot."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.pivot()
            await asyncio.gather(
                saga.run(World.ship, order, start_to_close_timeout=LIMIT),
                saga.run(World.confirm, order, start_to_close_timeout=LIMIT),
            )


@workflow.defn
class Forgetful:
    """Leaves the block while a step runs."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            self.task = asyncio.create_task(
                saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            )
            await workflow.sleep(QUICK)


@workflow.defn
class Rounds:
    """Goes back to the start and tries again, checkpoints and all."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(undo_retry=RETRY) as saga:
            while True:
                await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
                saga.checkpoint("paid")
                try:
                    return await saga.run(
                        World.ship,
                        order,
                        undo=World.unship,
                        retry_policy=ONCE,
                        start_to_close_timeout=LIMIT,
                    )
                except Exception:
                    await saga.compensate()


@workflow.defn
class OwnTask:
    """Cancels a task of its own and awaits it: a failure, and nobody's cancellation."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            task = asyncio.create_task(workflow.sleep(timedelta(days=1)))
            await workflow.sleep(QUICK)
            task.cancel()
            await task


@workflow.defn
class Hurried:
    """Two cancellations: one from a deadline inside, and the one that the server sends."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with asyncio.timeout(0.2):
            async with Saga(undo_retry=RETRY) as saga:
                for step, undo in ((World.reserve, World.release), (World.charge, World.refund)):
                    await saga.run(step, order, undo=undo, start_to_close_timeout=LIMIT)
                await workflow.sleep(timedelta(days=7))


@workflow.defn
class ByHand:
    """Undoes by hand, and says what it saw of a cancellation meanwhile."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            try:
                await saga.compensate()
            except asyncio.CancelledError:
                return "cancelled meanwhile"
        return "not cancelled"


@workflow.defn
class Late:
    """A step that outlives its attempt (`patience` in seconds) and is not waited for."""

    @workflow.run
    async def run(self, order: str, patience: float) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(
                "late_charge",
                order,
                undo="late_refund",
                retry_policy=ONCE,
                cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
                start_to_close_timeout=timedelta(seconds=patience),
            )


@workflow.defn
class SkippedBefore:
    """A skip in the run before must still be known at the end of this one."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> None:
        async with Saga(undo_retry=RETRY, state=state) as saga:
            if state is None:
                await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
                try:
                    await saga.compensate()
                except ApplicationError:
                    workflow.continue_as_new(args=[order, saga.state])
            raise ApplicationError("fails in the second run")


ALL: list[type] = [
    Grouped,
    ForwardBranches,
    Forgetful,
    Rounds,
    OwnTask,
    Hurried,
    ByHand,
    Late,
    SkippedBefore,
]
