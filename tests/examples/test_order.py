"""The order: all of it or nothing, and after the pivot only forward."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from examples.order.shop import Shop
from examples.order.workflow import PlaceOrder
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

Order = Callable[[str], Awaitable[WorkflowHandle[Any, str]]]


@pytest.fixture
def shop() -> Shop:
    return Shop(stock=2, addresses=frozenset({"nowhere"}))


@pytest.fixture
async def order(plain: Client, fresh: str, shop: Shop) -> AsyncIterator[Order]:
    async def start(name: str) -> WorkflowHandle[Any, str]:
        return await plain.start_workflow(
            PlaceOrder.run, name, id=f"{name}-{fresh}", task_queue=fresh
        )

    async with Worker(
        plain, task_queue=fresh, workflows=[PlaceOrder], activities=shop.activities()
    ):
        yield start


async def test_a_good_order_is_paid_shipped_and_confirmed_once(order: Order, shop: Shop) -> None:
    assert await (await order("O-1")).result() == "parcel of O-1"
    assert (shop.stock, shop.till) == (1, 1990)
    assert shop.shipped == ["parcel of O-1"]
    assert len(shop.mails) == 1


async def test_an_order_that_cannot_be_shipped_leaves_no_trace(order: Order, shop: Shop) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        await (await order("nowhere")).result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "SagaCompensated"
    assert (shop.stock, shop.till, shop.shipped, shop.mails) == (2, 0, [], [])


async def test_an_order_after_the_last_one_takes_no_money(order: Order, shop: Shop) -> None:
    for name in ("O-1", "O-2"):
        await (await order(name)).result()
    with pytest.raises(WorkflowFailureError):
        await (await order("O-3")).result()
    assert (shop.stock, shop.till) == (0, 2 * 1990)
