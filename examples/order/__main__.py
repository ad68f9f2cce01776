"""One order that works and one that does not."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from examples.order.shop import Shop
from examples.order.workflow import PlaceOrder
from examples.running import play


async def main(client: Client, folder: Path) -> None:
    shop = Shop(addresses=frozenset({"O-2"}))
    async with Worker(
        client, task_queue="order", workflows=[PlaceOrder], activities=shop.activities()
    ):
        for order in ("O-1", "O-2"):
            try:
                parcel = await client.execute_workflow(
                    PlaceOrder.run, order, id=order, task_queue="order"
                )
                print(f"{order}: {parcel} is on its way")
            except WorkflowFailureError as failure:
                print(f"{order}: {failure.cause}")
            print(f"    {shop.stock} in stock, {shop.till} cents in the till, mails: {shop.mails}")


if __name__ == "__main__":
    play(main)
