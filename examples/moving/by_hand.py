"""The usual saga by hand, as it was in version 1; version 2 keeps it for what is in flight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from examples.moving.activities import Services

MINUTE = timedelta(minutes=1)


async def fulfil(order: str, approved: Callable[[], Awaitable[None]]) -> str:
    """Reserve and charge, wait for the approval, ship.

    A cancellation in the wait gets past `except Exception`: one of the reasons to move.
    """
    undos: list[Callable[..., Any]] = []
    try:
        await workflow.execute_activity_method(
            Services.reserve, order, start_to_close_timeout=MINUTE
        )
        undos.append(Services.release)
        await workflow.execute_activity_method(
            Services.charge, order, start_to_close_timeout=MINUTE
        )
        undos.append(Services.refund)
        await approved()
        await workflow.execute_activity_method(Services.ship, order, start_to_close_timeout=MINUTE)
    except Exception:
        for undo in reversed(undos):
            await workflow.execute_activity(undo, order, start_to_close_timeout=MINUTE)
        raise
    return "by hand"
