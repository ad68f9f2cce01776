"""What became of a due time, by what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from musterwerk.schedules.ledger.model import Evidence, Judgement, Run, Stand, Verdict
from musterwerk.schedules.server_rules import fires
from musterwerk.wire import in_words

#: The server looks at a due time a moment after it, when the run before may have just ended.
_MOMENT = timedelta(seconds=2)
_ENDED_BY_POLICY = {"cancel_other": "Canceled", "terminate_other": "Terminated"}
_FAILURES = {
    "Failed": "the workflow failed",
    "TimedOut": "the workflow timed out",
    "Terminated": "the workflow was terminated",
    "Canceled": "the workflow was canceled",
}

_LOST: dict[Verdict, Judgement] = {
    "dropped": Judgement("dropped", "too many runs waited for the one before"),
    "missed": Judgement("missed", "the server came to it too late: its catch-up window was over"),
}


def due_times(stands: list[Stand], after: datetime, until: datetime) -> Iterator[datetime]:
    """What was due after `after`, up to and with `until`, by the spec that counted then."""
    for at, stand in enumerate(stands):
        following = stands[at + 1].since if at + 1 < len(stands) else until
        if not stand.gone:
            yield from fires(stand.spec, max(after, stand.since), min(until, following))


def judge(due: datetime, run: Run | None, known: Evidence, now: datetime) -> Judgement:
    """A verdict may be given again when more is known: a run that comes at last was late."""
    stand = stand_at(due, known)
    if run is not None:
        return _of_run(due, run, stand)
    if due in known.buffered:
        waits = now < due + stand.patience
        return Judgement("waiting") if waits else Judgement("late", "it waits for the run before")
    if found := _paused(due, known) or _skipped(due, known, stand, sure=True):
        return found
    if found := _overtaken(due, known, stand):
        return found
    if due in known.lost:
        return _LOST[known.lost[due]]
    if now < due + stand.patience:
        return Judgement("waiting")
    if found := _skipped(due, known, stand, sure=False) or _just_before_a_pause(due, known):
        return found
    return _nowhere(due, known)


def stand_at(due: datetime, known: Evidence) -> Stand:
    """As it was told last before; the first one where the ledger began later."""
    before = [one for one in known.stands if one.since < due]
    return before[-1] if before else known.stands[0]


def is_ended_by_policy(run: Run, stand: Stand) -> bool:
    return run.status == _ENDED_BY_POLICY.get(stand.overlap)


def has_to_have_begun(run: Run, stand: Stand, now: datetime) -> bool:
    """Whether its verdict hangs on a worker: what has ended within its grace needs no look, nor
    does what has failed anyhow."""
    if run.begun_at is not None or (run.is_running and run.unbegun):
        return False
    if is_ended_by_policy(run, stand):
        return True
    over = run.due + stand.patience
    return run.status in ("Running", "Completed") and (run.ended_at or now) > over


def _of_run(due: datetime, run: Run, stand: Stand) -> Judgement:
    if is_ended_by_policy(run, stand):
        if run.unbegun:
            return Judgement("missed", "the next run ended it before a worker had begun with it")
        return Judgement("ran", "ended for the next run, as its overlap policy says")
    if run.status in _FAILURES:
        said = f": {run.message}" if run.message else ""
        return Judgement("failed", _FAILURES[run.status] + said)
    if run.unbegun and run.begun_at is None:
        return Judgement("late", "no worker had begun with it by the end of its grace")
    late = (run.begun_at or run.started_at) - due
    if late <= stand.patience:
        return Judgement("ran")
    if run.started_at - due <= stand.patience:
        return Judgement("late", f"a worker began with it {in_words(late)} after its time")
    return Judgement("late", f"it began {in_words(late)} after its time")


def _paused(due: datetime, known: Evidence) -> Judgement | None:
    for before, after in pairwise(known.stands):
        if before.paused != after.paused and after.unsure_from <= due < after.seen_at:
            return Judgement("paused", "it was paused about then")
    seen = [one for one in known.stands if one.seen_at <= due]
    state = seen[-1] if seen else known.stands[0]
    return Judgement("paused") if state.paused else None


def _just_before_a_pause(due: datetime, known: Evidence) -> Judgement | None:
    """The server is some moments behind the clock: a pause can overtake what is due."""
    for before, after in pairwise(known.stands):
        pauses = after.paused and not before.paused
        if pauses and due < after.unsure_from <= due + _MOMENT:
            return Judgement("paused", "it was paused before the server came to it")
    return None


def _skipped(due: datetime, known: Evidence, stand: Stand, *, sure: bool) -> Judgement | None:
    """Sure where the server has just counted one; else it is the likely reason."""
    if stand.overlap not in ("skip", "buffer_one"):
        return None
    if sure and not known.counted.skipped:
        return None
    for run in known.runs:
        under_way = run.started_at <= due + _MOMENT and (
            run.ended_at is None or run.ended_at >= due
        )
        # After an outage the server comes to both at once: the earlier one runs.
        made_up = run.due < due < run.started_at
        if run.due != due and (under_way or made_up):
            return Judgement("skipped", f"the run of {run.due:%Y-%m-%d %H:%M:%S} UTC still went on")
    return None


def _overtaken(due: datetime, known: Evidence, stand: Stand) -> Judgement | None:
    """The server drops what it has not come to when it is told otherwise. Only since the last look
    before that: what was due earlier it had come to."""
    for before, after in pairwise(known.stands):
        told = after.told_at != before.told_at and due < after.told_at
        if told and after.unsure_from - stand.patience <= due:
            said = "deleted" if after.gone else "changed"
            return Judgement("before_update", f"the schedule was {said} before it began")
    return None


def _nowhere(due: datetime, known: Evidence) -> Judgement:
    """Its grace is over, and there is no run."""
    if known.known_from is not None and due < known.known_from:
        return Judgement("missed", "no run is known; Temporal keeps none from so long ago")
    return Judgement("missed", "there is no run")
