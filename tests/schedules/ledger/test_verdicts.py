"""Verdicts by what is known: no server, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from musterwerk.schedules.ledger.model import Counted, Evidence, Run, Stand
from musterwerk.schedules.ledger.verdicts import due_times, has_to_have_begun, judge
from musterwerk.schedules.model import Overlap
from musterwerk.schedules.native import NativeInterval, NativeSpec

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
LONG_AGO = NOON - DAY
STAND = Stand(
    since=LONG_AGO,
    unsure_from=LONG_AGO,
    seen_at=LONG_AGO,
    told_at=LONG_AGO,
    paused=False,
    spec=NativeSpec(intervals=frozenset({NativeInterval(3_600)})),
    grace=10 * MINUTE,
)


def known(*stands: Stand, runs: tuple[Run, ...] = (), counted: Counted = Counted()) -> Evidence:  # noqa: B008
    return Evidence(stands or (STAND,), runs, counted)


def run(
    due: datetime = NOON,
    began: datetime = NOON + SECOND,
    *,
    took: timedelta | None = MINUTE,
    status: str = "Completed",
) -> Run:
    ended = None if took is None else began + took
    return Run("report", due, f"report-{due}", "run", status, began, began, ended)


def said(evidence: Evidence, now: timedelta, with_run: Run | None = None) -> str:
    return judge(NOON, with_run, evidence, NOON + now).verdict


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (run(), "ran"),
        (run(took=None, status="Running"), "ran"),
        (run(began=NOON + 10 * MINUTE), "ran"),
        (run(began=NOON + 11 * MINUTE), "late"),
        (run(status="Failed"), "failed"),
        (run(status="TimedOut"), "failed"),
        (run(status="Terminated"), "failed"),
        (run(status="Canceled", began=NOON + HOUR), "failed"),
    ],
)
def test_by_its_run(one: Run, verdict: str) -> None:
    assert said(known(), HOUR * 2, one) == verdict


def begun(minutes: float | None, one: Run) -> Run:
    """As it was looked up; None: no worker has begun."""
    if minutes is None:
        return replace(one, unbegun=True)
    return replace(one, begun_at=NOON + minutes * MINUTE)


GOES_ON = run(took=None, status="Running")
LONG = run(took=HOUR)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (begun(None, GOES_ON), "late"),
        (begun(9, GOES_ON), "ran"),
        (begun(11, GOES_ON), "late"),
        (begun(9, LONG), "ran"),
        (begun(59, LONG), "late"),
        (begun(59, begun(None, LONG)), "late"),
        (begun(None, run(status="TimedOut")), "failed"),
    ],
)
def test_a_run_begins_when_a_worker_begins(one: Run, verdict: str) -> None:
    """The server makes runs also where nobody is there to do them."""
    assert said(known(), HOUR * 2, one) == verdict


def test_what_the_next_run_ended_unbegun_did_not_run() -> None:
    """With `terminate_other` and without a worker each run would end well."""
    other = known(replace(STAND, overlap="terminate_other"))
    ended = run(status="Terminated")
    assert said(other, HOUR, begun(None, ended)) == "missed"
    assert said(other, HOUR, begun(0.5, ended)) == "ran"


@pytest.mark.parametrize(
    ("one", "now", "looked_at"),
    [
        (GOES_ON, 9 * MINUTE, False),
        (GOES_ON, 11 * MINUTE, True),
        (begun(5, GOES_ON), HOUR, False),
        (begun(None, GOES_ON), HOUR, False),
        (begun(None, LONG), 2 * HOUR, True),
        (LONG, 2 * HOUR, True),
        (run(), 2 * HOUR, False),
        (run(took=HOUR, status="Failed"), 2 * HOUR, False),
    ],
)
def test_few_runs_have_to_be_looked_at(one: Run, now: timedelta, looked_at: bool) -> None:
    assert has_to_have_begun(one, STAND, NOON + now) is looked_at


def test_jitter_is_not_lateness() -> None:
    jitter = replace(STAND, spec=replace(STAND.spec, jitter=30 * MINUTE))
    assert said(known(jitter), HOUR, run(began=NOON + 40 * MINUTE)) == "ran"
    assert said(known(jitter), 39 * MINUTE) == "waiting"
    assert said(known(jitter), 41 * MINUTE) == "missed"


@pytest.mark.parametrize(
    ("overlap", "status", "verdict"),
    [
        ("cancel_other", "Canceled", "ran"),
        ("terminate_other", "Terminated", "ran"),
        ("cancel_other", "Terminated", "failed"),
        ("skip", "Canceled", "failed"),
    ],
)
def test_what_the_policy_ended_has_not_failed(overlap: Overlap, status: str, verdict: str) -> None:
    assert said(known(replace(STAND, overlap=overlap)), HOUR, run(status=status)) == verdict


def test_without_a_run_it_waits_for_its_grace_and_was_missed() -> None:
    assert said(known(), 9 * MINUTE) == "waiting"
    assert said(known(), 10 * MINUTE) == "missed"


def test_the_server_says_why() -> None:
    """It counts what it loses at once: nobody waits for the grace to hear of it."""
    missed = judge(NOON, None, replace(known(), lost={NOON: "missed"}), NOON + SECOND)
    assert missed.reason.startswith("the server came to it too late")
    assert said(replace(known(), lost={NOON: "dropped"}), SECOND) == "dropped"
    assert said(replace(known(), lost={NOON: "dropped"}), SECOND, run()) == "ran"


def test_skipped_by_overlap() -> None:
    """At once where the server has counted one, after the grace where nothing else explains it."""
    before = run(NOON - HOUR, NOON - HOUR, took=2 * HOUR)
    counted = Counted(skipped=1)
    assert said(known(runs=(before,), counted=counted), SECOND) == "skipped"
    assert said(known(runs=(before,)), SECOND) == "waiting"
    assert said(known(runs=(before,)), HOUR) == "skipped"
    assert said(known(replace(STAND, overlap="allow_all"), runs=(before,)), HOUR) == "missed"
    made_up = run(NOON - MINUTE, NOON + MINUTE, took=SECOND)
    assert said(known(runs=(made_up,)), HOUR) == "skipped"
    over = run(NOON - HOUR, NOON - HOUR, took=MINUTE)
    assert said(known(runs=(over,), counted=counted), HOUR) == "missed"


def test_what_is_buffered_is_late_and_not_lost() -> None:
    under_way = run(NOON - HOUR, NOON - HOUR, took=None, status="Running")
    counted = Counted(skipped=1)
    for overlap in ("buffer_one", "buffer_all"):
        all_known = known(replace(STAND, overlap=overlap), runs=(under_way,), counted=counted)
        held = replace(all_known, buffered=frozenset({NOON}))
        assert said(held, MINUTE) == "waiting"
        found = judge(NOON, None, held, NOON + HOUR)
        assert (found.verdict, found.reason) == ("late", "it waits for the run before")
    full = known(replace(STAND, overlap="buffer_one"), runs=(under_way,), counted=counted)
    assert said(replace(full, buffered=frozenset({NOON - MINUTE})), MINUTE) == "skipped"


def looked(paused: bool, before: datetime, at: datetime, **other: object) -> Stand:
    """As it stood when somebody looked, whatever was between this look and the one before."""
    return replace(STAND, since=before, unsure_from=before, seen_at=at, paused=paused, **other)


def test_while_it_was_paused() -> None:
    paused = looked(True, NOON - HOUR, NOON - HOUR + SECOND)
    assert said(known(STAND, paused), SECOND) == "paused"
    again = looked(False, NOON + HOUR, NOON + HOUR + SECOND)
    assert said(known(STAND, paused, again), 2 * HOUR) == "paused"
    # A run by hand, or one that began just before.
    assert said(known(STAND, paused), HOUR, run()) == "ran"


def test_paused_between_two_looks_nobody_knows_when() -> None:
    around = looked(True, NOON - SECOND, NOON + SECOND)
    assert said(known(STAND, around), MINUTE) == "paused"
    assert said(known(STAND, around), MINUTE, run()) == "ran"
    later = looked(True, NOON + SECOND, NOON + 3 * SECOND)
    assert said(known(STAND, later), MINUTE) == "waiting"
    continued = looked(False, NOON - SECOND, NOON + SECOND)
    assert said(known(replace(STAND, paused=True), continued), MINUTE) == "paused"


def test_paused_just_before_the_server_came_to_it() -> None:
    at = NOON + SECOND / 30
    overtaken = replace(STAND, since=at, unsure_from=at, seen_at=at, paused=True)
    assert said(known(STAND, overtaken), SECOND) == "waiting"
    assert said(known(STAND, overtaken), HOUR) == "paused"
    assert said(known(STAND, overtaken), HOUR, run()) == "ran"
    at = NOON + 3 * SECOND
    later = replace(overtaken, since=at, unsure_from=at, seen_at=at)
    assert said(known(STAND, later), HOUR) == "missed"


def test_what_the_server_holds_survives_an_update() -> None:
    changed = told(NOON + MINUTE, after=NOON - MINUTE)
    held = replace(known(STAND, changed), buffered=frozenset({NOON}))
    assert said(held, 3 * MINUTE) == "waiting"
    assert said(held, HOUR) == "late"


def told(at: datetime, *, after: datetime) -> Stand:
    """Told otherwise then; somebody had looked `after` that, and saw it a minute later."""
    return replace(STAND, since=at, told_at=at, unsure_from=after, seen_at=at + MINUTE)


def test_changed_before_the_server_came_to_it() -> None:
    changed = told(NOON + MINUTE, after=NOON - MINUTE)
    assert said(known(STAND, changed), 3 * MINUTE) == "before_update"
    assert said(known(STAND, changed), 3 * MINUTE, run()) == "ran"
    deleted = judge(NOON, None, known(STAND, replace(changed, gone=True)), NOON + 3 * MINUTE)
    assert deleted.reason == "the schedule was deleted before it began"


def test_an_update_of_later_explains_nothing() -> None:
    """The look before that had seen that the server was past it."""
    changed = told(NOON + 5 * HOUR, after=NOON + 4 * HOUR)
    assert said(known(STAND, changed), 7 * HOUR) == "missed"


def test_each_due_time_is_of_the_spec_that_counted_then() -> None:
    half = replace(STAND.spec, intervals=frozenset({NativeInterval(1_800)}))
    changed = replace(STAND, since=NOON + 2 * HOUR, spec=half)
    gone = replace(changed, since=NOON + 3 * HOUR, gone=True)
    stands = [STAND, changed, gone]
    found = [at - NOON for at in due_times(stands, NOON, NOON + DAY)]
    assert found == [HOUR, 2 * HOUR, 2.5 * HOUR, 3 * HOUR]
    assert list(due_times(stands, NOON + HOUR, NOON + HOUR)) == []
