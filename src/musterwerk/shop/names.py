"""Names by which the desk's processes find each other's work."""

from __future__ import annotations

TASK_QUEUE = "shop"
_LETTERS = "musterwerk"


def letters_queue(task_queue: str) -> str:
    """Where the dead letters of a desk go: to Musterwerk's own worker.

    A desk with a task queue of its own, such as a demo on a server of others, has one of its own
    for letters, too: nobody else is to be alerted of them.
    """
    return _LETTERS + task_queue.removeprefix(TASK_QUEUE)


def workflow_id(order_id: str) -> str:
    """One order, one workflow: a second start under the same id is refused by Temporal."""
    return f"order-{order_id}"
