"""Workflows that the tests of `musterwerk sagas` look at."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from musterwerk import Saga

MINUTE = timedelta(minutes=1)


@activity.defn
async def reserve(order: str) -> str:
    return f"reserved {order}"


@activity.defn
async def release(order: str, result: str | None) -> None: ...


@activity.defn
async def charge(order: str) -> str:
    if order == "declined":
        raise ApplicationError("card \x1b[31mdeclined", type="CardDeclined", non_retryable=True)
    return "paid"


@activity.defn
async def refund(order: str, result: str | None) -> None: ...


@workflow.defn
class Order:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(reserve, order, undo=release, start_to_close_timeout=MINUTE)
            await saga.run(charge, order, undo=refund, start_to_close_timeout=MINUTE)
            saga.checkpoint("paid")
            saga.pivot()


@workflow.defn
class Buggy:
    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            await saga.run(reserve, "buggy", undo=release, start_to_close_timeout=MINUTE)
            raise KeyError("typo in the code")


@workflow.defn
class NoSaga:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


WORKFLOWS = [Order, Buggy, NoSaga]
ACTIVITIES = [reserve, release, charge, refund]
