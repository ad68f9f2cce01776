"""The same workflow after the move: one import, and a patch that parts old from new."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from examples.moving import by_hand
from musterwerk import Saga

with workflow.unsafe.imports_passed_through():
    from examples.moving.activities import Services

MINUTE = timedelta(minutes=1)


@workflow.defn
class Fulfilment:
    def __init__(self) -> None:
        self._approved = False

    @workflow.run
    async def run(self, order: str) -> str:
        if not workflow.patched("saga"):  # begun under version 1
            return await by_hand.fulfil(order, self._approval)
        async with Saga() as saga:
            await saga.run(
                Services.reserve, order, undo=Services.release, start_to_close_timeout=MINUTE
            )
            await saga.run(
                Services.charge, order, undo=Services.refund, start_to_close_timeout=MINUTE
            )
            await self._approval()
            await saga.run(Services.ship, order, start_to_close_timeout=MINUTE)
        return "saga"

    @workflow.signal
    def approve(self) -> None:
        self._approved = True

    async def _approval(self) -> None:
        await workflow.wait_condition(lambda: self._approved)
