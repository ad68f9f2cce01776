"""When somebody is told: once when it begins, once when it is well again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from musterwerk.schedules.ledger.model import BAD
from musterwerk.store.ledger_rows import FireRow, IncidentRow

#: So many due times in a row may be skipped, or more as long as it is not longer than the grace.
SKIPS = 3


@dataclass(frozen=True)
class Skips:
    """Due times in a row that were skipped."""

    count: int
    first: datetime
    last: datetime

    def too_many(self, grace: timedelta) -> bool:
        return self.count > SKIPS and self.last - self.first >= grace


@dataclass(frozen=True)
class Circumstances:
    """`skips` are those just before; `told_to` is who is to be told; `still_bad` where something
    that was due after the open incident is not well either, and goes on."""

    now: datetime
    paused: bool
    grace: timedelta
    last_good_at: datetime | None = None
    told_to: tuple[str, ...] = ()
    skips: Skips | None = None
    still_bad: bool = False


def incidents(
    judged: Iterable[FireRow], open_one: IncidentRow | None, known: Circumstances
) -> tuple[list[IncidentRow], Skips | None]:
    """What changes of a schedule's incidents by verdicts that are new, earliest due first; and
    what was skipped in a row by then.

    A failure is told also where the schedule is paused: it may be what paused it. Of anything else
    nobody is told then.
    """
    changed: dict[str, IncidentRow] = {}
    for fire in sorted(judged, key=lambda one: one.due):
        known = replace(known, skips=skips_after(known.skips, fire))
        well = fire.verdict == "ran" and fire.status == "Completed"
        if open_one is not None:
            made_up = fire.status == "Completed" and fire.due == open_one.due
            made_up = made_up and not known.still_bad
            if made_up or (well and fire.due > open_one.due):
                open_one = _closed(open_one, fire, known.now)
                changed[open_one.id] = open_one
                open_one = None
        elif (trouble := _trouble(fire, known)) is not None:
            open_one = _opened(trouble, known)
            changed[open_one.id] = open_one
        if well:
            known = replace(known, last_good_at=fire.due)
    return list(changed.values()), known.skips


def skips_after(before: Skips | None, fire: FireRow) -> Skips | None:
    """What is due later than a run that goes on is skipped, whatever becomes of that run."""
    if not fire.planned or fire.verdict == "waiting":
        return before
    if fire.verdict != "skipped":
        return None if before is None or fire.due >= before.first else before
    if before is None:
        return Skips(1, fire.due, fire.due)
    if fire.due <= before.last:
        return before
    return replace(before, count=before.count + 1, last=fire.due)


def _trouble(fire: FireRow, known: Circumstances) -> FireRow | None:
    """What to tell of it; None where it is nothing to tell."""
    if fire.verdict == "failed":
        return fire
    if known.paused:
        return None
    skips = known.skips
    if fire.verdict == "skipped" and skips is not None and skips.too_many(known.grace):
        reason = f"{skips.count} due times in a row were skipped: {fire.reason}"
        return replace(fire, due=skips.first, reason=reason)
    return fire if fire.verdict in BAD else None


def _opened(fire: FireRow, known: Circumstances) -> IncidentRow:
    return IncidentRow(
        id=f"{fire.schedule}@{fire.due:%Y-%m-%dT%H:%M:%SZ}:{fire.verdict}",
        schedule=fire.schedule,
        due=fire.due,
        verdict=fire.verdict,
        reason=fire.reason,
        last_good_at=known.last_good_at,
        opened_at=known.now,
        told_to=known.told_to,
    )


def _closed(incident: IncidentRow, fire: FireRow, now: datetime) -> IncidentRow:
    news = {"to_tell": "closed", "attempts": 0, "next_try_at": None}
    return replace(incident, closed_at=now, recovered_due=fire.due, **news)
