"""The entry to the desk: takes orders, tells how they stand, cancels them.

POST /orders              202, and where to look: a workflow has the order
GET  /orders/{id}         how it stands
POST /orders/{id}/cancel  202, or 409 where the parcel is already being handed over
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from fastapi import APIRouter, Response
from pydantic import ValidationError
from starlette.types import ASGIApp

from musterwerk.errors import UsageError
from musterwerk.runtime.connection import Target
from musterwerk.shop.model import Order
from musterwerk.shop.names import TASK_QUEUE
from musterwerk.shop.release import ReleaseRules
from musterwerk.shop.services.app import Service, create_app
from musterwerk.shop.services.idempotency import Key
from musterwerk.shop.services.orders_desk import OrderDesk, OrderView, Warehouse
from musterwerk.shop.services.orders_store import OrderStore
from musterwerk.shop.services.problems import documented
from musterwerk.shop.services.process import parser, run


def app(store: OrderStore, desk: OrderDesk) -> ASGIApp:
    router = APIRouter()
    taken = documented(
        "missing-key", "in-flight", "order-differs", "too-large", "invalid", "key-reused",
        "unknown-sku", "unavailable",
    )  # fmt: skip

    @router.post("/orders", status_code=202, responses=taken)
    async def take(order: Order, key: Key, response: Response) -> OrderView:
        await desk.take(key, order)
        response.headers["Location"] = f"/orders/{order.order_id}"
        return OrderView(order_id=order.order_id, status="processing")

    @router.get("/orders/{order_id}", responses=documented("not-found", "unavailable"))
    async def look(order_id: str) -> OrderView:
        return await desk.look(order_id)

    @router.post(
        "/orders/{order_id}/cancel",
        status_code=202,
        responses=documented("missing-key", "not-found", "too-late", "unavailable"),
    )
    async def cancel(order_id: str, key: Key) -> OrderView:
        return await desk.cancel(order_id)

    store.add_book(router)
    return create_app(Service("orders", router, store.close))


def main() -> None:
    arguments = parser("services.orders")
    arguments.add_argument("--inventory", required=True, help="address of the inventory service")
    arguments.add_argument("--address", help="the Temporal server; by default the environment's")
    arguments.add_argument("--namespace")
    arguments.add_argument(
        "--isolated", action="store_true", help="ignore the environment and Temporal's profiles"
    )
    arguments.add_argument("--task-queue", default=TASK_QUEUE)
    arguments.add_argument(
        "--release",
        type=_rules,
        metavar="FILE",
        help="JSON: which orders need an approval, by whom; by default as the environment says",
    )
    options = arguments.parse_args()
    try:
        release = options.release or ReleaseRules.from_environment()
    except UsageError as error:
        arguments.error(str(error))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for every request
    store = OrderStore(options.data / "orders.sqlite")
    target = Target(options.address, options.namespace, isolated=options.isolated)
    desk = OrderDesk(store, target, Warehouse(options.inventory), options.task_queue, release)
    run(app(store, desk), options.fd)


def _rules(text: str) -> ReleaseRules:
    try:
        return ReleaseRules.model_validate_json(Path(text).read_bytes())
    except (OSError, ValidationError) as error:
        raise argparse.ArgumentTypeError(f"{text} says nothing of approvals: {error}") from error


if __name__ == "__main__":
    main()
