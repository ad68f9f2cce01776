"""A payment for two pairs of eyes, one that is too late for them, and one that nobody releases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.client import WorkflowFailureError, WorkflowHandle

from examples.office import QUEUE, Office, play
from examples.payment_approval.bank import Bank
from examples.payment_approval.workflow import Order, Payment

DAY = timedelta(days=1)
PEOPLE = {
    "anna": {"name": "Anna", "groups": ["finance"]},
    "ben": {"name": "Ben", "groups": ["finance"]},
    "carla": {"name": "Carla", "groups": ["finance"]},
    "mia": {"name": "Mia", "groups": ["managers"]},
}

Handle = WorkflowHandle[Payment, str]


async def pay(office: Office, id: str, clerk: str, payee: str, cents: int) -> Handle:
    order = Order(clerk, payee, cents)
    return await office.client.start_workflow(Payment.run, order, id=id, task_queue=QUEUE)


async def released(office: Office) -> Handle:
    """Anna may not release what she asked for; two others do."""
    payment = await pay(office, "P-1", "anna", "Roof Ltd", 48_000_00)
    request = await office.asked("payment:P-1")
    await request.approve(by="anna")
    await request.approve(by="ben")
    await office.later(DAY)
    await request.approve(by="carla")
    return payment


async def refused_by_the_manager(office: Office) -> Handle:
    payment = await pay(office, "P-2", "ben", "Yacht Inc", 90_000_00)
    request = await office.asked("payment:P-2")
    await office.later(8 * DAY)  # finance did nothing for a week: now the managers may decide
    await request.reject("we need no yacht", by="mia")
    return payment


async def forgotten(office: Office) -> Handle:
    payment = await pay(office, "P-3", "ben", "Slow AG", 12_000_00)
    await office.asked("payment:P-3")
    await office.later(11 * DAY)
    return payment


async def small(office: Office) -> Handle:
    return await pay(office, "P-4", "ben", "Pens & Co", 99_00)


CASES: tuple[Callable[[Office], Awaitable[Handle]], ...] = (
    released,
    refused_by_the_manager,
    forgotten,
    small,
)


async def main(office: Office) -> None:
    bank = Bank(200_000_00)
    await office.monday()
    await office.people(people=PEOPLE)
    async with office.worker(Payment, activities=bank.activities()):
        for case in CASES:
            payment = await case(office)
            try:
                print(f"{payment.id}: {await office.result(payment)}")
            except WorkflowFailureError as failure:
                print(f"{payment.id}: {failure.cause}")
            await office.story(f"payment:{payment.id}")
            print(f"  {bank.cents / 100:,.2f} EUR in the account, {bank.held / 100:,.2f} held")


if __name__ == "__main__":
    play(main)
