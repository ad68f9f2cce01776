"""The same four steps through `Saga`, imported as its users import it."""

from __future__ import annotations

from temporalio import workflow

from musterwerk import Saga

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


@workflow.defn(name="bench-saga")
class WithSaga:
    @workflow.run
    async def run(self, order: Order) -> str:
        async with Saga() as saga:
            await saga.run(reserve, order, undo=release, start_to_close_timeout=TIMEOUT)
            await saga.run(charge, order, undo=refund, start_to_close_timeout=TIMEOUT)
            await saga.run(ship, order, undo=recall, start_to_close_timeout=TIMEOUT)
            return await saga.run(
                invoice, order, undo=cancel_invoice, start_to_close_timeout=TIMEOUT
            )


@workflow.defn(name="bench-saga-branches")
class WithSagaBranches:
    """The same steps in two branches of two."""

    @workflow.run
    async def run(self, order: Order) -> list[str]:
        async with Saga() as saga:
            return list(
                await saga.gather(_reserve_and_charge(saga, order), _ship_and_bill(saga, order))
            )


async def _reserve_and_charge(saga: Saga, order: Order) -> str:
    await saga.run(reserve, order, undo=release, start_to_close_timeout=TIMEOUT)
    return await saga.run(charge, order, undo=refund, start_to_close_timeout=TIMEOUT)


async def _ship_and_bill(saga: Saga, order: Order) -> str:
    await saga.run(ship, order, undo=recall, start_to_close_timeout=TIMEOUT)
    return await saga.run(invoice, order, undo=cancel_invoice, start_to_close_timeout=TIMEOUT)


@workflow.defn(name="bench-saga-open")
class WithSagaOpen:
    @workflow.run
    async def run(self, order: Order) -> str:
        async with Saga() as saga:
            await saga.run(reserve, order, undo=release, start_to_close_timeout=TIMEOUT)
            payment = await saga.run(charge, order, undo=refund, start_to_close_timeout=TIMEOUT)
            await workflow.sleep(OPEN_FOR)
        return payment
