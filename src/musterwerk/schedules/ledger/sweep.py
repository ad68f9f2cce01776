"""One look at all schedules of ours: what is new since the last one, judged and written down.

Whoever looks again after an outage of any length goes on where it ended. To write the same twice
changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from musterwerk.errors import StoreError
from musterwerk.schedules.ledger.case import Case
from musterwerk.schedules.ledger.model import Run
from musterwerk.schedules.ledger.opening import Look, open_case
from musterwerk.schedules.ledger.reading import look_for_begin, look_up, runs_since
from musterwerk.schedules.ledger.unjudged import left_out
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow, IncidentRow, ScheduleRow, WatchRow

#: Temporal's list may be so old.
_LIST_LAG = timedelta(seconds=60)
#: So long without a look is told to the operators, if anything was due meanwhile.
_AWAY = timedelta(minutes=2)
_AT_ONCE = 100

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Sweeper:
    """`sweep` raises `ServerError` and `StoreError` while these are away, and has then written
    nothing, or only of some schedules: the next one does all of it."""

    def __init__(
        self, server: ScheduleServer, table: LedgerTable, clock: Callable[[], datetime] = _now
    ) -> None:
        self._server = server
        self._table = table
        self._clock = clock

    async def sweep(self, alive: Callable[[], object] = lambda: None) -> WatchRow:
        """`alive` is called every now and then while it works."""
        began = self._clock()
        before = await asyncio.to_thread(self._table.watched)
        looked = before.good_until if before and before.good_until else None
        namespace = self._server.client.namespace
        if before is not None and before.namespace != namespace:
            raise StoreError(
                f"this database keeps the ledger of the namespace {before.namespace!r}, and this "
                f"worker serves {namespace!r}; give each namespace a database of its own"
            )
        cases, judged = await self._cases(began, looked, alive)
        judged += [entry for case in cases if (entry := case.entry()) is not None]
        # Before the rest: what is written then is not new to the next look.
        await asyncio.to_thread(self._away, looked, began, judged)
        for first in range(0, len(judged), _AT_ONCE):
            await asyncio.to_thread(self._table.write, judged[first : first + _AT_ONCE])
            alive()
        took = self._clock() - began
        row = WatchRow(namespace, began, began, len(cases), int(took.total_seconds() * 1000))
        await asyncio.to_thread(self._table.note_watch, row)
        return row

    async def _cases(
        self, now: datetime, looked: datetime | None, alive: Callable[[], object]
    ) -> tuple[list[Case], list[Entry]]:
        """And what is new of schedules that cannot be judged."""
        known = await asyncio.to_thread(self._table.known)
        found = await self._described(set(known), alive)
        # One that cannot be judged may be behind for long: its runs are looked up one by one.
        behind = [
            one.watched_until for one in known.values() if one.gone_at is None and not one.flaw
        ]
        runs = await self._runs(min([now if looked is None else looked, *behind]))
        alive()
        open_fires = await asyncio.to_thread(self._table.open_fires)
        incidents = await asyncio.to_thread(self._table.open_incidents)
        unjudged = await asyncio.to_thread(self._table.unjudged)
        stands = await asyncio.to_thread(
            self._table.stands,
            {name: _earliest(now, known.get(name), open_fires, runs.get(name)) for name in found},
        )
        keys = [(name, due) for name, of in runs.items() for due in of]
        fires = {
            (one.schedule, one.due): one
            for one in await asyncio.to_thread(self._table.fires_at, keys)
        }
        look = Look(now, looked, known, stands, open_fires, fires, runs, incidents, unjudged)
        cases, out = await self._opened(found, look, alive)
        alive()
        doubts = [doubt for case in cases.values() for doubt in case.doubts()]
        for run in await look_up(self._server.client, doubts, alive):
            cases[run.schedule].add(run)
        unsure = [run for case in cases.values() for run in case.to_have_begun()]
        for run in await look_for_begin(self._server.client, unsure, alive):
            cases[run.schedule].add(run)
        return list(cases.values()), out

    async def _opened(
        self,
        found: Mapping[str, Described | None],
        look: Look,
        alive: Callable[[], object],
    ) -> tuple[dict[str, Case], list[Entry]]:
        """One that cannot be judged does not keep the others from it."""
        cases, out = dict[str, Case](), list[Entry]()
        for name, described in found.items():
            flaw = ""
            try:
                case = await open_case(self._server, name, described, look)
            except (ScheduleMistake, ValueError, KeyError) as error:
                case, flaw = None, f"{error}" or type(error).__name__
            alive()
            await asyncio.sleep(0)  # others use this loop, too
            if case is not None:
                cases[name] = case
            elif (entry := _left_out(name, described, look, flaw)) is not None:
                if flaw:
                    _log.error("the ledger leaves %s out: %s", name, flaw)
                out.append(entry)
        return cases, out

    async def _described(
        self, known: set[str], alive: Callable[[], object]
    ) -> dict[str, Described | None]:
        names = {name async for name in self._server.names()} | known
        few = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(name: str) -> tuple[str, Described | None]:
            async with few:
                found = await self._server.describe(name)
                alive()
                return name, found if found is not None and found.ours else None

        return {
            name: found
            for name, found in await asyncio.gather(*map(one, sorted(names)))
            if found is not None or name in known
        }

    async def _runs(self, looked: datetime) -> dict[str, dict[datetime, Run]]:
        found: dict[str, dict[datetime, Run]] = {}
        for run in await runs_since(self._server.client, looked - _LIST_LAG):
            found.setdefault(run.schedule, {})[run.due] = run
        return found

    def _away(self, looked: datetime | None, now: datetime, judged: list[Entry]) -> None:
        """Who watches for others is watched by itself: it tells that it was away."""
        if looked is None or now - looked < _AWAY:
            return
        late = sum(looked < fire.due <= now for entry in judged for fire in entry.fires)
        if not late:
            return
        reason = f"{late} due times between were looked at only afterwards"
        told = IncidentRow(
            id=f"monitor@{looked:%Y-%m-%dT%H:%M:%SZ}",
            schedule="",
            due=looked,
            verdict="away",
            reason=reason,
            last_good_at=looked,
            opened_at=now,
            closed_at=now,
            recovered_due=now,
            to_tell="closed",
        )
        IncidentTable(self._table.store).note_incident(told)


def _left_out(name: str, found: Described | None, look: Look, flaw: str) -> Entry | None:
    several = [of[name] for of in (look.incidents, look.unjudged) if name in of]
    return left_out(found, look.known.get(name), several, flaw, look.now)


def _earliest(
    now: datetime,
    known: ScheduleRow | None,
    open_fires: Mapping[str, list[FireRow]],
    runs: Mapping[datetime, Run] | None,
) -> datetime:
    """Of all due times that are to be judged."""
    waiting = open_fires.get(known.name, []) if known else []
    times = [now, *(runs or ()), *(one.due for one in waiting)]
    return min([*times, known.watched_until] if known else times)
