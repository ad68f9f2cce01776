"""The workflows with lost outcomes, deadlines, resets and local steps that the saga tests run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from musterwerk import Saga
from musterwerk.errors import StepSkipped
from musterwerk.saga import UndoRetry
from tests.saga.workflows import LIMIT, ONCE, RETRY, RETRY_LATE, Switch

with workflow.unsafe.imports_passed_through():
    from tests.saga.world import World


@workflow.defn
class Unknown:
    """A charge that may be lost, and what is said about it."""

    @workflow.run
    async def run(self, order: str, on_unknown: Any, patient: bool = True) -> str:
        retry = RETRY if patient else UndoRetry(retry_policy=ONCE, rounds=1)
        async with Saga(undo_retry=retry) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            return await saga.run(
                World.charge,
                order,
                undo=World.refund,
                probe=World.find_charge if on_unknown == "probe" else None,
                on_unknown=on_unknown,
                refusals=["Declined"],
                retry_policy=ONCE,
                start_to_close_timeout=LIMIT,
            )


@workflow.defn
class Caught:
    """A step after the pivot is skipped, and the block goes on without it."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(undo_retry=RETRY_LATE) as saga:
            saga.pivot()
            try:
                await saga.run(World.ship, order, start_to_close_timeout=LIMIT)
            except StepSkipped:
                return await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)
        return "shipped"


@workflow.defn
class Posting:
    """Its dead letters go to the task queue that it is told."""

    @workflow.run
    async def run(self, order: str, queue: str) -> None:
        async with Saga(undo_retry=RETRY, dead_letters_to=queue) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            raise ApplicationError("no")


@workflow.defn
class Deadline(Switch):
    """Charges, waits for a signal, then goes on; `seconds` is its deadline."""

    @workflow.run
    async def run(self, order: str, seconds: float, pivot: bool = False) -> str:
        async with Saga(undo_retry=RETRY, deadline=timedelta(seconds=seconds)) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            if pivot:
                saga.pivot()
            await self.gate()
            return await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)


@workflow.defn
class DeadlineContinued:
    """Continue-as-new must not give it more time."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> None:
        deadline = timedelta(days=1) if state else timedelta(seconds=1)
        async with Saga(undo_retry=RETRY, deadline=deadline, state=state) as saga:
            if state is None:
                await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
                workflow.continue_as_new(args=[order, saga.state])
            await workflow.sleep(timedelta(hours=1))


@workflow.defn
class Carriers:
    """Catches what a deadline does to a step, and tries the next carrier."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(undo_retry=RETRY, deadline=timedelta(seconds=0.5)) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.checkpoint("reserved")
            for step, undo in ((World.ship, World.unship), (World.charge, World.refund)):
                try:
                    await saga.run(step, order, undo=undo, start_to_close_timeout=LIMIT)
                    break
                except Exception:
                    await saga.compensate_to("reserved")
            saga.pivot()
            return await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)


@workflow.defn
class Resettable(Switch):
    """reserve, then a gate, then charge."""

    @workflow.run
    async def run(self, order: str, pivot: bool = False) -> str:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            await self.gate()
            if pivot:
                saga.pivot()
                return await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)
            return await saga.run(
                World.charge,
                order,
                undo=World.refund,
                retry_policy=ONCE,
                start_to_close_timeout=LIMIT,
            )


@workflow.defn
class Local:
    """The same steps as local activities."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            for _ in range(2):
                await saga.run(
                    World.charge,
                    order,
                    undo=World.refund,
                    local=True,
                    start_to_close_timeout=LIMIT,
                )
            raise ApplicationError("no")


@workflow.defn
class LocalOrder:
    """reserve as ever; charge and its undo as local activities; the charge may be refused."""

    @workflow.run
    async def run(self, order: str, pivot: bool = False) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            if pivot:
                saga.pivot()
                await saga.run(World.confirm, order, local=True, start_to_close_timeout=LIMIT)
                return
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                refusals=["Declined"],
                retry_policy=ONCE,
                local=True,
                start_to_close_timeout=LIMIT,
            )
            raise ApplicationError("no")


@workflow.defn
class Untimed:
    """An undo that Temporal could not run, without a timeout."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            saga.add_compensation(World.refund, order, None)


ALL: list[type] = [
    Unknown,
    Caught,
    Posting,
    Deadline,
    DeadlineContinued,
    Carriers,
    Resettable,
    Local,
    LocalOrder,
    Untimed,
]
