"""Taking an order, telling how it stands, cancelling it: between the store and Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Literal

import httpx
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.errors import ServerError
from musterwerk.runtime.connection import Target
from musterwerk.shop.model import Order, Outcome, Wire
from musterwerk.shop.names import workflow_id
from musterwerk.shop.release import RELEASE, ReleaseRule, ReleaseRules, approval_id
from musterwerk.shop.services.orders_store import OrderStore, fingerprint
from musterwerk.shop.services.problems import Problem
from musterwerk.shop.workflow import OrderFulfillmentWorkflow, OrderState

_RPC_TIMEOUT = timedelta(seconds=5)
_QUERY_TIMEOUT = timedelta(seconds=2)
_STOCK_TIMEOUT = 1.0
_STOCK_ATTEMPTS = 4

_ENDED = {
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.TERMINATED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "failed",
    WorkflowExecutionStatus.FAILED: "failed",
}


class OrderView(Wire):
    """How an order stands. `suspended`: its workflow waits for a mended program."""

    order_id: str
    status: OrderState | Literal["suspended"]
    reason: str | None = None
    tracking_number: str | None = None


class Warehouse:
    """Which articles exist. An article that was once known is not asked for again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: set[str] = set()
        self._asking = asyncio.Lock()

    async def unknown(self, skus: Collection[str]) -> list[str]:
        async with self._asking:  # many orders at once need to ask only once
            if not self._known.issuperset(skus):
                self._known.update(await self._ask())
        return sorted(set(skus) - self._known)

    async def _ask(self) -> list[str]:
        async with httpx.AsyncClient(timeout=_STOCK_TIMEOUT) as http:
            for _ in range(_STOCK_ATTEMPTS):
                try:
                    reply = await http.get(f"{self._url}/stock")
                except httpx.TransportError:
                    continue
                if reply.is_success:
                    return [article["sku"] for article in reply.json()]
        raise Problem("unavailable", "the warehouse does not answer; try again")


class OrderDesk:
    """Connects to Temporal when it is first needed, so that the service starts without it."""

    def __init__(
        self,
        store: OrderStore,
        server: Target,
        warehouse: Warehouse,
        task_queue: str,
        release: ReleaseRules,
    ) -> None:
        self._store = store
        self._server = server
        self._warehouse = warehouse
        self._task_queue = task_queue
        self._release = release
        self._connecting = asyncio.Lock()
        self._client: Client | None = None

    async def take(self, key: str, order: Order) -> None:
        """Accept the order once, however often it is asked; raises Problem where it cannot be."""
        content = fingerprint(order)
        answered = await asyncio.to_thread(self._store.answered, key)
        if answered == content:
            return
        if answered is not None:
            raise Problem("key-reused", "this key stands for another order; use a new one")
        unknown = await self._warehouse.unknown([line.sku for line in order.lines])
        if unknown:
            raise Problem("unknown-sku", f"no such article: {', '.join(unknown)}")
        stored = await asyncio.to_thread(self._store.receive, order, self._release.of(order))
        if stored.fingerprint != content:
            raise Problem(
                "order-differs", f"order {order.order_id} exists already with other content"
            )
        if not stored.accepted:
            await self._start(order, stored.rule)
        await asyncio.to_thread(self._store.accept, order.order_id, key)

    async def look(self, order_id: str) -> OrderView:
        handle = await self._known(order_id)
        try:
            description = await handle.describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            raise _away(error) from error
        if description.status == WorkflowExecutionStatus.COMPLETED:
            outcome = await handle.result()
            return OrderView(
                order_id=order_id,
                status=outcome.status,
                reason=outcome.reason,
                tracking_number=outcome.tracking_number,
            )
        ended = description.status and _ENDED.get(description.status)
        if ended:
            reason = None if ended == "cancelled" else "somebody at the desk is looking into it"
            return OrderView.model_validate(
                {"order_id": order_id, "status": ended, "reason": reason}
            )
        state = await self._running_state(handle)
        reason = None
        if state == "awaiting_approval":
            reason = f"somebody at the shop has to release it ({approval_id(order_id)})"
        return OrderView(order_id=order_id, status=state, reason=reason)

    async def cancel(self, order_id: str) -> OrderView:
        """Ask for it. Whether it came in time shows in the status."""
        view = await self.look(order_id)
        if view.status in ("cancelled", "undoing"):
            return view
        if view.status in ("shipping", "fulfilled", "failed"):
            raise Problem("too-late", f"order {order_id} is {view.status} already")
        try:
            await (await self._handle(order_id)).cancel(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise Problem("too-late", f"order {order_id} has just ended") from error
            raise _away(error) from error
        return view

    async def _start(self, order: Order, rule: ReleaseRule | None) -> None:
        try:
            client = await self._temporal()
            await client.start_workflow(
                OrderFulfillmentWorkflow.run,
                order,
                id=workflow_id(order.order_id),
                task_queue=self._task_queue,
                memo={} if rule is None else {RELEASE: rule},
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                rpc_timeout=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return  # an earlier attempt whose answer was lost
        except RPCError as error:
            raise _away(error) from error

    async def _known(self, order_id: str) -> WorkflowHandle[Any, Outcome]:
        stored = await asyncio.to_thread(self._store.find, order_id)
        handle = await self._handle(order_id)
        if stored is not None and not stored.accepted and await self._exists(handle):
            await asyncio.to_thread(self._store.accept, order_id)
        elif stored is None or not stored.accepted:
            raise Problem("not-found", f"there is no order {order_id}")
        return handle

    async def _exists(self, handle: WorkflowHandle[Any, Outcome]) -> bool:
        try:
            await handle.describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise _away(error) from error
        return True

    async def _running_state(
        self, handle: WorkflowHandle[Any, Outcome]
    ) -> OrderState | Literal["suspended"]:
        try:
            return await handle.query(
                OrderFulfillmentWorkflow.order_state, rpc_timeout=_QUERY_TIMEOUT
            )
        except WorkflowQueryFailedError:
            return "suspended"
        except RPCError:
            return "processing"  # no worker answers just now; the order waits for one

    async def _handle(self, order_id: str) -> WorkflowHandle[Any, Outcome]:
        client = await self._temporal()
        return client.get_workflow_handle(workflow_id(order_id), result_type=Outcome)

    async def _temporal(self) -> Client:
        async with self._connecting:
            if self._client is None:
                try:
                    self._client = await self._server.connect()
                except ServerError as error:
                    raise Problem("unavailable", f"{error}; try again") from error
            return self._client


def _away(error: RPCError) -> Problem:
    return Problem("unavailable", f"Temporal does not answer ({error.message}); try again")
