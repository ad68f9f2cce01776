"""Names by which the desk's processes find each other's work."""

from __future__ import annotations

from musterwerk.saga import TASK_QUEUE as LETTERS

TASK_QUEUE = "shop"


def letters_queue(task_queue: str) -> str:
    """Where the dead letters of a desk go: to Musterwerk's own worker.

    A demo on a server of others has the task queue shop-SUFFIX, and one of its own for letters,
    too: nobody else is to be alerted of them.
    """
    shop, dash, suffix = task_queue.partition("-")
    return f"{LETTERS}-{suffix}" if (shop, dash) == (TASK_QUEUE, "-") else LETTERS


def workflow_id(order_id: str) -> str:
    """One order, one workflow: a second start under the same id is refused by Temporal."""
    return f"order-{order_id}"
