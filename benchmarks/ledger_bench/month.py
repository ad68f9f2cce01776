"""How long the page of a month takes, with very many due times in it."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from approvals_bench.figures import spread
from ledger_bench.rows import BEGAN, fire, schedule
from musterwerk.cli.console import start_console
from musterwerk.console.access.cookies import SESSION
from musterwerk.runtime.connection import Target
from musterwerk.store import PeopleTable, Store, database_url
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow, WatchRow
from musterwerk.store.ledger_writing import slot_of
from musterwerk.store.schedule_tables import fire_counts, fires
from musterwerk.store.sessions import SessionTable

#: There is no Temporal: the page is read from the database.
_NOWHERE = Target("127.0.0.1:1", "default", isolated=True)
_MONTH = timedelta(days=30)
_WARM_UP, _AT_ONCE, _AHEAD = 5, 20_000, 50
#: Whose: everybody's, one owner's, one schedule's.
_PAGES = {"all": "", "one_owner": "&owner=owner-3", "one_schedule": "&schedule=bench-0003"}


async def measure(schedules: int, each: int, pages: int) -> dict[str, Any]:
    """`each` due times of each schedule, spread over November; then the page of it, as a browser
    asks the console for it."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(database_url(Path(folder), {}))
        try:
            begun = time.perf_counter()
            _fill(store, schedules, each)
            filled = time.perf_counter() - begun
            process, url = await start_console(Path(folder), _NOWHERE, port=0)
            try:
                found = await _pages(url, SessionTable(store).open("anna"), pages)
            finally:
                await process.stop()
        finally:
            store.close()
    whole = {"schedules": schedules, "verdicts": schedules * each}
    return {**whole, "filled_in_s": round(filled, 1), "p95_ms": found["all"]["p95_ms"], **found}


async def _pages(url: str, session: str, pages: int) -> dict[str, Any]:
    found = dict[str, Any]()
    headers = {"Cookie": f"{SESSION}={session}"}
    async with httpx.AsyncClient(base_url=url, timeout=60, headers=headers) as http:
        for name, more in _PAGES.items():
            took, size = list[float](), 0
            for number in range(pages + _WARM_UP):
                begun = time.perf_counter()
                answer = await http.get(f"/schedules/calendar?date=2026-11-15{more}")
                if number >= _WARM_UP:
                    took.append(time.perf_counter() - begun)
                if answer.status_code != 200 or "November 2026" not in answer.text:
                    raise RuntimeError(f"this is no calendar: {answer.status_code}")
                size = len(answer.content)
            found[name] = {**spread(took), "bytes": size}
    return found


def _fill(store: Store, schedules: int, each: int) -> None:
    """As it comes about: by due time."""
    PeopleTable(store).apply({"people": {"anna": {"name": "Anna"}}}, actor="bench", channel="cli")
    end, step = BEGAN + _MONTH, _MONTH / each
    table = LedgerTable(store)
    ahead = tuple(end + step * at for at in range(1, _AHEAD + 1))
    table.write([Entry(schedule(number), coming=ahead) for number in range(schedules)])
    table.note_watch(WatchRow("default", end, end, schedules, 1))
    counts = Counter[tuple[datetime, str, str]]()
    with store.begin() as connection:
        # Each schedule fills a page of its own.
        connection.exec_driver_sql("PRAGMA cache_size = -500000")
        for rows in _portions(schedules, each, step):
            counts.update((slot_of(one.due), one.owner, one.verdict) for one in rows)
            connection.execute(insert(fires), [vars(one) for one in rows])
        values = [
            {"slot": slot, "owner": owner, "verdict": verdict, "count": count}
            for (slot, owner, verdict), count in sorted(counts.items())
        ]
        connection.execute(insert(fire_counts), values)


def _portions(schedules: int, each: int, step: timedelta) -> Iterator[list[FireRow]]:
    rows = list[FireRow]()
    for at in range(each):
        rows += [fire(number, at, step) for number in range(schedules)]
        if len(rows) >= _AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows
