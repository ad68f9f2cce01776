"""Names by which the desk's processes find each other's work."""

from __future__ import annotations

from musterwerk.saga import TASK_QUEUE as MUSTERWERK

TASK_QUEUE = "shop"


def musterwerk_queue(task_queue: str) -> str:
    """Where a desk's requests for approval and its dead letters go: to Musterwerk's own worker.

    A demo on a server of others has the task queue shop-SUFFIX, and such a worker of its own:
    nobody else is to be asked, or alerted.
    """
    shop, dash, suffix = task_queue.partition("-")
    return f"{MUSTERWERK}-{suffix}" if (shop, dash) == (TASK_QUEUE, "-") else MUSTERWERK


def workflow_id(order_id: str) -> str:
    """One order, one workflow: a second start under the same id is refused by Temporal."""
    return f"order-{order_id}"
