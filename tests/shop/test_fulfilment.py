"""Orders through the real desk: fulfilled, refused, cancelled, and with a service that is away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from musterwerk.shop.model import Line
from musterwerk.shop.patience import PATIENCE, Patience
from musterwerk.shop.workflow import OrderFulfillmentWorkflow
from tests.shop.desk import Desk, order
from tests.waiting import until_async

pytestmark = pytest.mark.asyncio(loop_scope="session")


def issued(desk: Desk, order_id: str) -> int:
    query = "SELECT coalesce(sum(shipped_delta), 0) FROM movements WHERE order_id = ?"
    return desk.rows("inventory", query, order_id)[0][0]


def reserved(desk: Desk, order_id: str) -> int:
    query = "SELECT coalesce(sum(reserved_delta), 0) FROM movements WHERE order_id = ?"
    return desk.rows("inventory", query, order_id)[0][0]


def kept(desk: Desk, order_id: str) -> int:
    return desk.rows(
        "payment",
        "SELECT coalesce(sum(e.amount_minor), 0) FROM charges c JOIN entries e"
        " ON e.transaction_id LIKE c.payment_id || ':%' AND e.account = 'shop:sales'"
        " WHERE c.order_id = ?",
        order_id,
    )[0][0]


def parcels(desk: Desk, order_id: str) -> list[str]:
    query = "SELECT state FROM shipments WHERE order_id = ?"
    return [state for (state,) in desk.rows("shipping", query, order_id)]


def assert_undone(desk: Desk, order_id: str) -> None:
    assert (reserved(desk, order_id), issued(desk, order_id), kept(desk, order_id)) == (0, 0, 0)
    assert {"created", "handed_over"}.isdisjoint(parcels(desk, order_id))


def assert_fulfilled(desk: Desk, order_id: str, *, units: int = 2, cents: int = 2933) -> None:
    assert (reserved(desk, order_id), issued(desk, order_id)) == (0, units)
    assert kept(desk, order_id) == cents
    assert parcels(desk, order_id) == ["handed_over"]
    (mail,) = desk.mails(order_id)
    assert "X-Kind: confirmation" in mail


async def test_an_order_is_shipped_paid_and_confirmed(desk: Desk) -> None:
    await desk.place(order("good"))
    view = await desk.ended("good")
    assert view["status"] == "fulfilled"
    assert view["tracking_number"].startswith("MW")
    assert view["tracking_number"] in desk.mails("good")[0]
    assert_fulfilled(desk, "good")


async def test_an_order_that_costs_nothing_is_not_charged(desk: Desk) -> None:
    await desk.place(order("gift", cents=0))
    assert (await desk.ended("gift"))["status"] == "fulfilled"
    assert desk.rows("payment", "SELECT * FROM charges WHERE order_id = 'gift'") == []
    assert_fulfilled(desk, "gift", cents=0)


async def test_what_is_out_of_stock_fails_and_the_customer_reads_why(desk: Desk) -> None:
    await desk.place(order("rare", sku="CD-RARE", quantity=2))
    view = await desk.ended("rare")
    assert view["status"] == "failed"
    assert "CD-RARE" in view["reason"]
    assert_undone(desk, "rare")
    (mail,) = desk.mails("rare")
    assert "X-Kind: failure" in mail
    assert "CD-RARE" in mail


async def test_an_article_that_is_short_gives_the_others_back(desk: Desk) -> None:
    """Each article has a reservation of its own: the one that was had must not stay behind."""
    pair = order("lacking").model_copy(
        update={"lines": [Line(sku="CD-1", quantity=2), Line(sku="CD-RARE", quantity=2)]}
    )
    await desk.place(pair)
    view = await desk.ended("lacking")
    assert view["status"] == "failed"
    assert "CD-RARE" in view["reason"]
    query = "SELECT sku, state FROM reservations WHERE order_id = 'lacking'"
    assert desk.rows("inventory", query) == [("CD-1", "released")]
    assert_undone(desk, "lacking")
    assert len(desk.mails("lacking")) == 1


async def test_an_order_of_two_articles_leaves_in_one_parcel(desk: Desk) -> None:
    pair = order("pair").model_copy(
        update={"lines": [Line(sku="CD-1", quantity=2), Line(sku="CD-2", quantity=3)]}
    )
    await desk.place(pair)
    assert (await desk.ended("pair"))["status"] == "fulfilled"
    query = "SELECT sku, units, state FROM reservations WHERE order_id = 'pair' ORDER BY sku"
    assert desk.rows("inventory", query) == [("CD-1", 2, "issued"), ("CD-2", 3, "issued")]
    assert_fulfilled(desk, "pair", units=5)


async def test_a_declined_card_gives_the_goods_back(desk: Desk) -> None:
    await desk.place(order("declined", cents=9_999_99))
    view = await desk.ended("declined")
    assert view["status"] == "failed"
    assert "card" in view["reason"]
    assert_undone(desk, "declined")
    assert len(desk.mails("declined")) == 1


async def test_a_cancellation_before_the_pivot_undoes_everything(desk: Desk) -> None:
    with desk.silent("shipping"):
        await desk.place(order("early"))

        async def paid() -> bool:
            return kept(desk, "early") > 0

        await until_async(paid)
        assert (await desk.cancel("early")).status_code == 202
        await desk.until("early", "undoing")
    assert (await desk.ended("early"))["status"] == "cancelled"
    with pytest.raises(WorkflowFailureError) as ended:
        await desk.result("early")
    assert isinstance(ended.value.cause, CancelledError)
    assert_undone(desk, "early")
    (mail,) = desk.mails("early")
    assert "X-Kind: failure" in mail
    assert (await desk.cancel("early")).status_code == 202


async def test_a_cancellation_after_the_pivot_is_too_late(desk: Desk) -> None:
    """A parcel on its way cannot be called back: the customer gets it, pays it, and is told."""
    with desk.silent("mail"):
        await desk.place(order("late"))
        await desk.until("late", "shipping")
        reply = await desk.cancel("late")
        assert reply.status_code == 409
        assert reply.json()["type"] == "urn:musterwerk:too-late"
        await desk.handle("late").cancel()  # who does not ask the desk first
    assert (await desk.ended("late"))["status"] == "fulfilled"
    assert_fulfilled(desk, "late")


async def test_mail_failure_never_undoes_a_shipped_order(desk: Desk) -> None:
    """The recipe that ours comes from refunds an order when its confirmation cannot be sent."""
    with desk.silent("mail"):
        await desk.place(order("mute"))
        await desk.until("mute", "shipping")

        async def goods_left() -> bool:
            return issued(desk, "mute") == 2

        await until_async(goods_left)

        async def mail_failed_twice() -> bool:
            description = await desk.handle("mute").describe()
            pending = description.raw_description.pending_activities
            return any(
                one.activity_type.name == "send_confirmation" and one.attempt > 2 for one in pending
            )

        await until_async(mail_failed_twice)
        assert kept(desk, "mute") == 2933
        assert parcels(desk, "mute") == ["handed_over"]
    assert (await desk.ended("mute"))["status"] == "fulfilled"
    assert_fulfilled(desk, "mute")


async def test_a_service_that_stays_away_ends_the_order_and_keeps_nothing(desk: Desk) -> None:
    """Its late answer, when it is back, finds the tombstone of the undo."""
    impatient = Patience(attempts=3, slow_undo=timedelta(seconds=1))
    with desk.silent("payment"):
        await start(desk, "outage", impatient)
        await until_async(lambda: undoing(desk, "outage"))
    outcome = await desk.result("outage")
    assert outcome.status == "failed"
    assert outcome.reason == "payment did not answer"
    assert_undone(desk, "outage")


async def test_a_failure_mail_that_cannot_be_sent_changes_nothing(desk: Desk) -> None:
    with desk.silent("mail"):
        await start(desk, "unheard", Patience(attempts=3), cents=9_999_99)
        outcome = await desk.result("unheard")
    assert outcome.status == "failed"
    assert "card" in (outcome.reason or "")
    assert_undone(desk, "unheard")


async def undoing(desk: Desk, order_id: str) -> bool:
    state = await desk.handle(order_id).query(OrderFulfillmentWorkflow.order_state)
    return state == "undoing"


async def start(desk: Desk, order_id: str, patience: Patience, *, cents: int = 2933) -> None:
    """Past the orders service, which has one patience for all."""
    await desk.client.start_workflow(
        OrderFulfillmentWorkflow.run,
        order(order_id, cents=cents),
        id=f"order-{order_id}",
        task_queue=desk.stack.options.task_queue,
        memo={PATIENCE: patience},
    )
