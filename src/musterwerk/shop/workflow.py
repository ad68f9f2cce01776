"""The order desk's process: reserve, charge, ship; then hand over, issue the goods, confirm.

Before the pivot a failure or a cancellation undoes everything and the customer is told. After it
the process only goes forward: a parcel that has left is not called back because a mail server is
down.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():  # Pydantic and HTTP code load once per worker
    from musterwerk import Saga
    from musterwerk.errors import SagaCompensated, SagaCompensationFailed, StepSkipped
    from musterwerk.saga import StepOptions, uncancellable
    from musterwerk.shop.activities import ShopActivities
    from musterwerk.shop.model import Line, Order, Outcome, Reservation, Shipment
    from musterwerk.shop.names import letters_queue
    from musterwerk.shop.patience import PATIENCE, Patience

OrderState = Literal["processing", "shipping", "undoing", "fulfilled", "failed", "cancelled"]

#: Failures whose message was written for the customer; all others are outages to them.
REFUSALS = frozenset({"OutOfStock", "CardDeclined", "CannotShip", "UnknownSku"})

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
            dead_letters_to=letters_queue(workflow.info().task_queue),
        )
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
                return "processing"
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
    if not isinstance(error, ActivityError):
        return "the order could not be processed"
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type in REFUSALS:
        return cause.message
    return f"{SERVICES.get(error.activity_type, 'a service')} did not answer"
