"""The customers of the demo: they order, get impatient, order again, and change their minds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus

import httpx
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from musterwerk.errors import ServerError
from musterwerk.shop.demo.plan import Plan
from musterwerk.shop.demo.tally import Tally
from musterwerk.shop.model import Order, Outcome
from musterwerk.shop.names import workflow_id

_RETRY_EVERY = 0.2
_LOOK_EVERY = 0.05


class Customers:
    """Drives every order of the plan to its end, `at_once` of them at a time."""

    def __init__(
        self, plan: Plan, http: httpx.AsyncClient, temporal: Client, tally: Tally, at_once: int
    ) -> None:
        self._plan = plan
        self._http = http
        self._temporal = temporal
        self._tally = tally
        self._slots = asyncio.Semaphore(at_once)

    async def all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for order in self._plan.orders:
                group.create_task(self._customer(order))

    async def _customer(self, order: Order) -> None:
        async with AsyncExitStack() as slot:
            await slot.enter_async_context(self._slots)
            await self._order(order)
            if order.order_id in self._plan.broken_refunds:
                await slot.aclose()  # it ends when all others have
            await self._tally.set(order.order_id, await self._end(order.order_id))

    async def _order(self, order: Order) -> None:
        await self._tally.set(order.order_id, "processing")
        posts = 2 if order.order_id in self._plan.twice else 1
        await asyncio.gather(*(self._post(order) for _ in range(posts)))
        cancel = self._plan.cancels.get(order.order_id)
        if cancel is not None:
            await self._cancel(order.order_id, cancel)

    async def _post(self, order: Order) -> None:
        reply = await self._until_answered(
            lambda: self._http.post(
                "/orders",
                content=order.model_dump_json(),
                headers={
                    "Idempotency-Key": f"demo-{order.order_id}",
                    "Content-Type": "application/json",
                },
            )
        )
        if reply.status_code != HTTPStatus.ACCEPTED:
            raise ServerError(f"order {order.order_id} was not taken: {reply.text}")

    async def _cancel(self, order_id: str, delay: float) -> None:
        thinks = order_id in self._plan.thought_over
        while True:
            reply = await self._until_answered(lambda: self._http.get(f"/orders/{order_id}"))
            if reply.is_success and not (thinks and reply.json()["status"] == "processing"):
                break
            await asyncio.sleep(_LOOK_EVERY)
        if reply.json()["status"] != ("awaiting_approval" if thinks else "processing"):
            return
        await asyncio.sleep(delay)
        # Whether it came in time shows in how the order ends.
        key = {"Idempotency-Key": f"demo-cancel-{order_id}"}
        await self._until_answered(
            lambda: self._http.post(f"/orders/{order_id}/cancel", headers=key)
        )

    async def _end(self, order_id: str) -> str:
        handle = self._temporal.get_workflow_handle(workflow_id(order_id), result_type=Outcome)
        try:
            outcome = await handle.result()
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, CancelledError):
                return "cancelled"
            self._tally.note(f"order {order_id} needs somebody: {failure.cause}")
            return "failed"
        return outcome.status

    async def _until_answered(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        while True:
            try:
                reply = await ask()
            except httpx.TransportError:
                reply = None
            if reply is not None and not _come_again(reply):
                return reply
            await asyncio.sleep(_RETRY_EVERY)


def _come_again(reply: httpx.Response) -> bool:
    if reply.status_code == HTTPStatus.CONFLICT:
        return reply.json()["type"] == "urn:musterwerk:in-flight"  # our own twin is being answered
    return reply.status_code == HTTPStatus.SERVICE_UNAVAILABLE
