"""The process: the money is set aside, people decide, and only then there is no way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from musterwerk import Saga, approvals
from musterwerk.approvals import ApprovalRequest, Escalation, Policy

with workflow.unsafe.imports_passed_through():
    from examples.payment_approval.bank import Bank

MINUTE = timedelta(minutes=1)
LIMIT = 10_000_00  # cents

RELEASE = Policy(
    approvers=("group:finance",),
    quorum=2,
    four_eyes=True,  # not by who asks for it
    escalations=(Escalation(after=timedelta(days=7), to=("group:managers",)),),
    expires_after=timedelta(days=10),
)


@dataclass(frozen=True)
class Order:
    clerk: str
    payee: str
    cents: int


@workflow.defn
class Payment:
    @workflow.run
    async def run(self, order: Order) -> str:
        cents = order.cents
        async with Saga() as saga:
            await saga.run(Bank.hold, cents, undo=Bank.free, start_to_close_timeout=MINUTE)
            if cents >= LIMIT:
                decision = await approvals.request(
                    ApprovalRequest(
                        subject=f"{cents / 100:,.2f} EUR to {order.payee}",
                        details=order,
                        requester=order.clerk,
                        policy=RELEASE,
                    ),
                    id=f"payment:{workflow.info().workflow_id}",
                )
                if not decision.approved:  # everything before is undone
                    raise ApplicationError(str(decision), type="NotReleased", non_retryable=True)
            saga.pivot()
            return await saga.run(Bank.pay, order.payee, cents, start_to_close_timeout=MINUTE)
