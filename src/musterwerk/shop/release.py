"""Which orders people have to release before they are shipped, and who these people are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from temporalio.exceptions import ApplicationError

from musterwerk.approvals import ApprovalRequest, Escalation, Policy
from musterwerk.errors import UsageError
from musterwerk.shop.model import Order, Wire

#: The memo in which an order carries the rule it was taken under.
RELEASE = "release"

#: Who asks. A service, and nobody's colleague.
REQUESTER = "shop"

LIMIT_VARIABLE = "MUSTERWERK_SHOP_APPROVAL_LIMIT"
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")

NOT_RELEASED = "NotReleased"

#: What the customer reads: how it ended, and nothing of what the approvers wrote.
REASONS = {
    "rejected": "our staff did not release it for shipping",
    "expired": "nobody released it for shipping in time",
    "withdrawn": "the check before shipping was called off",
}
_ELSE = "it could not be released for shipping"

POLICY = Policy(
    approvers=("group:shop-managers",),
    escalations=(Escalation(after=timedelta(days=1), to=("group:shop-heads",)),),
    expires_after=timedelta(days=3),
)


class ReleaseRule(Wire):
    """Orders of `limit_minor` or more, in the smallest unit of their currency, need a release.

    So 25000 means 250.00 USD, and 25000 JPY. With None nobody is asked.
    """

    limit_minor: Annotated[int, Field(ge=0)] | None = 250_00
    policy: Policy = POLICY

    def applies_to(self, order: Order) -> bool:
        return self.limit_minor is not None and order.total.minor >= self.limit_minor

    def request(self, order: Order) -> ApprovalRequest[Any]:
        total = f"{order.total.amount} {order.total.currency}"
        return ApprovalRequest(
            subject=f"Ship order {order.order_id} of {total} to {order.customer_id}",
            details={
                "order": order.order_id,
                "customer": order.customer_id,
                "articles": [{"article": x.sku, "units": x.quantity} for x in order.lines],
                "total": total,
            },
            requester=REQUESTER,
            policy=self.policy,
        )


class ReleaseRules(ReleaseRule):
    """The desk's rule for all orders, and the `policies` of those that have another, by id."""

    policies: dict[str, Policy] = Field(default_factory=dict[str, Policy])

    def of(self, order: Order) -> ReleaseRule:
        policy = self.policies.get(order.order_id, self.policy)
        return ReleaseRule(limit_minor=self.limit_minor, policy=policy)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ReleaseRules:
        """With the limit that the variable says; raises `UsageError` where it says none."""
        given = environ.get(LIMIT_VARIABLE, "").strip()
        if not given:
            return cls()
        if given == "none":
            return cls(limit_minor=None)
        if not _AMOUNT.fullmatch(given):
            raise UsageError(
                f'{LIMIT_VARIABLE} is {given!r}; an amount such as "250.00" is expected, or '
                '"none" where no order needs an approval'
            )
        return cls(limit_minor=int(Decimal(given).scaleb(2)))


def approval_id(order_id: str) -> str:
    """The request's name: one for each order."""
    return f"order-approval:{order_id}"


def not_released(state: str) -> ApplicationError:
    return ApplicationError(REASONS.get(state, _ELSE), type=NOT_RELEASED, non_retryable=True)
