"""The process: ask all services, compare with what the last run found, tell what has changed.

What the last run found is its result, which Temporal hands to the next. A run that fails hands on
nothing, so the next one compares with the same state again, and nobody misses a change. That is of
the schedule's own runs, one after another: side by side (`allow_all`) they do not know each other.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from examples.due import scheduled

with workflow.unsafe.imports_passed_through():
    from examples.health_check.checking import Change, Checker, Status

#: One answer that gets lost is not an outage: three in a row are.
THREE_TIMES = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=1, maximum_attempts=3
)
OK = "It answers."


@dataclass(frozen=True)
class Health:
    services: dict[str, Status]
    told: list[str]


@workflow.defn
class HealthCheckWorkflow:
    @workflow.run
    async def run(self, services: dict[str, str]) -> Health:
        """`services` are URLs by name. One that is new is taken to have been up."""
        due = scheduled().due
        last = workflow.get_last_completion_result(Health)
        was = {name: Status(True, due) for name in services} | (last.services if last else {})
        found = await asyncio.gather(*map(reason, services.values()))
        reasons = dict(zip(services, found, strict=True))
        changes = [
            Change(name, was[name], said == OK, said)
            for name, said in reasons.items()
            if was[name].up != (said == OK)
        ]
        for change in changes:
            await workflow.execute_activity_method(
                Checker.tell_change,
                change,
                start_to_close_timeout=timedelta(seconds=30),
                retry_policy=THREE_TIMES,  # then this run fails, and the next one tries it
            )
        now = {one.service: Status(one.up, due) for one in changes}
        return Health({name: now.get(name, was[name]) for name in services}, sorted(now))


async def reason(url: str) -> str:
    try:
        await workflow.execute_activity_method(
            Checker.check,
            url,
            start_to_close_timeout=timedelta(seconds=5),
            schedule_to_close_timeout=timedelta(seconds=30),
            retry_policy=THREE_TIMES,
        )
    except ActivityError as failure:
        # A check that could not be made, for want of a worker, says nothing of the service.
        if not isinstance(failure.cause, ApplicationError):
            raise
        return f"{failure.cause.type}: {failure.cause.message}"
    return OK
