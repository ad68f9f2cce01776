"""What is old goes from the ledger, and the counts with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from musterwerk.errors import UsageError
from musterwerk.store import Store
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_metrics import ledger_metrics
from musterwerk.store.ledger_pruning import ledger_days, prune
from musterwerk.store.ledger_reading import FireSearch, search_fires
from musterwerk.store.ledger_rows import Entry, FireRow, IncidentRow, StandRow
from musterwerk.store.schedule_tables import coming, fire_counts, incidents, schedules, stands
from tests.ledgers import NOON, schedule_row

DAY = timedelta(days=1)
ROW = schedule_row()


def fire(days: float, verdict: str = "ran", name: str = "report", **fields: object) -> FireRow:
    return FireRow(name, NOON + days * DAY, verdict, "finance", **fields)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def table(store: Store) -> LedgerTable:
    return LedgerTable(store)


def pruned(table: LedgerTable, before: datetime = NOON, limit: int = 500) -> int:
    with table.store.begin() as connection:
        return prune(connection, before, limit)


def left(table: LedgerTable) -> list[tuple[float, str]]:
    with table.store.read() as connection:
        found = search_fires(connection, FireSearch()).fires
        counted = ledger_metrics(connection).fires
        added = connection.execute(select(func.sum(fire_counts.c["count"]))).scalar()
    verdicts = [one.verdict for one in found]
    assert counted == {("finance", one): verdicts.count(one) for one in set(verdicts)}
    assert (added or 0) == len(found)
    return [((one.due - NOON) / DAY, one.verdict) for one in reversed(found)]


def test_the_oldest_go_first_a_few_at_a_time(table: LedgerTable) -> None:
    several = [fire(at) for at in (-3, -2, -1, 1)]
    table.write([Entry(ROW, fires=(*several, fire(-2.5, "missed")))])
    assert pruned(table, limit=2) == 2
    assert left(table) == [(-2, "ran"), (-1, "ran"), (1, "ran")]
    assert pruned(table, limit=2) == 2
    assert pruned(table, limit=2) == 0
    assert left(table) == [(1, "ran")]
    with table.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(fire_counts)).scalar() == 1


def test_what_is_open_stays(table: LedgerTable) -> None:
    """An incident without what it is about, or a run of which nobody would hear how it ends."""
    going_on = fire(-9, status="Running", run_id="r", started_at=NOON)
    trouble = [fire(-8, "missed"), fire(-7, "ran"), fire(-6, "failed"), fire(-5, "skipped")]
    incident = IncidentRow("i", "report", NOON - 8 * DAY, "missed", "", None, NOON)
    table.write(
        [
            Entry(
                ROW,
                fires=(going_on, fire(-8.5, "missed"), fire(-4, "waiting"), *trouble),
                incidents=(incident,),
            )
        ]
    )
    pruned(table)
    kept = [(-9, "ran"), (-8, "missed"), (-6, "failed"), (-5, "skipped"), (-4, "waiting")]
    assert left(table) == kept
    table.write([Entry(ROW, incidents=(replace(incident, closed_at=NOON),))])
    pruned(table)
    assert left(table) == [kept[0], kept[-1]]
    assert table.open_incidents() == {}


def test_what_stands_beside_goes_too(table: LedgerTable) -> None:
    closed = IncidentRow("old", "report", NOON - 9 * DAY, "missed", "", None, NOON - 9 * DAY)
    closed = replace(closed, closed_at=NOON - 8 * DAY)
    told = IncidentTable(table.store)
    told.mark_told("old", "open", "ops@example.com", NOON - 9 * DAY)
    several = tuple(StandRow("report", NOON + at * DAY, NOON, {}) for at in (-9, -8, 8))
    gone = replace(ROW, name="gone", gone_at=NOON - DAY)
    table.write(
        [
            Entry(ROW, stands=several, incidents=(closed,)),
            Entry(gone, stands=(StandRow("gone", NOON - DAY, NOON, {}),), coming=(NOON,)),
        ]
    )
    pruned(table)
    with table.store.read() as connection:
        assert list(connection.execute(select(incidents.c.id)).scalars()) == []
        assert list(connection.execute(select(schedules.c.name)).scalars()) == ["report"]
        # The one before the limit counts still.
        since = select(stands.c.since).order_by(stands.c.since)
        assert list(connection.execute(since).scalars()) == [NOON - 8 * DAY, NOON + 8 * DAY]
        assert list(connection.execute(select(coming.c.due)).scalars()) == []
    assert told.told("old", "open") == set()


@pytest.mark.parametrize("given", ["0", "-1", "a year", "1.5", "99999999"])
def test_so_many_days(given: str) -> None:
    assert ledger_days({}) == ledger_days({"MUSTERWERK_LEDGER_DAYS": " "}) == 400
    assert ledger_days({"MUSTERWERK_LEDGER_DAYS": "30"}) == 30
    with pytest.raises(UsageError, match=r"MUSTERWERK_LEDGER_DAYS is .* is expected"):
        ledger_days({"MUSTERWERK_LEDGER_DAYS": given})
