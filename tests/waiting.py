"""Waiting for a thing to happen, never for a while to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LIMIT = 30.0


async def until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Look again whenever the loop comes round, until it holds; fail after `limit` seconds."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - nothing signals: it looks at others' state
            await asyncio.sleep(0.005)


async def until_async(condition: Callable[[], Awaitable[object]], limit: float = LIMIT) -> None:
    """As `until`, for a condition that asks a server."""
    async with asyncio.timeout(limit):
        while not await condition():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
