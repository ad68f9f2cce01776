"""Workflows of a user who asks people: in the default sandbox, and nothing passed through it."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from musterwerk import Saga, approvals
from musterwerk.approvals import ApprovalRequest, Policy
from musterwerk.errors import ApprovalRefused

MINUTE = timedelta(minutes=1)


class Report(BaseModel):
    clear: bool
    on: date
    at: datetime


def about(subject: str, group: str = "group:finance") -> ApprovalRequest[Any]:
    return ApprovalRequest[Any](
        subject=subject,
        requester="shop",
        policy=Policy(approvers=(group,), expires_after=timedelta(days=30)),
    )


@workflow.defn
class Asking:
    """`then` is what else happens: "fail" or "continue" when told to."""

    def __init__(self) -> None:
        self._go = False

    @workflow.signal
    def go(self) -> None:
        self._go = True

    @workflow.run
    async def run(self, id: str, queue: str, then: str = "") -> str:
        if then == "again":
            return "continued"
        asking = approvals.request(about("x"), id=id, task_queue=queue)
        if not then:
            return str(await asking)
        task = asyncio.create_task(asking)
        await workflow.wait_condition(lambda: self._go or task.done())
        if then == "continue":
            workflow.continue_as_new(args=["", "", "again"])
        raise ApplicationError("the other branch failed", non_retryable=True)


@workflow.defn
class Typed:
    @workflow.run
    async def run(self, id: str, queue: str) -> str:
        request = ApprovalRequest(
            subject="Background check",
            requester="shop",
            policy=Policy(approvers=("group:finance",)),
            answer=Report,
        )
        decision = await approvals.request(request, id=id, task_queue=queue)
        report = decision.answer
        assert isinstance(report, Report)
        return f"{report.clear} {report.on.year} {report.at.isoformat()}"


@activity.defn
async def hold(what: str) -> str:
    return what


@activity.defn
async def free(what: str, held: str | None) -> None: ...


@workflow.defn
class Undoing:
    """A request that is refused is a failure as any other."""

    @workflow.run
    async def run(self, id: str, queue: str) -> str:
        async with Saga() as saga:
            await saga.run(hold, "money", undo=free, start_to_close_timeout=MINUTE)
            await approvals.request(about("x", "group:nobody"), id=id, task_queue=queue)
        return "never"


@workflow.defn
class Catching:
    @workflow.run
    async def run(self, id: str, queue: str) -> str:
        try:
            await approvals.request(about("x", "group:nobody"), id=id, task_queue=queue)
        except ApprovalRefused as refused:
            return refused.message
        return "never"


ALL = [Asking, Typed, Undoing, Catching]
