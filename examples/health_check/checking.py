"""The activities: asking a service by HTTP, and telling people."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import httpx
from temporalio import activity

from examples.outbox import Outbox
from musterwerk.notify import Message

_SECONDS = 3.0


@dataclass(frozen=True)
class Status:
    """`since` is the due time of the check that found it so first."""

    up: bool
    since: datetime


@dataclass(frozen=True)
class Change:
    """`was` is how it stood before."""

    service: str
    was: Status
    up: bool
    reason: str


class Checker:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    @activity.defn
    async def check(self, url: str) -> None:
        """Raises unless it answers with 2xx, all in all in three seconds."""
        async with asyncio.timeout(_SECONDS), httpx.AsyncClient(timeout=_SECONDS) as http:
            answer = await http.get(url)
        answer.raise_for_status()

    @activity.defn
    def tell_change(self, change: Change) -> int:
        """How many were told by this attempt."""
        # By what it departs from, not by when that was seen: a run that failed after its mail is
        # followed by one that finds the same change, and has the same key.
        state = "up" if change.up else "down"
        key = f"{change.service}-{state}-after-{change.was.since:%Y%m%dT%H%M%S}"
        return self._outbox.tell(
            Message(
                key=key,
                subject=f"{change.service} is {state}",
                text=f"{change.reason}\nBefore: since {change.was.since:%Y-%m-%d %H:%M} UTC.\n",
                data={"service": change.service, "up": change.up, "reason": change.reason},
            )
        )
