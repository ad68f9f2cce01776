"""The worker's workflow before the move."""

from __future__ import annotations

from temporalio import workflow

from examples.moving import by_hand


@workflow.defn
class Fulfilment:
    def __init__(self) -> None:
        self._approved = False

    @workflow.run
    async def run(self, order: str) -> str:
        return await by_hand.fulfil(order, self._approval)

    @workflow.signal
    def approve(self) -> None:
        self._approved = True

    async def _approval(self) -> None:
        await workflow.wait_condition(lambda: self._approved)
