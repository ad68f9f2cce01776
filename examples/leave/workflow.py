"""The process: two levels, one after the other, within ten working days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

from musterwerk import approvals
from musterwerk.approvals import ApprovalRequest, Calendar, Level, Policy

TWO_DAYS = timedelta(days=2)


@dataclass(frozen=True)
class Wish:
    person: str
    lead: str
    first: str
    last: str


@workflow.defn
class Leave:
    @workflow.run
    async def run(self, wish: Wish) -> str:
        policy = Policy(
            levels=(
                Level(name="team lead", approvers=(wish.lead,), remind_every=TWO_DAYS),
                Level(name="HR", approvers=("group:hr",), remind_every=TWO_DAYS),
            ),
            four_eyes=True,  # nobody agrees to their own leave, nor does who stands in for them
            calendar=Calendar(region="DE-BY"),  # all days are working days in Bavaria
            expires_after=timedelta(days=10),
        )
        request = ApprovalRequest(
            subject=f"Leave of {wish.person}, {wish.first} to {wish.last}",
            details=wish,
            requester=wish.person,
            policy=policy,
        )
        return str(await approvals.request(request, id=f"leave:{wish.person}:{wish.first}"))
