"""Payments: nothing leaves the account without the release it needs, and nothing stays held."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from examples.office import Office, office
from examples.payment_approval.__main__ import (
    DAY,
    PEOPLE,
    forgotten,
    pay,
    refused_by_the_manager,
    released,
    small,
)
from examples.payment_approval.bank import Bank
from examples.payment_approval.workflow import Payment
from temporalio.client import WorkflowFailureError

from musterwerk.store import InboxTable


@pytest.fixture
def bank() -> Bank:
    return Bank(200_000_00)


@pytest.fixture
async def here(bank: Bank) -> AsyncIterator[Office]:
    async with office() as one, one.worker(Payment, activities=bank.activities()):
        await one.people(people=PEOPLE)
        yield one


async def test_two_others_release_it(here: Office, bank: Bank) -> None:
    payment = await released(here)
    assert await here.result(payment) == "paid to Roof Ltd"
    decision = await (await here.asked("payment:P-1")).result()
    assert decision.by == ("ben", "carla")
    assert (bank.paid, bank.held) == ([("Roof Ltd", 48_000_00)], 0)


async def test_the_manager_refuses_after_a_week(here: Office, bank: Bank) -> None:
    payment = await refused_by_the_manager(here)
    with pytest.raises(WorkflowFailureError) as caught:
        await here.result(payment)
    assert "we need no yacht" in str(caught.value.cause)
    assert (bank.paid, bank.held, bank.cents) == ([], 0, 200_000_00)


async def test_nobody_releases_it(here: Office, bank: Bank) -> None:
    payment = await forgotten(here)
    with pytest.raises(WorkflowFailureError) as caught:
        await here.result(payment)
    assert "nobody decided in time" in str(caught.value.cause)
    assert (bank.paid, bank.held) == ([], 0)


async def test_managers_are_not_asked_before_a_week_is_over(here: Office, bank: Bank) -> None:
    payment = await pay(here, "P-5", "ben", "Roof Ltd", 48_000_00)
    request = await here.asked("payment:P-5")
    await here.later(6 * DAY)
    assert (await request.approve(by="mia")).verdict == "not_entitled"
    await here.later(2 * DAY)
    assert (await request.approve(by="mia")).ok  # one manager is enough
    assert await here.result(payment) == "paid to Roof Ltd"


async def test_below_the_limit_nobody_is_asked(here: Office, bank: Bank) -> None:
    payment = await small(here)
    assert await here.result(payment) == "paid to Pens & Co"
    assert InboxTable(here.store).known() == []


async def test_a_cancelled_payment_is_nobodys_to_release(here: Office, bank: Bank) -> None:
    payment = await pay(here, "P-6", "ben", "Roof Ltd", 48_000_00)
    request = await here.asked("payment:P-6")
    await payment.cancel()
    with pytest.raises(WorkflowFailureError):
        await here.result(payment)
    assert (await request.result()).state == "withdrawn"
    assert (await request.approve(by="anna")).verdict == "closed"
    assert (bank.paid, bank.held) == ([], 0)
