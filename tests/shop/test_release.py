"""Orders that cost much: people release them before they are shipped, or they are undone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from musterwerk.approvals import Policy
from musterwerk.errors import UsageError
from musterwerk.shop.model import Money, Order
from musterwerk.shop.release import LIMIT_VARIABLE, RELEASE, ReleaseRule, ReleaseRules
from musterwerk.shop.services.orders_store import OrderStore
from musterwerk.shop.workflow import OrderFulfillmentWorkflow
from tests.shop.desk import Desk, order
from tests.shop.test_fulfilment import assert_fulfilled, assert_undone, parcels

pytestmark = pytest.mark.asyncio(loop_scope="session")

MUCH = 250_00


async def test_a_manager_releases_an_order_and_only_then_it_ships(desk: Desk) -> None:
    await desk.place(order("dear", cents=MUCH))
    request = await desk.asked("dear")
    assert parcels(desk, "dear") == []
    view = await desk.view("dear")
    assert view["status"] == "awaiting_approval"
    assert "order-approval:dear" in view["reason"]
    status = await request.status()
    assert status.subject == "Ship order dear of 250.00 USD to C-1"
    assert status.details == {
        "order": "dear",
        "customer": "C-1",
        "articles": [{"article": "CD-1", "units": 2}],
        "total": "250.00 USD",
    }
    assert status.may_decide == ("group:shop-managers",)
    assert (await request.approve(by="mona", digest=status.digest)).ok
    assert (await desk.ended("dear"))["status"] == "fulfilled"
    assert_fulfilled(desk, "dear", cents=MUCH)
    assert desk.rows("orders", "SELECT request_id FROM releases WHERE order_id = 'dear'") == [
        ("order-approval:dear",)
    ]


async def test_below_the_limit_nobody_is_asked(desk: Desk) -> None:
    await desk.place(order("usual", cents=MUCH - 1))
    assert (await desk.ended("usual"))["status"] == "fulfilled"
    history = await desk.handle("usual").fetch_history()
    assert not any("child" in str(event.event_type).lower() for event in history.events)
    assert "ChildWorkflow" not in history.to_json()
    query = "SELECT request_id FROM releases WHERE order_id = 'usual'"
    assert desk.rows("orders", query) == [(None,)]


async def test_a_rejection_undoes_the_order_and_its_reason_stays_inside(desk: Desk) -> None:
    await desk.place(order("doubted", cents=MUCH))
    request = await desk.asked("doubted")
    assert (await request.reject("looks like a stolen card", by="moritz")).ok
    view = await desk.ended("doubted")
    assert view["status"] == "failed"
    assert view["reason"] == "our staff did not release it for shipping"
    assert_undone(desk, "doubted")
    (mail,) = desk.mails("doubted")
    assert "our staff did not release it for shipping" in mail
    assert "stolen" not in mail


async def test_who_may_not_release_changes_nothing(desk: Desk) -> None:
    await desk.place(order("guarded", cents=MUCH))
    request = await desk.asked("guarded")
    assert (await request.approve(by="hanna")).verdict == "not_entitled"  # not escalated yet
    assert (await request.approve(by="mallory")).verdict == "unknown_person"
    assert await desk.status("guarded") == "awaiting_approval"
    assert (await request.approve(by="mara")).ok
    assert (await desk.ended("guarded"))["status"] == "fulfilled"


async def test_an_order_that_nobody_releases_in_time_is_undone(desk: Desk) -> None:
    brief = Policy(approvers=("group:shop-managers",), expires_after=timedelta(milliseconds=300))
    await start(desk, order("forgotten", cents=MUCH), ReleaseRule(policy=brief))
    outcome = await desk.result("forgotten")
    assert outcome.status == "failed"
    assert outcome.reason == "nobody released it for shipping in time"
    assert_undone(desk, "forgotten")
    assert (await desk.approval("forgotten").result()).state == "expired"


async def test_a_request_that_is_called_off_undoes_the_order(desk: Desk) -> None:
    await desk.place(order("dropped", cents=MUCH))
    request = await desk.asked("dropped")
    assert (await request.withdraw("a duplicate", by="otto")).ok
    view = await desk.ended("dropped")
    assert (view["status"], view["reason"]) == (
        "failed",
        "the check before shipping was called off",
    )
    assert_undone(desk, "dropped")


async def test_an_order_that_nobody_could_ever_release_is_undone(desk: Desk) -> None:
    rule = ReleaseRule(policy=Policy(approvers=("group:nobody",)))
    await start(desk, order("hopeless", cents=MUCH), rule)
    outcome = await desk.result("hopeless")
    assert outcome.reason == "it could not be released for shipping"
    assert_undone(desk, "hopeless")


async def test_cancelling_while_people_think_withdraws_their_request(desk: Desk) -> None:
    """Nobody decides on an order that is gone; who is too late is told so."""
    await desk.place(order("regretted", cents=MUCH))
    request = await desk.asked("regretted")
    assert (await desk.cancel("regretted")).status_code == 202
    assert (await desk.ended("regretted"))["status"] == "cancelled"
    with pytest.raises(WorkflowFailureError) as ended:
        await desk.result("regretted")
    assert isinstance(ended.value.cause, CancelledError)
    assert_undone(desk, "regretted")
    assert (await request.result()).state == "withdrawn"
    late = await request.approve(by="mona")
    assert (late.verdict, late.state) == ("closed", "withdrawn")


async def test_a_worker_that_dies_meanwhile_forgets_nothing(desk: Desk) -> None:
    await desk.place(order("patient", cents=MUCH))
    request = await desk.asked("patient")
    await desk.stack.kill_worker()
    assert (await request.approve(by="mona")).ok
    assert (await desk.ended("patient"))["status"] == "fulfilled"
    assert_fulfilled(desk, "patient", cents=MUCH)


async def test_past_the_orders_service_the_usual_rule_holds(desk: Desk) -> None:
    """Whoever starts the workflow by hand does not get round the approval."""
    await start(desk, order("byhand", cents=MUCH), None)
    request = await desk.asked_of_workflow("byhand")
    assert (await request.reject("no", by="mona")).ok
    assert (await desk.result("byhand")).status == "failed"


async def test_two_who_decide_at_once_are_both_answered_and_one_counts(desk: Desk) -> None:
    await desk.place(order("rivals", cents=MUCH))
    request = await desk.asked("rivals")
    replies = await asyncio.gather(
        request.approve(by="mona"), request.reject("too much", by="moritz")
    )
    assert sorted(reply.verdict for reply in replies) == ["applied", "closed"]
    decision = await request.result()
    assert len(decision.votes) == 1
    wanted = "fulfilled" if decision.approved else "failed"
    assert (await desk.ended("rivals"))["status"] == wanted


async def start(desk: Desk, wanted: Order, rule: ReleaseRule | None) -> None:
    """Past the orders service, which has one rule."""
    await desk.client.start_workflow(
        OrderFulfillmentWorkflow.run,
        wanted,
        id=f"order-{wanted.order_id}",
        task_queue=desk.stack.options.task_queue,
        memo={} if rule is None else {RELEASE: rule},
    )


async def test_the_first_rule_an_order_was_received_under_stays(desk: Desk) -> None:
    """A limit that changes while an order is on its way changes only later orders."""
    store = OrderStore(desk.data / "orders.sqlite")
    try:
        first = store.receive(order("early-rule", cents=MUCH), ReleaseRule())
        again = store.receive(order("early-rule", cents=MUCH), ReleaseRule(limit_minor=None))
    finally:
        store.close()
    assert first.rule == again.rule == ReleaseRule()
    query = "SELECT request_id FROM releases WHERE order_id = 'early-rule'"
    assert desk.rows("orders", query) == [("order-approval:early-rule",)]


@pytest.mark.parametrize(
    ("given", "minor"),
    [("", 25000), ("250", 25000), ("99.99", 9999), ("0", 0), ("none", None)],
)
async def test_the_environment_may_say_another_limit(given: str, minor: int | None) -> None:
    assert ReleaseRules.from_environment({LIMIT_VARIABLE: given}).limit_minor == minor


@pytest.mark.parametrize("given", ["much", "-1", "1.005", "NaN", "Infinity", "1e400"])
async def test_a_limit_that_is_none_is_refused_by_its_name(given: str) -> None:
    with pytest.raises(UsageError, match=LIMIT_VARIABLE):
        ReleaseRules.from_environment({LIMIT_VARIABLE: given})


async def test_a_rule_is_meant_in_the_currency_of_the_order() -> None:
    rule = ReleaseRule(limit_minor=25000)
    yen = order("yen").model_copy(update={"total": Money.from_minor(25000, "JPY")})
    assert rule.applies_to(yen)
    assert not rule.applies_to(order("dollars", cents=24999))
    assert not ReleaseRule(limit_minor=None).applies_to(order("dollars", cents=10**8))
    other = Policy(approvers=("hanna",))
    rules = ReleaseRules(policies={"dollars": other})
    assert rules.of(order("dollars")).policy == other
    assert rules.of(order("else")).policy == rules.policy
