"""Payments, stock and shipments beside each other: by rules, and at a desk that runs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from musterwerk import schedules
from musterwerk.shop.model import BookEntry, Money
from musterwerk.shop.reconciliation import ReconciliationWorkflow, result_of, schedule
from musterwerk.shop.reconciling import Reconciliation, Service, discrepancies
from tests.shop.desk import Desk, order
from tests.waiting import until_async

PRICE = Money.from_minor(2933, "USD")
in_session = pytest.mark.asyncio(loop_scope="session")


def entry(**of: Any) -> BookEntry:
    return BookEntry(order_id="o-1", **of)


def kinds(
    price: Money | None = PRICE,
    kept: Money | None = None,
    stock: dict[str, int] | None = None,
    parcel: dict[str, int] | None = None,
) -> list[str]:
    books: dict[Service, BookEntry] = {
        "orders": entry(price=price),
        "payment": entry(kept=[kept] if kept else []),
        "inventory": entry(**(stock or {})),
        "shipping": entry(**(parcel or {})),
    }
    return [one.kind for one in discrepancies("o-1", books)]


def test_books_that_agree() -> None:
    assert kinds() == []  # refused, or undone
    assert kinds(kept=PRICE, stock={"issued": 2}, parcel={"left": 2}) == []
    free = Money.from_minor(0, "USD")
    assert kinds(free, None, {"issued": 2}, {"left": 2}) == []  # nothing to charge


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ({"stock": {"issued": 2}, "parcel": {"left": 2}}, ["paid_otherwise"]),
        (
            {"kept": Money.from_minor(2932, "USD"), "stock": {"issued": 2}, "parcel": {"left": 2}},
            ["paid_otherwise"],
        ),
        ({"kept": PRICE, "stock": {"issued": 1}, "parcel": {"left": 2}}, ["shipped_otherwise"]),
        ({"kept": PRICE}, ["paid_unshipped"]),
        ({"stock": {"issued": 2}}, ["gone_unshipped"]),
        ({"stock": {"reserved": 2}}, ["held"]),
        ({"parcel": {"waiting": 2}}, ["waiting"]),
        ({"price": None, "kept": PRICE}, ["unknown", "paid_unshipped"]),
    ],
)
def test_books_that_do_not(of: dict[str, Any], expected: list[str]) -> None:
    assert kinds(**of) == expected


async def begun(desk: Desk) -> WorkflowHandle[Any, Any]:
    return await desk.client.start_workflow(
        "ReconciliationWorkflow",
        id=f"reconcile-{uuid.uuid4().hex}",
        task_queue=desk.stack.options.task_queue,
    )


async def reconciled(desk: Desk) -> Reconciliation:
    """Of the desk's books, whether or not they agree: other tests damage theirs."""
    run = await begun(desk)
    found = await result_of(run)
    replayer = Replayer(workflows=[ReconciliationWorkflow], data_converter=pydantic_data_converter)
    await replayer.replay_workflow(await run.fetch_history())
    return found


@in_session
async def test_a_refund_behind_the_desks_back_is_found(desk: Desk) -> None:
    """The parcel is gone, and so is the money: no workflow would ever notice."""
    name = f"o-{uuid.uuid4().hex[:12]}"
    await desk.place(order(name))
    await desk.ended(name)
    assert name not in {one.order_id for one in (await reconciled(desk)).discrepancies}
    word = {"order_id": name, "by": "eve", "reason": "a favour"}
    url = f"{desk.stack.urls['payment']}/charges/refund-by-hand"
    answer = await desk.http.post(url, json=word, headers={"Idempotency-Key": name})
    assert answer.is_success, answer.text
    found = await reconciled(desk)
    (flaw,) = [one for one in found.discrepancies if one.order_id == name]
    assert flaw.kind == "paid_otherwise"
    assert flaw.words == "was shipped for nothing instead of 29.33 USD"
    assert found.found >= 1


@in_session
async def test_what_is_worked_on_is_left_alone(desk: Desk) -> None:
    """It is paid and not shipped for as long as nobody has released it."""
    name = f"o-{uuid.uuid4().hex[:12]}"
    await desk.place(order(name, cents=30000))
    await desk.until(name, "awaiting_approval")
    found = await reconciled(desk)
    assert name not in {one.order_id for one in found.discrepancies}
    assert found.in_flight >= 1
    await desk.cancel(name)
    await desk.ended(name)
    assert name not in {one.order_id for one in (await reconciled(desk)).discrepancies}


@in_session
async def test_a_service_that_is_away_is_waited_for(desk: Desk) -> None:
    with desk.silent("shipping"):
        handle = await begun(desk)

        async def failed_once() -> bool:
            pending = (await handle.describe()).raw_description.pending_activities
            return any(one.attempt > 1 for one in pending)

        await until_async(failed_once)
    assert (await result_of(handle)).orders > 0


@in_session
async def test_the_schedule_starts_it_and_it_says_for_when(desk: Desk) -> None:
    queue, suffix = desk.stack.options.task_queue, f"-{uuid.uuid4().hex[:8]}"
    nightly = schedule(suffix=suffix, task_queue=queue)
    await schedules.apply(desk.client, nightly, set_name=f"shop{suffix}")
    handle = desk.client.get_schedule_handle(nightly.name)
    try:
        await handle.trigger()

        async def has_run() -> bool:
            return bool((await handle.describe()).info.recent_actions)

        await until_async(has_run)
        action: Any = (await handle.describe()).info.recent_actions[-1].action
        found = await result_of(desk.client.get_workflow_handle(action.workflow_id))
        assert found.due is not None
        assert found.orders > 0
    finally:
        await handle.delete()
