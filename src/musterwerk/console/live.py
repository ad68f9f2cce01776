"""Telling browsers that something has changed: one look at the database for all of them.

Whoever is told looks again, by the page they have open. So an event says only which of the
requests that concern its listener have changed, and losing one is no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from musterwerk.console.callers import Caller
from musterwerk.errors import StoreError
from musterwerk.store import live

if TYPE_CHECKING:
    from musterwerk.console.services import Services

_log = logging.getLogger(__name__)
_EVERY = 0.5
#: Groups and absences change rarely; so does who is logged in.
_REFRESH = timedelta(seconds=60)
#: So many streams a session has.
_OF_ONE = 20
#: Whoever cannot follow hears that something has changed, not what.
_MOST = 100


@dataclass(eq=False)
class Listener:
    """A browser. `secret` is its session's: it hears nothing more when that has ended."""

    secret: str
    person: str
    sees_all: bool
    #: The line of the audit trail up to which its page has seen everything.
    after: int | None = None
    principals: frozenset[str] = frozenset()
    checked: datetime | None = None
    changed: set[str] = field(default_factory=set[str])
    #: More has changed than can be named.
    much: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False


class Live:
    def __init__(self, services: Services, *, every: float = _EVERY) -> None:
        self._services = services
        self._every = every
        #: In the order in which they came.
        self._listeners: dict[Listener, None] = {}
        #: None while nobody listens.
        self._head: int | None = None

    async def run(self) -> None:
        """Until cancelled. Nothing is looked at while nobody listens."""
        while True:
            try:
                await self.round()
            except StoreError as error:
                _log.info("browsers hear nothing for now: %s", error)
            except Exception:
                _log.exception("browsers were not told of a change; the next look comes")
            await asyncio.sleep(self._every)

    async def round(self) -> None:
        if not self._listeners:
            self._head = None
            return
        await self._refresh()
        news = await asyncio.to_thread(live.since, self._services.store, self._head)
        self._head = news.head
        self._tell(self._listeners, news)

    async def listen(self, listener: Listener) -> AsyncGenerator[tuple[int, list[str]]]:
        """The requests that have changed, none where there are too many to name; and up to which
        line of the trail. What happened between a page and its listening is told first."""
        await self._check(listener)
        head = (await asyncio.to_thread(live.since, self._services.store, None)).head
        # No browser says where the others are: what it has seen counts up to where the trail ends.
        seen = listener.after = None if listener.after is None else min(listener.after, head)
        if self._head is None:
            self._head = head
        self._let_go_of_the_oldest(listener.secret)
        self._listeners[listener] = None
        try:
            if seen is not None:
                news = await asyncio.to_thread(live.since, self._services.store, seen)
                self._tell([listener], news)
            while not listener.over:
                await listener.wake.wait()
                listener.wake.clear()
                changed, listener.changed = sorted(listener.changed), set()
                much, listener.much = listener.much or len(changed) > _MOST, False
                if changed or much:
                    yield listener.after or 0, [] if much else changed
        finally:
            self._listeners.pop(listener, None)

    def close(self) -> None:
        """Let every browser go: at the end of the process nobody waits for them."""
        for listener in self._listeners:
            _end(listener)

    def _let_go_of_the_oldest(self, secret: str) -> None:
        """Of one browser: its pages that are looked at are few."""
        own = [one for one in self._listeners if one.secret == secret and not one.over]
        for listener in own[: max(len(own) - _OF_ONE + 1, 0)]:
            _end(listener)

    def _tell(self, listeners: Iterable[Listener], news: live.News) -> None:
        for listener in listeners:
            listener.after = max(listener.after or 0, news.head)
            mine = _concerning(listener, news.requests)
            if mine or news.much:
                listener.changed.update(mine)
                listener.much |= news.much
                listener.wake.set()

    async def _refresh(self) -> None:
        now = self._services.now()
        due = [
            one for one in self._listeners if one.checked is None or one.checked < now - _REFRESH
        ]
        for listener in due:
            await self._check(listener)

    async def _check(self, listener: Listener) -> None:
        """Whether they are still logged in, and for whom they act."""
        listener.checked = now = self._services.now()
        owner = await asyncio.to_thread(self._services.sessions.owner, listener.secret, click=False)
        if owner is None:
            _end(listener)
            return
        listener.sees_all = Caller(listener.person, frozenset(owner.roles)).sees_all
        found = await asyncio.to_thread(self._services.people.principals_of, listener.person, now)
        listener.principals = frozenset({listener.person, *found})


def _concerning(listener: Listener, requests: dict[str, frozenset[str]]) -> Iterable[str]:
    if listener.sees_all:
        return requests
    return [one for one, who in requests.items() if not listener.principals.isdisjoint(who)]


def _end(listener: Listener) -> None:
    listener.over = True
    listener.wake.set()
