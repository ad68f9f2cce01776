"""The process: a question whose answer has a type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import BaseModel, Field
from temporalio import workflow

from musterwerk import approvals
from musterwerk.approvals import ApprovalRequest, Policy


class Report(BaseModel):
    checked_on: date
    findings: list[str] = Field(default=[], description="One line each; none if all is clear.")


@dataclass(frozen=True)
class Candidate:
    name: str
    born: str


@workflow.defn
class BackgroundCheck:
    @workflow.run
    async def run(self, candidate: Candidate) -> str:
        decision = await approvals.request(
            ApprovalRequest(
                subject=f"Background check of {candidate.name}",
                details=candidate,
                requester="recruiting",  # a service asks, and answers what is asked back
                policy=Policy(approvers=("group:checkers",), expires_after=timedelta(days=14)),
                answer=Report,
            ),
            id=f"check:{workflow.info().workflow_id}",
        )
        if decision.answer is None:  # refused to check, or nobody did
            return f"not checked, {decision}"
        on, findings = decision.answer.checked_on, decision.answer.findings
        return f"checked on {on}: {', '.join(findings) or 'clear'}"
