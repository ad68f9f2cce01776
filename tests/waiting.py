"""Waiting for a thing to happen, never for a while to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

#: Seconds: a busy machine is no failure, and nobody waits as long for what does happen.
LIMIT = 90.0
#: With workers that are there: on a busy machine they may not answer at once.
PATIENCE = timedelta(seconds=60)


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
