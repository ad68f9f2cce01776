"""The process."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from musterwerk import Saga

with workflow.unsafe.imports_passed_through():
    from examples.order.shop import Shop

MINUTE = timedelta(minutes=1)


@workflow.defn
class PlaceOrder:
    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(Shop.reserve, order, undo=Shop.release, start_to_close_timeout=MINUTE)
            await saga.run(Shop.charge, order, undo=Shop.refund, start_to_close_timeout=MINUTE)
            parcel = await saga.run(
                Shop.ship, order, undo=Shop.call_back, start_to_close_timeout=MINUTE
            )
            saga.pivot()  # from here only forward: a mail that fails must not refund a parcel
            await saga.run(Shop.confirm, order, parcel, start_to_close_timeout=MINUTE)
        return parcel
