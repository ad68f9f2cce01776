"""`musterwerk.ScheduleMonitor`: keeps the ledger as long as there is a worker of ours."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from musterwerk.schedules.ledger.model import WATCH, WORKFLOW

#: One activity looks for so long: far fewer events than one for each look.
_SECONDS = 600.0
_ROUNDS = 100
#: So long after its worker has died another one goes on.
_HEARTBEAT = timedelta(seconds=15)
_FOR_EVER = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)
)


@workflow.defn(name=WORKFLOW)
class ScheduleMonitorWorkflow:
    @workflow.run
    async def run(self) -> None:
        for _ in range(_ROUNDS):
            await workflow.execute_activity(
                WATCH,
                _SECONDS,
                start_to_close_timeout=timedelta(seconds=_SECONDS * 2),
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=_FOR_EVER,
            )
        workflow.continue_as_new()
