"""The chapter's use, with ours: a week, then the manager, three days more."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from musterwerk import approvals
from musterwerk.approvals import ApprovalRequest, Escalation, Policy

POLICY = Policy(
    approvers=("group:finance",),
    escalations=(Escalation(after=timedelta(days=7), to=("group:managers",)),),
    expires_after=timedelta(days=10),
    allow_anonymous=True,  # the signals `approve` and `reject` carry no name
)


@workflow.defn
class Spending:
    @workflow.run
    async def run(self, what: str) -> str:
        request = ApprovalRequest(subject=what, requester="rita", policy=POLICY)
        return str(await approvals.request(request, id="approval-12345"))
