"""The workflows that have children, and the children, that the saga tests run."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError

from musterwerk import Saga
from musterwerk.errors import SagaCompensated
from tests.saga.workflows import LIMIT, ONCE, RETRY, Switch

with workflow.unsafe.imports_passed_through():
    from tests.saga.world import World


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


ALL: list[type] = [
    Nested,
    Parent,
    OrphanContinued,
    Endless,
    Careless,
    TwoChildren,
    Reborn,
    ParentOfReborn,
]
