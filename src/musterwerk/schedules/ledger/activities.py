"""The monitor's one activity: looking again and again, and telling people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from temporalio import activity
from temporalio.client import Client

from musterwerk.errors import MusterwerkError, StoreError
from musterwerk.notify import Settings
from musterwerk.notify.trust import trusted
from musterwerk.schedules.ledger.extending import extend
from musterwerk.schedules.ledger.model import WATCH
from musterwerk.schedules.ledger.sweep import Sweeper
from musterwerk.schedules.ledger.telling import Teller
from musterwerk.schedules.server import ScheduleServer
from musterwerk.store import Store
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_pruning import DAYS, prune
from musterwerk.store.ledger_rows import WatchRow

#: Between two looks, or so many times as long as a look takes, up to a limit.
_EVERY, _REST, _LONGEST_REST = 5.0, 3, 30.0
_PING_EVERY, _PING_SECONDS = 30.0, 10.0
_EXTEND_EVERY = _PRUNE_EVERY = 3_600.0
_PRUNED_AT_ONCE = 500

_log = logging.getLogger(__name__)


class MonitorActivities:
    """`dead_man` is a URL that gets a GET after each good look, at most every half minute: whoever
    listens there (Healthchecks and the like) tells when it stays away. `keep` is how long due times
    stay in the ledger."""

    def __init__(
        self,
        client: Client,
        store: Store,
        settings: Settings,
        *,
        every: float = _EVERY,
        keep: timedelta = timedelta(days=DAYS),
    ) -> None:
        self._server = ScheduleServer(client)
        self._table = LedgerTable(store)
        self._sweeper = Sweeper(self._server, self._table)
        self._teller = Teller(IncidentTable(store), settings)
        self._dead_man = settings.dead_man
        self._every = every
        self._keep = keep
        self._pinged = self._extended = self._pruned = float("-inf")
        self._flaw = ""

    def all(self) -> list[Callable[..., Any]]:
        return [self.watch]

    @activity.defn(name=WATCH)
    async def watch(self, seconds: float) -> None:
        """For so long, or until its worker is stopped. Whatever is away is waited for."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        telling: asyncio.Task[None] | None = None
        stopped = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            while loop.time() < until and not stopped.done():
                took = await self._look()
                if telling is None or telling.done():
                    telling = asyncio.create_task(self._tell())
                await _rest(stopped, max(self._every, min(took * _REST, _LONGEST_REST)))
        finally:
            stopped.cancel()
            if telling is not None:
                # Another attempt may begin soon: two would tell the same side by side.
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def _look(self) -> float:
        """How many seconds it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._sweeper.sweep(alive=activity.heartbeat)
            await self._look_after_others(loop.time())
            self._flaw = ""
        except MusterwerkError as error:
            if str(error) != self._flaw:
                _log.warning("schedules could not be looked at: %s", error)
            self._flaw = str(error)
            await self._note_flaw(self._flaw)
        return loop.time() - began

    async def _look_after_others(self, now: float) -> None:
        if self._dead_man is not None and now - self._pinged >= _PING_EVERY:
            self._pinged = now
            await _ping(self._dead_man)
        if now - self._extended >= _EXTEND_EVERY:
            self._extended = now
            await extend(self._server, datetime.now(UTC), activity.heartbeat)
        if now - self._pruned >= _PRUNE_EVERY:
            gone = await asyncio.to_thread(self._prune)
            if gone < _PRUNED_AT_ONCE:
                self._pruned = now

    def _prune(self) -> int:
        """A little after each look, until all is done: others write, too."""
        with self._table.store.begin() as connection:
            return prune(connection, datetime.now(UTC) - self._keep, _PRUNED_AT_ONCE)

    async def _note_flaw(self, flaw: str) -> None:
        try:
            was = await asyncio.to_thread(self._table.watched)
            own = self._server.client.namespace
            if was is not None and was.namespace != own:
                return  # its monitor is well
            row = was or WatchRow(own, datetime.now(UTC), None)
            await asyncio.to_thread(self._table.note_watch, replace(row, error=flaw))
        except StoreError:
            pass  # it is what is away

    async def _tell(self) -> None:
        try:
            await self._teller.tell()
        except StoreError as error:
            _log.warning("nobody could be told of schedules: %s", error)


async def _rest(stopped: asyncio.Task[None], seconds: float) -> None:
    """Heartbeats go on meanwhile."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0 and not stopped.done():
        activity.heartbeat()
        await asyncio.wait([stopped], timeout=min(left, timedelta(seconds=2).total_seconds()))


async def _ping(url: str) -> None:
    """Its answer does not matter here: whoever listens there knows what to do."""
    try:
        async with httpx.AsyncClient(timeout=_PING_SECONDS, verify=trusted()) as http:
            await http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.warning("the dead man's switch could not be reached: %s", type(error).__name__)
