"""The four steps as a careful author writes them without Saga.

In a module of its own, which does not import Saga: the sandbox loads a workflow's module for
every execution, and what that costs belongs to the variant that needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from saga_bench.steps import (
        OPEN_FOR,
        TIMEOUT,
        Order,
        cancel_invoice,
        charge,
        invoice,
        recall,
        refund,
        release,
        reserve,
        ship,
    )

Undo = Callable[[], Awaitable[None]]
_WAIT = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
_UNDO_RETRY = RetryPolicy(maximum_attempts=5)


@workflow.defn(name="bench-hand-written")
class HandWritten:
    @workflow.run
    async def run(self, order: Order) -> str:
        undos: list[Undo] = []
        reservation = payment = shipment = number = None
        try:
            undos.append(lambda: _undo(release, order, reservation))
            reservation = await _step(reserve, order)
            undos.append(lambda: _undo(refund, order, payment))
            payment = await _step(charge, order)
            undos.append(lambda: _undo(recall, order, shipment))
            shipment = await _step(ship, order)
            undos.append(lambda: _undo(cancel_invoice, order, number))
            number = await _step(invoice, order)
        except BaseException as err:
            await _compensate(undos, err)
            raise
        return number


@workflow.defn(name="bench-hand-written-branches")
class HandWrittenBranches:
    """The same steps in two branches of two, settled together."""

    @workflow.run
    async def run(self, order: Order) -> list[str]:
        undos: list[Undo] = []
        try:
            return await _settle([_reserve_and_charge(undos, order), _ship_and_bill(undos, order)])
        except BaseException as err:
            await _compensate(undos, err)
            raise


async def _reserve_and_charge(undos: list[Undo], order: Order) -> str:
    reservation = payment = None
    undos.append(lambda: _undo(release, order, reservation))
    reservation = await _step(reserve, order)
    undos.append(lambda: _undo(refund, order, payment))
    payment = await _step(charge, order)
    return payment


async def _ship_and_bill(undos: list[Undo], order: Order) -> str:
    shipment = number = None
    undos.append(lambda: _undo(recall, order, shipment))
    shipment = await _step(ship, order)
    undos.append(lambda: _undo(cancel_invoice, order, number))
    number = await _step(invoice, order)
    return number


async def _settle(branches: list[Coroutine[Any, Any, str]]) -> list[str]:
    """All have ended before anything is undone; a failure or a cancellation ends the others."""
    tasks = [asyncio.create_task(branch) for branch in branches]
    try:
        await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await workflow.wait(tasks)
    return [task.result() for task in tasks]


@workflow.defn(name="bench-hand-written-open")
class HandWrittenOpen:
    @workflow.run
    async def run(self, order: Order) -> str:
        undos: list[Undo] = []
        reservation = payment = None
        try:
            undos.append(lambda: _undo(release, order, reservation))
            reservation = await _step(reserve, order)
            undos.append(lambda: _undo(refund, order, payment))
            payment = await _step(charge, order)
            await workflow.sleep(OPEN_FOR)
        except BaseException as err:
            await _compensate(undos, err)
            raise
        return payment


async def _step(activity: Callable[[Order], Awaitable[str]], order: Order) -> str:
    return await workflow.execute_activity(
        activity, order, start_to_close_timeout=TIMEOUT, cancellation_type=_WAIT
    )


async def _undo(activity: Callable[..., Any], order: Order, result: str | None) -> None:
    await workflow.execute_activity(
        activity, args=[order, result], start_to_close_timeout=TIMEOUT, retry_policy=_UNDO_RETRY
    )


async def _compensate(undos: list[Undo], err: BaseException) -> None:
    """Undo after what fails the workflow; a bug, an eviction, a continue-as-new undo nothing."""
    if not (workflow.is_failure_exception(err) or is_cancelled_exception(err)):
        return
    undoing = asyncio.create_task(_undo_all(undos))
    task = asyncio.current_task()
    while not undoing.done():
        try:
            await asyncio.shield(undoing)
        except asyncio.CancelledError:
            if task is not None:
                task.uncancel()
    undoing.result()


async def _undo_all(undos: list[Undo]) -> None:
    for undo in reversed(undos):
        await undo()
