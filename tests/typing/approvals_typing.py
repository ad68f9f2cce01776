"""Promises to type checkers: this file is checked, not run.

Each line that must be refused carries an ignore for the rule that refuses it; the checker
reports an ignore that is no longer needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel
from temporalio.client import Client

from musterwerk import approvals
from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Decision, Policy, Reply, Status

ANNA = Policy(approvers=("anna",))


class Report(BaseModel):
    clear: bool


@dataclass
class Score:
    points: int


async def in_a_workflow() -> None:
    check = ApprovalRequest(subject="x", requester="rita", policy=ANNA, answer=Report)
    assert_type(check, ApprovalRequest[Report])
    decision = await approvals.request(check, id="r-1")
    assert_type(decision, Decision[Report])
    assert_type(decision.answer, Report | None)
    assert_type(decision.approved, bool)
    scored = ApprovalRequest(subject="x", requester="rita", policy=ANNA, answer=Score)
    assert_type((await approvals.request(scored)).answer, Score | None)
    plain: ApprovalRequest = ApprovalRequest(subject="x", requester="rita", policy=ANNA)
    assert_type(await approvals.request(plain), Decision[Any])


async def outside(client: Client) -> None:
    check = ApprovalRequest(subject="x", requester="rita", policy=ANNA, answer=Report)
    handle = await approvals.start(client, check, id="r-1")
    assert_type(handle, ApprovalHandle[Report])
    assert_type((await handle.result()).answer, Report | None)
    assert_type(await handle.status(), Status)
    assert_type(await handle.approve(by="anna"), Reply)
    assert_type(ApprovalHandle(client, "r-1", Score), ApprovalHandle[Score])


async def refused(client: Client, handle: ApprovalHandle[Report]) -> None:
    await handle.approve()  # pyright: ignore[reportCallIssue]
    await handle.reject(by="anna")  # pyright: ignore[reportCallIssue]
    Policy(approvers="anna")  # pyright: ignore[reportArgumentType]
    Policy(approvers=("anna",), quorums=2)  # pyright: ignore[reportCallIssue]
    Policy(approvers=("anna",), expires_after=7)  # pyright: ignore[reportArgumentType]
    Policy(approvers=("anna",), expires_after=timedelta(days=7), calendar="DE-BY")  # pyright: ignore[reportArgumentType]
    if (answer := (await handle.result()).answer) is not None:
        str(answer.score)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    str((await handle.result()).answer.clear)  # pyright: ignore[reportOptionalMemberAccess]
