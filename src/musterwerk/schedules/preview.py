"""The next runs: when they are meant, when they will be, and where that is not the same. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.model import When
from musterwerk.schedules.server_rules import fires
from musterwerk.schedules.zones import zone

#: Whatever fires at all does so within this time: 29 February on a Sunday comes every 28 years.
_FAR = timedelta(days=366 * 41)
_LAST = datetime(2100, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Due:
    """`due_local` is in the schedule's zone. `note` says why both differ."""

    due_local: datetime
    due_utc: datetime
    meant: bool
    will_happen: bool
    note: str = ""


def preview(when: When, after: datetime, count: int) -> list[Due]:
    """The next `count`, by our own account of the server's rules. Raises `ScheduleMistake`."""
    until = min(after + _FAR, _LAST)
    spec = compile_when(when, after).spec
    return list(islice(compare(when, fires(spec, after, until), after, until), count))


def standing(
    dues: Iterable[Due], now: datetime, *, hindered: str, left: int | None, before: int = 0
) -> list[Due]:
    """What comes of them as the schedule stands: `left` runs after now, of which `before` are due
    before these; none where it is `hindered`, which says by what."""
    found: list[Due] = []
    following = before
    for due in dues:
        why = ""
        if due.will_happen and due.due_utc > now:
            following += 1
            over = left is not None and following > left
            why = hindered or ("it has had all its runs by then" if over else "")
        found.append(replace(due, will_happen=False, note=why) if why else due)
    return found


def compare(
    when: When, happening: Iterable[datetime], after: datetime, until: datetime
) -> Iterator[Due]:
    """`happening` in order, from the server or from its rules."""
    where, info = zone(when.time_zone), ZoneInfo(when.time_zone)
    both = heapq.merge(
        ((at, True) for at in meant(when, after, until)), ((at, False) for at in happening)
    )
    waiting: list[tuple[datetime, bool]] = []
    for at, is_meant in both:
        if waiting and waiting[0][0] != at:
            yield _due(waiting, where.changes, info)
            waiting = []
        waiting.append((at, is_meant))
    if waiting:
        yield _due(waiting, where.changes, info)


def _due(found: list[tuple[datetime, bool]], changes: list[int], info: ZoneInfo) -> Due:
    at, kinds = found[0][0], {is_meant for _, is_meant in found}
    seconds = int(at.timestamp())
    near = any(abs(seconds - change) < 86_400 for change in changes)
    note = ""
    if kinds == {True}:
        note = "the server loses this run" + (" at the clock change" if near else "")
    elif kinds == {False}:
        note = "the server runs this as well" + (", at the clock change" if near else "")
    return Due(at.astimezone(info), at, True in kinds, False in kinds, note)
