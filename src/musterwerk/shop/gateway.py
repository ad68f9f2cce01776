"""The desk's way to the services: HTTP in, typed failures out.

A business refusal is non-retryable and has a type that a workflow can act on. Everything that
may pass (an outage, no answer in time, the same key still under way) is retryable and called
`ServiceUnavailable`, and whether the effect has happened is then unknown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError
from temporalio.exceptions import ApplicationError

from musterwerk.shop.model import BookPage, Line, Order, Payment, Reservation, Shipment, Wire

#: Seconds for one whole call; shorter than any activity's start_to_close_timeout.
TIMEOUT = 1.0

#: Orders in one page of a book, at most.
PAGE = 500

UNAVAILABLE = "ServiceUnavailable"
NOT_FOUND = "NotFound"

#: The failure type of every problem that no repetition cures. Others are `InvalidRequest`.
REFUSALS = {
    "out-of-stock": "OutOfStock",
    "card-declined": "CardDeclined",
    "unknown-sku": "UnknownSku",
    "cannot-ship": "CannotShip",
    "refund-refused": "RefundRefused",
    "already-handed-over": "AlreadyHandedOver",
    "order-taken": "OrderTaken",
    "undone": "EffectUndone",
    "key-reused": "KeyReused",
    "undeliverable": "Undeliverable",
    "not-found": NOT_FOUND,
}

_PREFIX = "urn:musterwerk:"
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class ServiceUrls:
    inventory: str
    payment: str
    shipping: str
    mail: str
    orders: str = ""


@dataclass(frozen=True)
class Undo:
    """The keys of an undo: what it takes back, and its own."""

    undoes: str
    key: str


class _Problem(Wire, extra="ignore"):
    type: str
    detail: str


class Gateway:
    """The services' calls. The same arguments always make the same request, byte for byte."""

    def __init__(
        self, http: httpx.AsyncClient, urls: ServiceUrls, *, timeout: float = TIMEOUT
    ) -> None:
        self._http = http
        self._urls = urls
        self._timeout = timeout

    async def reserve(self, order_id: str, line: Line, key: str) -> Reservation:
        body = {"order_id": order_id, **line.model_dump(mode="json")}
        return _read(Reservation, await self._post("inventory", "/reservations", key, body))

    async def release(self, order_id: str, undo: Undo) -> None:
        await self._undo("inventory", "/reservations/release", order_id, undo)

    async def issue(self, order_id: str, key: str) -> None:
        """The goods of all the order's live reservations leave the warehouse."""
        await self._post("inventory", "/reservations/issue", key, {"order_id": order_id})

    async def charge(self, order: Order, key: str) -> Payment:
        body = order.model_dump(mode="json", include={"order_id", "customer_id"})
        body["amount"] = order.total.model_dump(mode="json")
        return _read(Payment, await self._post("payment", "/charges", key, body))

    async def find_charge(self, key: str) -> Payment | None:
        """What was captured under this key; None if nothing was, so far, or it was undone."""
        try:
            answer = await self._ask("GET", "payment", f"/charges/{quote(key, safe='')}")
        except ApplicationError as error:
            if error.type in (NOT_FOUND, "EffectUndone"):
                return None
            raise
        return _read(Payment, answer)

    async def refund(self, order_id: str, undo: Undo) -> None:
        await self._undo("payment", "/charges/refund", order_id, undo)

    async def ship(self, order: Order, key: str) -> Shipment:
        body = order.model_dump(mode="json", include={"order_id", "lines"})
        return _read(Shipment, await self._post("shipping", "/shipments", key, body))

    async def cancel_shipment(self, order_id: str, undo: Undo) -> None:
        await self._undo("shipping", "/shipments/cancel", order_id, undo)

    async def hand_over(self, order_id: str, key: str) -> None:
        """The carrier takes the order's one live shipment."""
        await self._post("shipping", "/shipments/handover", key, {"order_id": order_id})

    async def send(
        self, order: Order, kind: Literal["confirmation", "failure"], **content: str
    ) -> None:
        """Mail the customer; each kind of mail reaches them at most once per order."""
        body = {"order_id": order.order_id, "kind": kind, "to": order.email, **content}
        await self._post("mail", "/messages", f"{order.order_id}:{kind}", body)

    async def book(
        self, service: str, *, after: str = "", order_id: str | None = None, limit: int = PAGE
    ) -> BookPage:
        """A page of what the service has of orders, by order id; or of one order."""
        wanted = {"after": after} if order_id is None else {"order": order_id}
        wanted["limit"] = str(limit)
        return _read(BookPage, await self._ask("GET", service, "/book", params=wanted))

    async def _undo(self, service: str, path: str, order_id: str, undo: Undo) -> None:
        await self._post(service, path, undo.key, {"order_id": order_id, "key": undo.undoes})

    async def _post(
        self, service: str, path: str, key: str, body: dict[str, Any]
    ) -> httpx.Response:
        headers = {"Idempotency-Key": str(key)}
        return await self._ask("POST", service, path, json=body, headers=headers)

    async def _ask(self, method: str, service: str, path: str, **content: Any) -> httpx.Response:
        url = getattr(self._urls, service).rstrip("/") + path
        try:
            # Over all of it: httpx's own timeouts begin anew with every packet.
            async with asyncio.timeout(self._timeout):
                answer = await self._http.request(method, url, timeout=None, **content)
        except TimeoutError as error:
            raise _unavailable(f"{service} did not answer within {self._timeout:g} s") from error
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise _unavailable(f"{service} could not be reached: {why}") from error
        if answer.is_success:
            return answer
        raise _failure(service, answer)


def _read(model: type[M], answer: httpx.Response) -> M:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        what = model.__name__.lower()
        raise _unavailable(f"{answer.url} did not answer with a {what}") from error


def _failure(service: str, answer: httpx.Response) -> ApplicationError:
    status = answer.status_code
    try:
        problem = _Problem.model_validate_json(answer.content)
    except ValidationError:
        # Not in our services' words: a proxy in between, or the wrong address.
        return _unavailable(f"{service} answered {status} without saying why")
    slug = problem.type.removeprefix(_PREFIX)
    if status >= 500 or slug == "in-flight" or not problem.type.startswith(_PREFIX):
        return _unavailable(f"{service} answered {status}: {problem.detail}")
    return ApplicationError(
        problem.detail, type=REFUSALS.get(slug, "InvalidRequest"), non_retryable=True
    )


def _unavailable(message: str) -> ApplicationError:
    return ApplicationError(message, type=UNAVAILABLE)
