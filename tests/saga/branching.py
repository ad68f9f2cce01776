"""The workflows with branches, lost outcomes, deadlines and children that the saga tests run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

from musterwerk import Saga
from musterwerk.errors import SagaCompensated, StepSkipped
from musterwerk.saga import UndoRetry
from tests.saga.workflows import LIMIT, ONCE, QUICK, RETRY, RETRY_LATE, Switch

with workflow.unsafe.imports_passed_through():
    from tests.saga.world import World


@workflow.defn
class Trip:
    """reserve; then charge and confirm beside ship; `parallel` undoes without an order."""

    @workflow.run
    async def run(self, order: str, parallel: bool = False) -> list[str]:
        async with Saga(undo_retry=RETRY, parallel_undo=parallel) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            return list(await saga.gather(self._pay(saga, order), self._send(saga, order)))

    async def _pay(self, saga: Saga, order: str) -> str:
        paid = await saga.run(
            World.charge,
            order,
            undo=World.refund,
            retry_policy=ONCE,
            start_to_close_timeout=LIMIT,
        )
        await saga.run(World.confirm, order, retry_policy=ONCE, start_to_close_timeout=LIMIT)
        return paid

    async def _send(self, saga: Saga, order: str) -> str:
        return await saga.run(
            World.ship, order, undo=World.unship, retry_policy=ONCE, start_to_close_timeout=LIMIT
        )


@workflow.defn
class Loop:
    """A branch for each article; each undo must get its own."""

    @workflow.run
    async def run(self, order: str, count: int) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            articles = [f"{order}-{number}" for number in range(1, count + 1)]
            await saga.gather(*(self._take(saga, article) for article in articles))
            raise ApplicationError("no")

    async def _take(self, saga: Saga, article: str) -> None:
        await saga.run(World.reserve, article, undo=World.release, start_to_close_timeout=LIMIT)
        await saga.run(World.charge, article, undo=World.refund, start_to_close_timeout=LIMIT)


@workflow.defn
class BranchesContinued:
    """Two branches, and the next run fails."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> None:
        async with Saga(undo_retry=RETRY, state=state) as saga:
            if state is None:
                await saga.run(
                    World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT
                )
                await saga.gather(self._pay(saga, order), self._ship(saga, order))
                workflow.continue_as_new(args=[order, saga.state])
            raise ApplicationError("fails in the second run")

    async def _pay(self, saga: Saga, order: str) -> None:
        await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)

    async def _ship(self, saga: Saga, order: str) -> None:
        await saga.run(World.ship, order, undo=World.unship, start_to_close_timeout=LIMIT)


@workflow.defn
class Fallback(Switch):
    """One branch undoes its own step and tries another way, while the other goes on."""

    @workflow.run
    async def run(self, order: str) -> list[str]:
        async with Saga(undo_retry=RETRY) as saga:
            return list(await saga.gather(self._pay(saga, order), self._ship(saga, order)))

    async def _pay(self, saga: Saga, order: str) -> str:
        await self.gate()
        return await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)

    async def _ship(self, saga: Saga, order: str) -> str:
        await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
        saga.checkpoint("reserved")
        try:
            return await saga.run(
                World.ship,
                order,
                undo=World.unship,
                retry_policy=ONCE,
                start_to_close_timeout=LIMIT,
            )
        except ActivityError:
            await saga.compensate_to("reserved")
        self.opened = True
        return "by hand"


@workflow.defn
class StubbornBranch:
    """A branch that takes its cancellation for a failure, and tries another way."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.gather(self._pay(saga, order), self._ship(saga, order))

    async def _pay(self, saga: Saga, order: str) -> None:
        await saga.run(
            World.charge,
            order,
            undo=World.refund,
            retry_policy=ONCE,
            start_to_close_timeout=LIMIT,
        )

    async def _ship(self, saga: Saga, order: str) -> None:
        try:
            await saga.run(World.ship, order, undo=World.unship, start_to_close_timeout=LIMIT)
            raise ApplicationError("it swallowed its cancellation")
        except (Exception, asyncio.CancelledError):
            await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)


@workflow.defn
class SameCode:
    """Two branches of the same code, checkpoint and all."""

    @workflow.run
    async def run(self, order: str) -> list[str]:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.checkpoint("reserved")
            return list(
                await saga.gather(self._try(saga, f"{order}-a"), self._try(saga, f"{order}-b"))
            )

    async def _try(self, saga: Saga, order: str) -> str:
        saga.checkpoint("before")
        await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
        await saga.compensate_to("before")
        await saga.compensate_to("reserved")
        return order


@workflow.defn
class PivotInBranch:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.gather(self._pass(saga))

    async def _pass(self, saga: Saga) -> None:
        saga.pivot()


@workflow.defn
class BranchesForward:
    """Branches after the pivot, and a step after them."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            saga.pivot()
            await saga.gather(
                saga.run(World.ship, order, start_to_close_timeout=LIMIT),
                saga.run(World.charge, order, start_to_close_timeout=LIMIT),
            )
            await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)


@workflow.defn
class TwoUndos:
    """A task that compensates, beside one that fails."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.checkpoint("reserved")
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            await asyncio.gather(saga.compensate_to("reserved"), self._fail())

    async def _fail(self) -> None:
        await workflow.sleep(QUICK)
        raise ApplicationError("no")


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
class OrphanContinued:
    """A child that was terminated, caught, and carried over."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> None:
        async with Saga(undo_retry=RETRY, state=state) as saga:
            if state is None:
                await saga.run(
                    World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT
                )
                try:
                    await saga.run_child(Nested.run, order, True)
                except ChildWorkflowError:
                    workflow.continue_as_new(args=[order, saga.state])
            raise ApplicationError("no")


@workflow.defn
class BuggyBranch:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.gather(self._pay(saga, order), self._stumble())

    async def _pay(self, saga: Saga, order: str) -> None:
        await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)

    async def _stumble(self) -> None:
        await workflow.sleep(QUICK)
        raise KeyError("typo")


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
class Added:
    """Undos without steps, between steps."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.add_compensation(World.refund, order, "by hand", start_to_close_timeout=LIMIT)
            await saga.run(World.ship, order, undo=World.unship, start_to_close_timeout=LIMIT)
            raise ApplicationError("no")


@workflow.defn
class Nested(Switch):
    """A child: charges, and holds."""

    @workflow.run
    async def run(self, order: str, gate: bool = False) -> str:
        try:
            async with Saga(undo_retry=RETRY) as saga:
                paid = await saga.run(
                    World.charge,
                    order,
                    undo=World.refund,
                    retry_policy=ONCE,
                    start_to_close_timeout=LIMIT,
                )
                if gate:
                    await self.gate()
                held = await saga.hold(f"held {paid}")
                return await saga.run(World.confirm, held, start_to_close_timeout=LIMIT)
        except SagaCompensated:
            workflow.logger.info("the child says sorry itself")
            raise


@workflow.defn
class Parent(Switch):
    """reserve, the child, ship."""

    @workflow.run
    async def run(self, order: str, child: str | None = None, gate: bool = False) -> str:
        options: Any = {} if child is None else {"id": child}
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            held = await saga.run_child(Nested.run, order, gate, **options)
            self.held = held
            await saga.run(
                World.ship,
                order,
                undo=World.unship,
                retry_policy=ONCE,
                start_to_close_timeout=LIMIT,
            )
        return held


@workflow.defn
class Endless:
    """A child that never holds."""

    @workflow.run
    async def run(self, order: str) -> str:
        return order


@workflow.defn
class Careless:
    """Runs a child that never holds, as if it could be undone."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            return await saga.run_child(Endless.run, order)


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
class Posting:
    """Its dead letters go to the task queue that it is told."""

    @workflow.run
    async def run(self, order: str, queue: str) -> None:
        async with Saga(undo_retry=RETRY, dead_letters_to=queue) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            raise ApplicationError("no")


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
class TwoChildren(Switch):
    """Two children hold; then the parent passes its pivot."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run_child(Nested.run, f"{order}-1", id=f"{order}-1")
            await saga.run_child(Nested.run, f"{order}-2", id=f"{order}-2")
            await self.gate()
            saga.pivot()


@workflow.defn
class Reborn(Switch):
    """A child that continues as new before it holds."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> str:
        async with Saga(undo_retry=RETRY, state=state) as saga:
            if state is None:
                await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
                workflow.continue_as_new(args=[order, saga.state])
            return await saga.hold("held")


@workflow.defn
class ParentOfReborn:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run_child(Reborn.run, order, None)
            raise ApplicationError("no")


@workflow.defn
class Untimed:
    """An undo that Temporal could not run, without a timeout."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            saga.add_compensation(World.refund, order, None)


ALL: list[type] = [
    LocalOrder,
    TwoChildren,
    Reborn,
    ParentOfReborn,
    Untimed,
    Trip,
    Loop,
    BranchesContinued,
    Fallback,
    BuggyBranch,
    StubbornBranch,
    SameCode,
    PivotInBranch,
    BranchesForward,
    TwoUndos,
    Carriers,
    Caught,
    OrphanContinued,
    Unknown,
    Deadline,
    DeadlineContinued,
    Added,
    Nested,
    Parent,
    Endless,
    Careless,
    Resettable,
    Posting,
    Local,
]
