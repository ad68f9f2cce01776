"""Comparing the books of a desk that runs: page by page, over interruptions, night after night."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import closing
from typing import Any

import httpx
import pytest
from temporalio.client import ScheduleHandle, WorkflowHandle
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from musterwerk import schedules
from musterwerk.shop.bookkeeping import BookkeepingActivities
from musterwerk.shop.demo import reconciler
from musterwerk.shop.demo.reconciler import Reconciler, another_run, last_run
from musterwerk.shop.gateway import Gateway
from musterwerk.shop.reconciliation import ReconciliationWorkflow, result_of, schedule
from musterwerk.shop.reconciling import Discrepancy, Reconciliation, known_from
from tests.shop.desk import Desk, order
from tests.waiting import LIMIT, until_async

in_session = pytest.mark.asyncio(loop_scope="session")


async def shipped(desk: Desk) -> str:
    name = f"o-{uuid.uuid4().hex[:12]}"
    await desk.place(order(name))
    assert (await desk.ended(name))["status"] == "fulfilled"
    return name


async def give_back(desk: Desk, name: str) -> None:
    word = {"order_id": name, "by": "eve", "reason": "a favour"}
    url = f"{desk.stack.urls['payment']}/charges/refund-by-hand"
    answer = await desk.http.post(url, json=word, headers={"Idempotency-Key": name})
    assert answer.is_success, answer.text


async def triggered(desk: Desk, handle: ScheduleHandle) -> Reconciliation:
    """What one more run of the schedule found, when the schedule knows that it has ended."""
    runs = (await handle.describe()).info.num_actions
    await handle.trigger()

    async def has_run() -> bool:
        info = (await handle.describe()).info
        return info.num_actions > runs and not info.running_actions

    await until_async(has_run)
    action: Any = (await handle.describe()).info.recent_actions[-1].action
    run = desk.client.get_workflow_handle(action.workflow_id, run_id=action.first_execution_run_id)
    return await result_of(run)


def one(order_id: str, words: str = "was shipped for nothing") -> Discrepancy:
    return Discrepancy(order_id=order_id, kind="paid_otherwise", words=words)


def told(*discrepancies: Discrepancy) -> Reconciliation:
    return Reconciliation(found=len(discrepancies), discrepancies=list(discrepancies))


def test_what_is_new_comes_first_and_what_changed_is_new() -> None:
    before = told(one("o-1"), one("o-2"))
    now = known_from(before, told(one("o-1"), one("o-2", "was shipped for 1.00 USD"), one("o-3")))
    found = [(flaw.order_id, flaw.known) for flaw in now.discrepancies]
    assert found == [("o-2", False), ("o-3", False), ("o-1", True)]
    again = known_from(now, told(one("o-1"), one("o-3")))
    assert all(flaw.known for flaw in again.discrepancies)


@in_session
async def test_a_standing_discrepancy_is_new_once(desk: Desk) -> None:
    queue, suffix = desk.stack.options.task_queue, f"-{uuid.uuid4().hex[:8]}"
    nightly = schedule(suffix=suffix, task_queue=queue)
    await schedules.apply(desk.client, nightly, set_name=f"shop{suffix}")
    handle = desk.client.get_schedule_handle(nightly.name)
    try:
        first, second = await shipped(desk), await shipped(desk)
        await give_back(desk, first)
        known: list[dict[str, bool]] = []
        for _ in range(2):
            found = await triggered(desk, handle)
            known.append({flaw.order_id: flaw.known for flaw in found.discrepancies})
        await give_back(desk, second)
        found = await triggered(desk, handle)
        known.append({flaw.order_id: flaw.known for flaw in found.discrepancies})
    finally:
        await handle.delete()
    assert [each[first] for each in known] == [False, True, True]
    assert second not in known[0] | known[1]
    assert known[2][second] is False
    assert found.discrepancies[0].order_id == second


@in_session
async def test_another_attempt_goes_on_where_the_last_one_stopped(desk: Desk) -> None:
    """The network fails once, in the middle of the shipping service's book."""
    names = sorted([await shipped(desk) for _ in range(4)])
    asked: list[str] = []
    failed: list[str] = []

    async def unreliable(request: httpx.Request) -> None:
        if request.url.port != httpx.URL(desk.stack.urls["shipping"]).port:
            return
        after = request.url.params.get("after", "")
        if not failed and after >= names[1]:
            failed.append(after)
            raise httpx.ConnectError("the network is away")
        if failed:
            asked.append(after)

    queue = f"books-{uuid.uuid4().hex}"
    async with httpx.AsyncClient(event_hooks={"request": [unreliable]}) as http:
        activities = BookkeepingActivities(Gateway(http, desk.stack.services), page=1)
        async with Worker(
            desk.client,
            task_queue=queue,
            workflows=[ReconciliationWorkflow],
            activities=[activities.reconcile_books],
        ):
            run: WorkflowHandle[Any, Any] = await desk.client.start_workflow(
                "ReconciliationWorkflow", id=queue, task_queue=queue
            )
            found = await result_of(run)
    assert failed
    # One order at a time is compared, so that at most the one before is read again.
    assert "" < asked[0] <= failed[0]
    assert found.orders == len(await all_orders(desk))


async def all_orders(desk: Desk) -> set[str]:
    found: set[str] = set()
    for database, table in (
        ("orders", "orders"),
        ("payment", "charges"),
        ("inventory", "reservations"),
        ("shipping", "shipments"),
    ):
        found |= {name for (name,) in desk.rows(database, f"SELECT order_id FROM {table}")}  # noqa: S608
    return found


@in_session
async def test_it_lives_while_it_looks_at_what_is_worked_on(desk: Desk) -> None:
    """However many such orders lie in one page of the books."""
    names = [f"o-{uuid.uuid4().hex[:12]}" for _ in range(3)]
    for name in names:
        await desk.place(order(name, cents=30000))
        await desk.until(name, "awaiting_approval")
    beats = 0

    def beat(*_: object) -> None:
        nonlocal beats
        beats += 1

    environment = ActivityEnvironment(client=desk.client)
    environment.on_heartbeat = beat
    async with httpx.AsyncClient() as http:
        activities = BookkeepingActivities(Gateway(http, desk.stack.services))
        found = await environment.run(activities.reconcile_books)
    assert found.in_flight >= 3
    assert beats >= 4 + found.in_flight
    for name in names:
        await desk.cancel(name)
        await desk.ended(name)


async def goes_on(handle: ScheduleHandle) -> bool:
    return bool((await handle.describe()).info.running_actions)


@in_session
async def test_a_run_of_the_same_second_does_not_cost_the_demo_its_last_one(desk: Desk) -> None:
    """The server gives both one name, and drops the second without a word."""
    suffix = f"-{uuid.uuid4().hex[:8]}"
    queue = desk.stack.options.task_queue
    yearly = schedule(schedules.cron("@yearly"), suffix=suffix, task_queue=queue)
    await schedules.apply(desk.client, yearly, set_name=f"shop{suffix}")
    handle = desk.client.get_schedule_handle(yearly.name)
    try:
        with desk.silent("shipping"):
            await handle.trigger()
            await until_async(lambda: goes_on(handle))
            before = last_run(await handle.describe())
            assert before is not None
            async with asyncio.timeout(LIMIT):
                assert await another_run(handle, before) != before
    finally:
        await handle.delete()


@in_session
async def test_the_demo_does_not_wait_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "_WITHIN", 2.0)
    suffix = f"-{uuid.uuid4().hex[:8]}"
    demo = Reconciler(desk.client, desk.stack.options.task_queue, suffix)
    await demo.begin()
    with desk.silent("shipping"):
        away = await demo.end()
    assert away.last is None
    assert away.violations() == ["The last reconciliation did not end within 2 s."]


@in_session
async def test_a_discrepancy_is_a_violation_of_the_demo(desk: Desk) -> None:
    name = await shipped(desk)
    await give_back(desk, name)
    demo = Reconciler(desk.client, desk.stack.options.task_queue, f"-{uuid.uuid4().hex[:8]}")
    await demo.begin()
    found = await demo.end()
    assert f"Order {name} was shipped for nothing instead of 29.33 USD." in found.violations()
    assert found.figures()["discrepancies"] >= 1


@in_session
async def test_units_that_were_ordered_are_compared(desk: Desk) -> None:
    """Warehouse and parcel agree with each other, and not with the order."""
    name = await shipped(desk)
    with closing(sqlite3.connect(desk.data / "orders.sqlite", timeout=30)) as database, database:
        database.execute(
            "UPDATE orders SET content = json_set(content, '$.lines[0].quantity', 3)"
            " WHERE order_id = ?",
            (name,),
        )
    environment = ActivityEnvironment(client=desk.client)
    async with httpx.AsyncClient() as http:
        activities = BookkeepingActivities(Gateway(http, desk.stack.services))
        found = await environment.run(activities.reconcile_books)
    (flaw,) = [one for one in found.discrepancies if one.order_id == name]
    assert flaw.words.endswith("2 left the warehouse; 3 were ordered")
