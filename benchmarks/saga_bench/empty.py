"""The engine's floor: a workflow that does nothing."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from saga_bench.steps import Order


@workflow.defn(name="bench-empty")
class Empty:
    @workflow.run
    async def run(self, order: Order) -> str:
        return order.order_id
