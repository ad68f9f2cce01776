"""Passes the library through, as Temporal's documentation shows for third parties."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from musterwerk import Saga
    from musterwerk.saga import UndoRetry


@workflow.defn(name="Imports-passed_through")
class PassedThrough:
    @workflow.run
    async def run(self, order: str) -> None:
        once = UndoRetry(retry_policy=RetryPolicy(maximum_attempts=1), rounds=1)
        async with Saga(undo_retry=once) as saga:
            limit = timedelta(seconds=20)
            await saga.run("charge", order, undo="refund", start_to_close_timeout=limit)
            raise ApplicationError("no stock")
