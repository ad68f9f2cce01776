"""The nightly reconciliation: a workflow that a schedule starts.

It fails where the books disagree, and says on what: the schedule ledger tells its owner once, and
once more when they agree again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from musterwerk import schedules
    from musterwerk.schedules import Schedule, When
    from musterwerk.shop.bookkeeping import BookkeepingActivities
    from musterwerk.shop.names import TASK_QUEUE
    from musterwerk.shop.reconciling import Reconciliation, known_from

DISAGREE = "BooksDisagree"
NAME = "shop-reconciliation"
_NIGHTLY = schedules.cron("30 2 * * *", tz="Europe/Berlin", dst="once")
_SHOWN = 5


@workflow.defn
class ReconciliationWorkflow:
    @workflow.run
    async def run(self) -> Reconciliation:
        """Raises `BooksDisagree` with all of it as its details."""
        found = await workflow.execute_activity_method(
            BookkeepingActivities.reconcile_books,
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
        )
        run = schedules.current()
        told = found.model_copy(update={"due": run.due.isoformat() if run else None})
        told = known_from(_told_before(), told)
        if told.found:
            for one in told.discrepancies:
                if not one.known:
                    workflow.logger.error("Order %s %s.", one.order_id, one.words)
            raise ApplicationError(_words(told), told, type=DISAGREE, non_retryable=True)
        return told


def schedule(when: When = _NIGHTLY, *, suffix: str = "", task_queue: str = TASK_QUEUE) -> Schedule:
    """Every night at half past two, on clock changes too; `suffix` is for desks on one server."""
    return Schedule(
        NAME + suffix,
        ReconciliationWorkflow,
        task_queue=task_queue,
        when=when,
        # A run that hangs would keep all later ones from it, and nobody would be told.
        execution_timeout=timedelta(hours=6),
        catch_up=timedelta(hours=6),
        grace=timedelta(minutes=30),
        owner="shop",
        note="Payments, stock and shipments are compared.",
    )


async def result_of(run: WorkflowHandle[Any, Any]) -> Reconciliation:
    """What it found, whether or not the books agree. Raises what else it fails by."""
    try:
        return Reconciliation.model_validate(await run.result())
    except WorkflowFailureError as failure:
        cause = failure.cause
        if isinstance(cause, ApplicationError) and cause.type == DISAGREE:
            return Reconciliation.model_validate(cause.details[0])
        raise


def _told_before() -> Reconciliation:
    """By the run of the schedule before this one; nothing where that one found the books well."""
    failure = workflow.get_last_failure()
    if not isinstance(failure, ApplicationError) or failure.type != DISAGREE:
        return Reconciliation()
    try:
        return Reconciliation.model_validate(failure.details[0])
    except (IndexError, ValidationError):  # in the words of another version
        return Reconciliation()


def _words(told: Reconciliation) -> str:
    new = sum(not one.known for one in told.discrepancies)
    some = "; ".join(f"{one.order_id} {one.words}" for one in told.discrepancies[:_SHOWN])
    more = f"; and {told.found - _SHOWN} more" if told.found > _SHOWN else ""
    return (
        f"{told.found} discrepancies in the books of {told.orders} orders, {new} of them new: "
        f"{some}{more}"
    )
