"""One schedule in one look: what is told of it, with no server and no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from musterwerk.schedules.ledger.case import Case
from musterwerk.schedules.ledger.model import Evidence, Run
from musterwerk.store.ledger_rows import FireRow, IncidentRow
from tests.ledgers import NOON, schedule_row
from tests.schedules.ledger.test_verdicts import HOUR, MINUTE, STAND, run

ROW = schedule_row(seen={"base_id": "report", "skips": None})


def case(now: datetime, *fires: FireRow, runs: tuple[Run, ...] = (), **fields: Any) -> Case:
    found = Case(
        row=ROW,
        was=ROW,
        new_stands=(),
        dues=[],
        rows={one.due: one for one in fires},
        runs={one.due: one for one in runs},
        evidence=Evidence((STAND,), runs),
        incident=None,
        unjudged=None,
        told_to=(),
        now=now,
        held=0,
        coming=None,
    )
    return replace(found, **fields)


def told(one: Case) -> list[IncidentRow]:
    entry = one.entry()
    return list(entry.incidents) if entry else []


def test_what_is_missed_is_told_once() -> None:
    waiting = FireRow("report", NOON, "waiting")
    (opened,) = told(case(NOON + HOUR, waiting))
    assert (opened.verdict, opened.to_tell) == ("missed", "open")


def test_of_a_deleted_one_nothing_is_told_later() -> None:
    """Each look would open an incident and close it, and people would hear of it each time."""
    gone = replace(ROW, gone_at=NOON + MINUTE)
    waiting = FireRow("report", NOON, "waiting")
    assert told(case(NOON + HOUR, waiting, row=gone, was=gone)) == []
    (opened,) = told(case(NOON + HOUR, waiting, row=gone))  # the look that finds it gone
    assert opened.closed_at is not None


def test_a_schedule_that_is_always_late_is_told_once() -> None:
    """Each run that ends late would be well again, and the next one late anew."""
    first = FireRow("report", NOON, "late", status="Running", workflow_id="a", run_id="a")
    second = FireRow("report", NOON + HOUR, "late")
    (opened,) = told(case(NOON + HOUR / 2, FireRow("report", NOON, "waiting")))
    ended = run(began=NOON + 20 * MINUTE, took=80 * MINUTE)
    now = NOON + 2 * HOUR
    both = case(now, first, second, runs=(ended,), incident=opened, held=1)
    assert told(both) == []
    (closed,) = told(case(now, first, runs=(ended,), incident=opened))
    assert (closed.to_tell, closed.recovered_due) == ("closed", NOON)


def test_what_was_told_long_ago_is_no_news_when_it_is_made_up_for() -> None:
    missed = FireRow("report", NOON, "missed")
    late = run(began=NOON + 9 * HOUR, took=timedelta(minutes=1))
    entry = case(NOON + 10 * HOUR, missed, runs=(late,)).entry()
    assert entry is not None
    assert [fire.verdict for fire in entry.fires] == ["late"]
    assert entry.incidents == ()
