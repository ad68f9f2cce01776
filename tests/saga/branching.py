"""The workflows with branches, and with undos beside steps, that the saga tests run."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from musterwerk import Saga
from tests.saga.workflows import LIMIT, ONCE, QUICK, RETRY, Switch

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
class Added:
    """Undos without steps, between steps."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.add_compensation(World.refund, order, "by hand", start_to_close_timeout=LIMIT)
            await saga.run(World.ship, order, undo=World.unship, start_to_close_timeout=LIMIT)
            raise ApplicationError("no")


ALL: list[type] = [
    Trip,
    Loop,
    BranchesContinued,
    Fallback,
    StubbornBranch,
    SameCode,
    PivotInBranch,
    BranchesForward,
    TwoUndos,
    BuggyBranch,
    Added,
]
