"""The order desk's process: reserve, charge, ship; then hand over, issue the goods, confirm.

An order that costs much waits between charge and shipment until people release it. Before the
pivot a failure or a cancellation undoes everything and the customer is told. After it the process
only goes forward: a parcel that has left is not called back because a mail server is down.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():  # Pydantic and HTTP code load once per worker
    from musterwerk import Saga, approvals
    from musterwerk.errors import (
        ApprovalRefused,
        SagaCompensated,
        SagaCompensationFailed,
        StepSkipped,
    )
    from musterwerk.saga import StepOptions, uncancellable
    from musterwerk.shop.activities import ShopActivities
    from musterwerk.shop.model import Line, Order, Outcome, Reservation, Shipment
    from musterwerk.shop.names import musterwerk_queue
    from musterwerk.shop.patience import PATIENCE, Patience
    from musterwerk.shop.release import (
        NOT_RELEASED,
        RELEASE,
        ReleaseRule,
        approval_id,
        not_released,
    )

OrderState = Literal[
    "processing", "awaiting_approval", "shipping", "undoing", "fulfilled", "failed", "cancelled"
]

#: Failures whose message was written for the customer; all others are outages to them.
REFUSALS = frozenset({"OutOfStock", "CardDeclined", "CannotShip", "UnknownSku", NOT_RELEASED})

SERVICES = {
    "reserve_article": "the warehouse",
    "charge_payment": "payment",
    "create_shipment": "shipping",
}


@workflow.defn
class OrderFulfillmentWorkflow:
    """Fulfils one order, or leaves no trace of it but a mail that says why."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self._order = order
        self._patience: Patience = workflow.memo_value(PATIENCE, Patience(), type_hint=Patience)
        self._saga = Saga(
            "order",
            undo_retry=self._patience.undos(),
            dead_letters_to=musterwerk_queue(workflow.info().task_queue),
        )
        # Of when the order was taken: who changes the rule changes it for later orders.
        self._rule: ReleaseRule | None = workflow.memo_value(RELEASE, None, type_hint=ReleaseRule)
        self._asking = False
        self._ended: OrderState | None = None

    @workflow.run
    async def run(self, order: Order) -> Outcome:
        outcome: Outcome | None = None
        try:
            async with self._saga:
                outcome = await self._fulfil(self._patience.steps())
        except SagaCompensated as failure:
            outcome = await self._apologise(reason_of(failure))
        except SagaCompensationFailed:
            self._ended = "failed"  # somebody skipped an undo: an operator talks to the customer
            raise
        except asyncio.CancelledError:
            if outcome is None:
                await self._apologise("the order was cancelled")
                self._ended = "cancelled"
                raise
            # It came after the pivot and was too late: the parcel is on its way.
        self._ended = outcome.status
        return outcome

    @workflow.query
    def order_state(self) -> OrderState:
        if self._ended:
            return self._ended
        match self._saga.report()["status"]:
            case "running":
                return "awaiting_approval" if self._asking else "processing"
            case "forward" | "completed":
                return "shipping"
            case "forward_failed":
                return "failed"
            case _:
                return "undoing"

    async def _fulfil(self, options: StepOptions) -> Outcome:
        saga, order = self._saga, self._order
        await saga.gather(*(self._reserve(line, options) for line in order.lines))
        if order.total.amount:  # what costs nothing is not charged
            await saga.run(
                ShopActivities.charge_payment,
                order,
                undo=ShopActivities.refund_payment,
                on_unknown="probe",
                probe=ShopActivities.find_payment,
                **options,
            )
        saga.checkpoint("paid")
        await self._until_released()
        shipment = await saga.run(
            ShopActivities.create_shipment, order, undo=ShopActivities.cancel_shipment, **options
        )
        saga.pivot()
        await saga.run(ShopActivities.hand_over_shipment, order, shipment, **options)
        await saga.run(ShopActivities.issue_stock, order, **options)
        await self._confirm(shipment, options)
        return Outcome(
            status="fulfilled", order_id=order.order_id, tracking_number=shipment.tracking_number
        )

    async def _until_released(self) -> None:
        """Ask people where the order's rule says so. Returns only if they approve."""
        rule = self._rule
        if rule is None:  # it did not come through the orders service, or before there was a rule
            rule = ReleaseRule()
            if not rule.applies_to(self._order) or not workflow.patched(RELEASE):
                return
        if not rule.applies_to(self._order):
            return
        self._asking = True
        try:
            decision = await approvals.request(
                rule.request(self._order),
                id=approval_id(self._order.order_id),
                task_queue=musterwerk_queue(workflow.info().task_queue),
            )
        except ApprovalRefused as refused:
            workflow.logger.error("Nobody can release this order: %s", refused.message)
            raise not_released("refused") from refused
        finally:
            self._asking = False
        if not decision.approved:
            raise not_released(decision.state)

    async def _reserve(self, line: Line, options: StepOptions) -> Reservation:
        return await self._saga.run(
            ShopActivities.reserve_article,
            self._order,
            line,
            undo=ShopActivities.release_article,
            **options,
        )

    async def _confirm(self, shipment: Shipment, options: StepOptions) -> None:
        try:
            await self._saga.run(ShopActivities.send_confirmation, self._order, shipment, **options)
        except StepSkipped as skipped:
            workflow.logger.warning("The customer was not told that it ships: %s", skipped)

    async def _apologise(self, reason: str) -> Outcome:
        """Tell the customer, whatever is cancelled meanwhile: the undo has already happened."""
        await uncancellable(self._tell(reason))
        return Outcome(status="failed", order_id=self._order.order_id, reason=reason)

    async def _tell(self, reason: str) -> None:
        try:
            await workflow.execute_activity_method(
                ShopActivities.send_failure,
                args=[self._order, reason],
                start_to_close_timeout=self._patience.attempt,
                schedule_to_close_timeout=self._patience.step,
                retry_policy=self._patience.retry(self._patience.attempts),
            )
        except ActivityError as error:
            # The books are right without this mail; it must not change how the order ended.
            workflow.logger.warning("The customer was not told of the failure: %s", error.cause)


def reason_of(failure: SagaCompensated) -> str:
    """Why the order failed, in words for the customer."""
    error = failure.__cause__
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, ApplicationError) and cause.type in REFUSALS:
        return cause.message
    if not isinstance(error, ActivityError):
        return "the order could not be processed"
    return f"{SERVICES.get(error.activity_type, 'a service')} did not answer"
