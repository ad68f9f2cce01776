"""Reading the services' books and comparing them: the one activity of the reconciliation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from pydantic import Field
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.shop.gateway import PAGE, Gateway
from musterwerk.shop.model import BookEntry, Wire
from musterwerk.shop.names import workflow_id
from musterwerk.shop.reconciling import (
    SERVICES,
    Discrepancy,
    Reconciliation,
    Service,
    discrepancies,
)

#: Of more a result would be too large; all are counted.
_TOLD = 100
_RPC = timedelta(seconds=5)

Books = dict[Service, BookEntry]


class BookkeepingActivities:
    def __init__(self, gateway: Gateway, *, page: int = PAGE) -> None:
        self._gateway = gateway
        self._page = page

    @activity.defn
    async def reconcile_books(self) -> Reconciliation:
        """Of all orders. One that is worked on is left alone; one whose workflow has ended is read
        once more, for it may have ended while its books were read one after another.

        Another attempt goes on where the last one stopped.
        """
        details = activity.info().heartbeat_details
        come = _Progress.model_validate(details[0]) if details else _Progress()
        return await _Comparison(self._gateway, self._page, come).all()


class _Progress(Wire):
    """All orders up to `after` are compared, and `found` in them."""

    after: str = ""
    found: Reconciliation = Field(default_factory=Reconciliation)


class _Comparison:
    def __init__(self, gateway: Gateway, page: int, come: _Progress) -> None:
        self._gateway = gateway
        self._page = page
        self._come = come

    async def all(self) -> Reconciliation:
        async for order_id, books in self._orders():
            self._come = _Progress(after=order_id, found=await self._compared(order_id, books))
        return self._come.found

    async def _compared(self, order_id: str, books: Books) -> Reconciliation:
        so_far = self._come.found
        working = 0
        more: list[Discrepancy] = []
        if any(discrepancies(order_id, books)):
            # Thousands of these may lie in one page, and each takes its time.
            self._alive()
            if await _is_worked_on(order_id):
                working = 1
            else:
                more = list(discrepancies(order_id, await self._again(order_id)))
        return Reconciliation(
            orders=so_far.orders + 1,
            in_flight=so_far.in_flight + working,
            found=so_far.found + len(more),
            discrepancies=[*so_far.discrepancies, *more][:_TOLD],
        )

    async def _orders(self) -> AsyncIterator[tuple[str, Books]]:
        """By order id, from all books side by side: no more than a page of each is held."""
        readers: dict[Service, AsyncIterator[BookEntry]] = {
            service: self._entries(service) for service in SERVICES
        }
        heads: dict[Service, BookEntry | None] = {
            service: await anext(reader, None) for service, reader in readers.items()
        }
        while waiting := [one.order_id for one in heads.values() if one is not None]:
            order_id = min(waiting)
            books: Books = {}
            for service, head in heads.items():
                if head is not None and head.order_id == order_id:
                    books[service] = head
            for service in books:
                heads[service] = await anext(readers[service], None)
            yield order_id, books

    async def _entries(self, service: Service) -> AsyncIterator[BookEntry]:
        after = self._come.after
        while True:
            page = await self._gateway.book(service, after=after, limit=self._page)
            self._alive()
            for entry in page.entries:
                yield entry
            if page.next is None:
                return
            after = page.next

    async def _again(self, order_id: str) -> Books:
        books: Books = {}
        for service in SERVICES:
            page = await self._gateway.book(service, order_id=order_id)
            if page.entries:
                books[service] = page.entries[0]
        return books

    def _alive(self) -> None:
        activity.heartbeat(self._come)


async def _is_worked_on(order_id: str) -> bool:
    """What nobody placed, or Temporal has forgotten, is worked on by nobody."""
    handle = activity.client().get_workflow_handle(workflow_id(order_id))
    try:
        found = await handle.describe(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status is WorkflowExecutionStatus.RUNNING
