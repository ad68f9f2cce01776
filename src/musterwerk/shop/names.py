"""Names by which the desk's processes find each other's work."""

from __future__ import annotations

TASK_QUEUE = "shop"


def workflow_id(order_id: str) -> str:
    """One order, one workflow: a second start under the same id is refused by Temporal."""
    return f"order-{order_id}"
