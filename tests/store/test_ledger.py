"""The tables of the schedule ledger, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from musterwerk.errors import UsageError
from musterwerk.store import Store
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_metrics import ledger_metrics
from musterwerk.store.ledger_reading import FireSearch, incidents_of, search_fires, summaries
from musterwerk.store.ledger_rows import Entry, FireRow, IncidentRow, StandRow, WatchRow
from musterwerk.store.ledger_writing import slot_of
from musterwerk.store.schedule_pages import ScheduleSearch, search_schedules
from musterwerk.store.schedule_tables import coming, fire_counts
from tests.ledgers import NOON, schedule_row

MINUTE = timedelta(minutes=1)
ROW = schedule_row(declared={"name": "report"}, seen={"token": "00"}, next_at=NOON + MINUTE)


def fire(minutes: float, verdict: str = "ran", name: str = "report", **other: object) -> FireRow:
    return FireRow(name, NOON + minutes * MINUTE, verdict, "finance", **other)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def table(store: Store) -> LedgerTable:
    return LedgerTable(store)


def counts(table: LedgerTable) -> dict[tuple[datetime, str, str], int]:
    with table.store.read() as connection:
        rows = connection.execute(select(fire_counts)).all()
    return {(slot, owner, verdict): count for slot, owner, verdict, count in rows if count}


def test_what_is_written_is_read(table: LedgerTable) -> None:
    stand = StandRow("report", NOON, NOON, {"paused": False})
    table.write([Entry(ROW, stands=(stand,), fires=(fire(0, "waiting"), fire(1)))])
    assert table.known() == {"report": ROW}
    assert table.stands({"report": NOON + MINUTE}) == {"report": [stand]}
    assert table.open_fires() == {"report": [fire(0, "waiting")]}
    assert table.fires_at([("report", NOON + MINUTE), ("report", NOON)]) != []
    gone = replace(ROW, gone_at=NOON)
    table.write([Entry(gone)])
    assert table.known() == {"report": gone}  # something of it is open still
    table.write([Entry(gone, fires=(fire(0, "before_update"),))])
    assert table.known() == {}


def test_counts_follow_verdicts(table: LedgerTable) -> None:
    """A calendar of a thousand schedules is made of these alone."""
    table.write([Entry(ROW, fires=(fire(0, "waiting"), fire(1, "waiting"), fire(20)))])
    table.write([Entry(ROW, fires=(fire(0), fire(1, "missed")))])
    table.write([Entry(ROW, fires=(fire(1, "missed"),))])
    later = slot_of(NOON + 20 * MINUTE)
    assert counts(table) == {
        (NOON, "finance", "ran"): 1,
        (NOON, "finance", "missed"): 1,
        (later, "finance", "ran"): 1,
    }
    other = replace(fire(0, "failed"), owner="ops")
    table.write([Entry(replace(ROW, owner="ops"), fires=(other,))])
    assert counts(table)[NOON, "ops", "failed"] == 1
    assert (NOON, "finance", "ran") not in counts(table)


def test_those_stands_that_counted_at_some_time(table: LedgerTable) -> None:
    several = [StandRow("report", NOON + at * MINUTE, NOON, {"n": at}) for at in range(4)]
    table.write([Entry(ROW, stands=tuple(several))])
    assert table.stands({"report": NOON + 2.5 * MINUTE})["report"] == several[2:]
    assert table.stands({"report": NOON - MINUTE})["report"] == several
    assert table.stands({"nobody": NOON}) == {"nobody": []}


def test_the_times_ahead_are_replaced(table: LedgerTable) -> None:
    table.write([Entry(ROW, coming=(NOON, NOON + MINUTE))])
    table.write([Entry(ROW, coming=(NOON + MINUTE,))])
    table.write([Entry(ROW)])
    with table.store.read() as connection:
        assert [row.due for row in connection.execute(select(coming))] == [NOON + MINUTE]


def test_pages_and_filters(table: LedgerTable) -> None:
    several = [fire(at, "late" if at % 3 == 0 else "ran") for at in range(10)]
    others = [fire(at, "ran", "other") for at in range(10)]
    table.write(
        [Entry(ROW, fires=tuple(several)), Entry(replace(ROW, name="other"), fires=tuple(others))]
    )
    found: list[FireRow] = []
    after = None
    with table.store.read() as connection:
        while True:
            page = search_fires(connection, FireSearch(limit=7, after=after))
            found += page.fires
            if (after := page.next) is None:
                break
        assert len(found) == len(set(found)) == 20
        assert found == sorted(found, key=lambda one: (one.due, one.schedule), reverse=True)
        late = search_fires(connection, FireSearch(("report",), ("late",), since=NOON + MINUTE))
        assert [one.due for one in late.fires] == [NOON + at * MINUTE for at in (9, 6, 3)]
        assert not search_fires(connection, FireSearch(owner="nobody")).fires
        with pytest.raises(UsageError, match="is not where a page ended"):
            search_fires(connection, FireSearch(after="rubbish"))


def test_how_well_a_schedule_has_done(table: LedgerTable) -> None:
    def run(at: int, verdict: str, late: int, took: int) -> FireRow:
        began = NOON + at * MINUTE + timedelta(seconds=late)
        ended = began + timedelta(seconds=took)
        return fire(at, verdict, status="Completed", started_at=began, ended_at=ended)

    rows = (run(0, "ran", 1, 10), run(1, "late", 600, 20), run(2, "failed", 2, 30))
    by_hand = replace(run(3, "failed", 0, 1), planned=False)
    table.write([Entry(ROW, fires=(*rows, by_hand, fire(4, "skipped"), fire(5, "missed")))])
    with table.store.read() as connection:
        (found,) = summaries(connection, FireSearch())
        assert summaries(connection, FireSearch(since=NOON + timedelta(days=1))) == []
    assert found.verdicts == {"ran": 1, "late": 1, "failed": 1, "skipped": 1, "missed": 1}
    assert found.success_rate == 0.5
    assert (found.late_median_s, found.late_max_s) == (2, 600)
    assert (found.took_median_s, found.took_max_s) == (20, 30)


def test_what_no_worker_has_begun_is_no_success(table: LedgerTable) -> None:
    """With no worker at all everything would be well: the server makes the runs all the same."""
    waits = fire(0, "late", status="Running", run_id="r", started_at=NOON)
    table.write([Entry(ROW, fires=(waits, fire(1, "late"), fire(2, "skipped")))])
    with table.store.read() as connection:
        (found,) = summaries(connection, FireSearch())
        figures = ledger_metrics(connection)
        (listed,) = search_schedules(
            connection, ScheduleSearch(overdue=True), NOON + MINUTE / 2
        ).schedules
    assert (found.success_rate, found.late_max_s, found.took_max_s) == (0.0, None, None)
    assert figures.late_sum == 0
    assert listed.overdue
    ended = replace(waits, status="Completed", begun_at=NOON + MINUTE, ended_at=NOON + 3 * MINUTE)
    table.write([Entry(ROW, fires=(ended,))])
    with table.store.read() as connection:
        (found,) = summaries(connection, FireSearch())
        assert ledger_metrics(connection).late_sum == 60
        assert not search_schedules(connection, ScheduleSearch(overdue=True), NOON).schedules
    assert (found.success_rate, found.late_max_s, found.took_max_s) == (0.5, 60, 120)


def test_incidents_and_the_monitor_itself(table: LedgerTable) -> None:
    told = IncidentTable(table.store)
    incident = IncidentRow("one", "report", NOON, "missed", "", None, NOON, ("ops@example.com",))
    table.write([Entry(ROW, incidents=(incident,))])
    assert table.open_incidents() == {"report": incident}
    told.note_incident(replace(incident, reason="again"))
    with table.store.read() as connection:
        assert incidents_of(connection, "report") == [incident]
    closed = replace(incident, closed_at=NOON, to_tell="closed")
    table.write([Entry(ROW, incidents=(closed,))])
    told.all_told("one", "open")  # who is late has nothing to say of what is new
    assert told.to_tell(NOON) == [closed]
    assert table.watched() is None
    for row in (
        WatchRow("default", NOON, None, error="away"),
        WatchRow("default", NOON, NOON, 3, 20),
    ):
        table.note_watch(row)
        assert table.watched() == row
