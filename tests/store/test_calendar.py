"""Calendars and lists from the schedule ledger, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from musterwerk.store import Store
from musterwerk.store.calendar import Seen, Span, Trouble, Wanted, add_dues, add_troubles, counted
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, IncidentRow
from musterwerk.store.schedule_pages import (
    ScheduleSearch,
    find_schedule,
    measured,
    open_incident,
    owners,
    search_schedules,
    upcoming,
    watched,
)
from tests.store.test_ledger import MINUTE, NOON, ROW, fire

HOUR = timedelta(hours=1)
HOURS = [Span(NOON + at * HOUR, NOON + (at + 1) * HOUR) for at in range(3)]


@pytest.fixture
def table(store: Store) -> LedgerTable:
    return LedgerTable(store)


def look(table: LedgerTable, wanted: Wanted, most: int = 10) -> list[Seen]:
    with table.store.read() as connection:
        seen = counted(connection, HOURS, wanted)
        add_dues(connection, HOURS, seen, wanted, most)
        add_troubles(connection, HOURS, seen, wanted, 2)
    return seen


def test_each_due_time_is_in_its_span(table: LedgerTable) -> None:
    """At the ends of spans something would be counted twice, or never."""
    fires = (fire(0), fire(59), fire(60, "failed"), fire(120, "late"), fire(180), fire(-1))
    table.write([Entry(ROW, fires=fires)])
    for wanted in (Wanted(NOON + 3 * HOUR), Wanted(NOON + 3 * HOUR, schedule="report")):
        seen = look(table, wanted)
        assert [one.counts for one in seen] == [{"ran": 2}, {"failed": 1}, {"late": 1}]
        assert [[due.due for due in one.dues] for one in seen] == [
            [NOON, NOON + 59 * MINUTE],
            [NOON + HOUR],
            [NOON + 2 * HOUR],
        ]


def test_what_has_been_is_not_coming(table: LedgerTable) -> None:
    """Around the monitor's last look a due time would be there twice."""
    times = tuple(NOON + at * MINUTE for at in (0, 30, 60, 90, 300))
    table.write([Entry(ROW, fires=(fire(0), fire(30, "waiting")), coming=times)])
    seen = look(table, Wanted(NOON + 30 * MINUTE))
    assert [one.counts for one in seen] == [{"ran": 1, "waiting": 1}, {"coming": 2}, {}]
    assert [one.verdict for one in seen[1].dues] == ["coming", "coming"]


def test_of_one_owner_or_one_schedule(table: LedgerTable) -> None:
    other = replace(ROW, name="other", owner="ops")
    theirs = replace(fire(1, "missed", "other"), owner="ops")
    ahead = (NOON + 70 * MINUTE,)
    table.write([Entry(ROW, fires=(fire(0, "missed"),), coming=ahead)])
    table.write([Entry(other, fires=(theirs,), coming=ahead)])
    now = NOON + MINUTE
    assert look(table, Wanted(now))[0].counts == {"missed": 2}
    for wanted in (Wanted(now, owner="ops"), Wanted(now, schedule="other")):
        seen = look(table, wanted)
        assert [one.counts for one in seen] == [{"missed": 1}, {"coming": 1}, {}]
        assert [one.schedule for span in seen for one in span.dues] == ["other", "other"]
        assert [one.schedule for one in seen[0].troubles] == ["other"]
    assert not look(table, Wanted(now, owner="nobody"))[0].counts


def test_names_are_those_of_the_worst_and_few(table: LedgerTable) -> None:
    verdicts = [("late", "a"), ("missed", "b"), ("failed", "c"), ("failed", "c"), ("ran", "d")]
    for at, (verdict, name) in enumerate(verdicts):
        table.write([Entry(replace(ROW, name=name), fires=(fire(at, verdict, name),))])
    seen = look(table, Wanted(NOON), most=2)[0]
    assert not seen.dues
    assert seen.troubles == [Trouble("c", "failed", 2), Trouble("b", "missed", 1)]
    assert seen.unnamed == 1


def test_lists_are_filtered_and_paged_by_name(table: LedgerTable) -> None:
    now = NOON + HOUR
    rows = {name: replace(ROW, name=name) for name in ("a_1", "a2", "b1", "b2", "c", "gone")}
    rows["a2"] = replace(rows["a2"], paused=True)
    rows["b1"] = replace(rows["b1"], drifted=True, owner="ops")
    rows["gone"] = replace(rows["gone"], gone_at=NOON)
    table.write([Entry(one) for one in rows.values()])
    incident = IncidentRow("i", "c", NOON, "missed", "", None, NOON)
    waits, runs = fire(0, "waiting", "b2"), fire(0, "ran", "b1", status="Running", started_at=NOON)
    soon = fire(90, "waiting", "a2")
    table.write([Entry(rows["c"], fires=(fire(0, "late", "c"),), incidents=(incident,))])
    table.write([Entry(rows["b2"], fires=(fire(-5, "ran", "b2"), waits))])
    table.write([Entry(rows["b1"], fires=(runs,)), Entry(rows["a2"], fires=(soon,))])

    def names(**wanted: object) -> list[str]:
        with table.store.read() as connection:
            search = ScheduleSearch(**wanted)  # pyright: ignore[reportArgumentType]
            page = search_schedules(connection, search, now)
        return [one.row.name for one in page.schedules]

    assert names() == ["a2", "a_1", "b1", "b2", "c"] or names() == ["a_1", "a2", "b1", "b2", "c"]
    assert names(name="A_") == ["a_1"]
    assert names(paused=True) == ["a2"]
    assert names(paused=False, owner="ops") == names(drifted=True) == ["b1"]
    assert names(failing=True) == ["c"]
    assert names(overdue=True) == ["b2", "c"]
    with table.store.read() as connection:
        found: list[str] = []
        after = None
        while True:
            page = search_schedules(connection, ScheduleSearch(after=after, limit=2), now)
            found += [one.row.name for one in page.schedules]
            if (after := page.next) is None:
                break
        assert found == names()
        b2 = search_schedules(connection, ScheduleSearch(name="b2"), now).schedules[0]
        assert (b2.verdict, b2.due, b2.overdue) == ("ran", NOON - 5 * MINUTE, True)
        c = search_schedules(connection, ScheduleSearch(name="c"), now).schedules[0]
        assert (c.verdict, c.failing_since, c.overdue) == ("late", NOON, True)
        assert owners(connection) == ["finance", "ops"]


def test_what_is_asked_of_one(table: LedgerTable) -> None:
    closed = IncidentRow("old", "report", NOON, "missed", "", None, NOON, closed_at=NOON)
    begun = fire(1, started_at=NOON, ended_at=NOON + MINUTE)
    later = (NOON + MINUTE, NOON + 2 * MINUTE)
    fires = (fire(0, "missed"), begun, fire(2, started_at=NOON))
    table.write([Entry(ROW, fires=fires, incidents=(closed,), coming=later)])
    with table.store.read() as connection:
        assert find_schedule(connection, "report") == ROW
        assert find_schedule(connection, "none") is None
        assert open_incident(connection, "report") is None
        assert [one.due for one in measured(connection, "report", 9)] == [begun.due, later[1]]
        assert upcoming(connection, "report", NOON + MINUTE, 9) == [NOON + 2 * MINUTE]
        assert watched(connection) is None
