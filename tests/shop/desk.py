"""The running order desk as the tests of this folder use it."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client, WorkflowHandle

from musterwerk.approvals import ApprovalHandle
from musterwerk.errors import ApprovalNotFound
from musterwerk.shop.model import Line, Money, Order, Outcome
from musterwerk.shop.names import workflow_id
from musterwerk.shop.release import approval_id
from musterwerk.shop.stack import Stack
from tests.waiting import LIMIT, PATIENCE, until_async

ENDED = ("fulfilled", "failed", "cancelled")


@dataclass(frozen=True)
class Desk:
    data: Path
    stack: Stack
    client: Client
    http: httpx.AsyncClient

    async def post(
        self, order: Order | dict[str, Any] | bytes, key: str | None = "a-key"
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        if isinstance(order, Order):
            order = order.model_dump(mode="json")
        if isinstance(order, dict):
            return await self.http.post("/orders", json=order, headers=headers)
        return await self.http.post("/orders", content=order, headers=headers)

    async def place(self, order: Order) -> None:
        reply = await self.post(order, f"place-{order.order_id}")
        assert reply.status_code == 202, reply.text

    async def status(self, order_id: str) -> str:
        return (await self.view(order_id))["status"]

    async def view(self, order_id: str) -> dict[str, Any]:
        reply = await self.http.get(f"/orders/{order_id}")
        assert reply.is_success, reply.text
        return reply.json()

    async def cancel(self, order_id: str) -> httpx.Response:
        key = {"Idempotency-Key": f"cancel-{order_id}"}
        return await self.http.post(f"/orders/{order_id}/cancel", headers=key)

    async def until(self, order_id: str, *states: str) -> dict[str, Any]:
        async def reached() -> bool:
            return await self.status(order_id) in states

        await until_async(reached)
        return await self.view(order_id)

    async def ended(self, order_id: str) -> dict[str, Any]:
        return await self.until(order_id, *ENDED)

    async def result(self, order_id: str) -> Outcome:
        async with asyncio.timeout(LIMIT):
            return await self.handle(order_id).result()

    def handle(self, order_id: str) -> WorkflowHandle[Any, Outcome]:
        return self.client.get_workflow_handle(workflow_id(order_id), result_type=Outcome)

    async def asked(self, order_id: str) -> ApprovalHandle[Any]:
        """The request to release this order, once it is there."""
        await self.until(order_id, "awaiting_approval")
        return await self.asked_of_workflow(order_id)

    async def asked_of_workflow(self, order_id: str) -> ApprovalHandle[Any]:
        handle = self.approval(order_id)
        await until_async(lambda: _begun(handle))
        return handle

    def approval(self, order_id: str) -> ApprovalHandle[Any]:
        return ApprovalHandle(self.client, approval_id(order_id), patience=PATIENCE)

    def rows(self, database: str, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        """The tests' own SQL, so that they believe neither the services nor the auditor."""
        with closing(sqlite3.connect(self.data / f"{database}.sqlite")) as connection:
            return connection.execute(query, parameters).fetchall()

    def mails(self, order_id: str) -> list[str]:
        texts = [mail.read_text() for mail in (self.data / "mailbox" / "new").iterdir()]
        return [text for text in texts if f"X-Order: {order_id}\n" in text.replace("\r\n", "\n")]

    @contextmanager
    def silent(self, service: str) -> Generator[None]:
        """The service takes connections and answers nobody; afterwards it goes on as it was."""
        (process,) = (one for one in self.stack.processes if one.name == service)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)


async def _begun(handle: ApprovalHandle[Any]) -> bool:
    try:
        return (await handle.status()).state == "open"
    except ApprovalNotFound:  # the order's workflow has only just asked for it
        return False


def order(order_id: str, *, cents: int = 2933, sku: str = "CD-1", quantity: int = 2) -> Order:
    return Order(
        order_id=order_id,
        customer_id="C-1",
        email="c-1@customers.example",
        lines=[Line(sku=sku, quantity=quantity)],
        total=Money.from_minor(cents, "USD"),
    )
