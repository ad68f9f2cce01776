"""The orders service as its customers see it, for the command line."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from musterwerk.cli.address import read_dev
from musterwerk.errors import MusterwerkError, ServerError, UsageError
from musterwerk.shop.model import Order

#: Under this label `musterwerk dev` announces the orders service.
DEV_LABEL = "Orders"

_TIMEOUT = 15.0
#: Nothing is wrong with the request itself, only with its moment.
_NOT_NOW = ("urn:musterwerk:too-late", "urn:musterwerk:in-flight")


def desk_url(url: str | None, data: Path) -> str:
    """Where the orders service is: `--url`, or what the `musterwerk dev` on `data` wrote down."""
    if url:
        return url
    running = read_dev(data)
    if running is None or DEV_LABEL not in running["addresses"]:
        raise ServerError(
            f"no order desk runs on {data}: start `musterwerk dev --data {data}`, or name the "
            "address of the orders service with --url"
        )
    return running["addresses"][DEV_LABEL]


def idempotency_key(order: Order) -> str:
    """From the order's id and content: sending a file again repeats the request.

    Other content under the same id is another request, which the desk refuses as such.
    """
    return f"{order.order_id}-{sha256(order.model_dump_json().encode()).hexdigest()[:32]}"


class DeskClient:
    """Asks the orders service; its problems become errors with the exit code they deserve."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def place(self, order: Order) -> dict[str, Any]:
        headers = {
            "Idempotency-Key": idempotency_key(order),
            "Content-Type": "application/json",
        }
        return self._ask("POST", "/orders", content=order.model_dump_json(), headers=headers)

    def show(self, order_id: str) -> dict[str, Any]:
        return self._ask("GET", f"/orders/{quote(order_id, safe='')}")

    def cancel(self, order_id: str) -> dict[str, Any]:
        # Cancelling twice is cancelling once, so the order alone makes the key.
        key = sha256(order_id.encode()).hexdigest()[:32]
        headers = {"Idempotency-Key": f"cancel-{key}"}
        return self._ask("POST", f"/orders/{quote(order_id, safe='')}/cancel", headers=headers)

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            reply = httpx.request(method, self._url + path, timeout=_TIMEOUT, **request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServerError(f"the order desk at {self._url} does not answer: {error}") from error
        if reply.is_success:
            return reply.json()
        raise _problem(reply)


def _problem(reply: httpx.Response) -> MusterwerkError:
    try:
        problem = reply.json()
        message, kind = str(problem["detail"]), str(problem["type"])
    except (ValueError, KeyError, TypeError):
        return ServerError(f"the order desk answered {reply.status_code}: {reply.text[:200]}")
    if reply.is_server_error or kind in _NOT_NOW:
        return ServerError(message)
    return UsageError(message)
