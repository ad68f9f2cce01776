"""The process: the window between the due time before and this one, copied once."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from examples.due import scheduled

with workflow.unsafe.imports_passed_through():
    from examples.data_sync.copying import Copier, Synced, Window


@workflow.defn
class DataSyncWorkflow:
    @workflow.run
    async def run(self, dataset: str) -> Synced:
        return await workflow.execute_activity_method(
            Copier.copy_changes,
            args=[dataset, window()],
            start_to_close_timeout=timedelta(hours=6),
            heartbeat_timeout=timedelta(seconds=10),  # so soon another worker goes on
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
        )


def window() -> Window:
    """By due times and never by the clock: a run that is late, repeated or made up for years later
    has the window that it had, and one begins where the one before ends.

    A source that stamps a row long before it commits it needs windows that end so much earlier.
    """
    run = scheduled()
    previous = run.previous()
    if previous is None:
        raise ApplicationError(
            f"{run.key}: nothing was due before, so there is no window",
            type="NoWindow",
            non_retryable=True,
        )
    return Window(run.key, previous, run.due)
