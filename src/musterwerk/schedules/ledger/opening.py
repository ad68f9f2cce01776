"""A case opened: what the server says of a schedule, beside what the ledger knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from musterwerk.schedules.ledger import standing
from musterwerk.schedules.ledger.case import Case, run_of
from musterwerk.schedules.ledger.journal import stands_of, told_since
from musterwerk.schedules.ledger.model import Counted, Evidence, Run, Stand
from musterwerk.schedules.ledger.verdicts import due_times
from musterwerk.schedules.planning import by_hand
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.server_rules import fires
from musterwerk.store.ledger_rows import FireRow, IncidentRow, ScheduleRow, StandRow

_AHEAD, _MANY = timedelta(days=40), 50
#: More of one schedule are written in the next look.
_MOST = 2_000
#: So often `watched_until` is written where nothing else is new.
_KEPT_UP = timedelta(hours=1)


@dataclass(frozen=True)
class Look:
    """What the ledger knows, by schedule, and Temporal of runs. `before` is when everything was
    looked at last; None at the very first time."""

    now: datetime
    before: datetime | None
    known: Mapping[str, ScheduleRow]
    stands: Mapping[str, list[StandRow]]
    open_fires: Mapping[str, list[FireRow]]
    fires: Mapping[tuple[str, datetime], FireRow]
    runs: Mapping[str, dict[datetime, Run]]
    incidents: Mapping[str, IncidentRow]
    unjudged: Mapping[str, IncidentRow]


async def open_case(
    server: ScheduleServer, name: str, found: Described | None, look: Look
) -> Case | None:
    """`found` is None where it has gone. None where there is nothing to do with it."""
    known, now = look.known.get(name), look.now
    stands = [standing.read(one) for one in look.stands.get(name, ())]
    new = await _news(server, name, found, known, stands[-1] if stands else None, look)
    stands += new
    if not stands:
        return None
    after = known.watched_until if known else stands[-1].since
    dues = list(islice(due_times(stands, after, now), _MOST))
    until = dues[-1] if len(dues) == _MOST else now
    if known and not dues and not new and until - after < _KEPT_UP:
        until = after
    waiting = look.open_fires.get(name, [])
    runs = look.runs.get(name, {})
    rows = {one.due: one for one in waiting}
    rows |= {due: look.fires[name, due] for due in runs if (name, due) in look.fires}
    under_way = {one.due: run for one in waiting if (run := run_of(one)) is not None}
    counted = standing.counted(found) if found else Counted()
    lately = counted.since(Counted(**known.seen["counted"])) if known else Counted()
    if found is not None:
        row = await _row(server, found, known, bool(new), until, now)
    else:
        row = _gone(known, now, dues[-1] if len(dues) == _MOST else None)
    if row is None:
        return None
    row, coming = _ahead(row, stands[-1], known, bool(new), now)
    return Case(
        row=row,
        was=known,
        new_stands=tuple(standing.row_of(name, one) for one in new),
        dues=dues,
        rows=rows,
        runs=dict(runs),
        evidence=Evidence(stands, list((under_way | runs).values()), lately),
        incident=look.incidents.get(name),
        unjudged=look.unjudged.get(name),
        told_to=found.mark.declared.alert if found and found.mark else (),
        now=now,
        held=found.info.buffer_size if found else 0,
        coming=coming,
    )


async def _news(
    server: ScheduleServer,
    name: str,
    found: Described | None,
    known: ScheduleRow | None,
    last: Stand | None,
    look: Look,
) -> list[Stand]:
    before = look.before or look.now
    if last is None:
        return [_first(found, look)] if found else []
    if found is None:
        return [] if last.gone else [standing.gone(last, before, look.now)]
    news: list[Stand] = []
    if known is not None and known.seen["token"] != found.token.hex():
        news = stands_of(last, await told_since(server.client, name, before), before)
    seen = standing.newer((news or [last])[-1], standing.stand_of(found, before, look.now))
    return [*news, seen] if seen else news


def _first(found: Described, look: Look) -> Stand:
    """One that is older than the last look is new to the ledger, and its past is not known."""
    made = standing.created_at(found)
    begun = made if made and look.before and made > look.before else look.now
    return replace(standing.stand_of(found, begun, look.now), since=begun, seen_at=begun)


async def _row(
    server: ScheduleServer,
    found: Described,
    known: ScheduleRow | None,
    new: bool,
    until: datetime,
    now: datetime,
) -> ScheduleRow:
    token, declared = found.token.hex(), found.mark.declared if found.mark else None
    drifted = found.mark is None
    if known is not None and known.seen["token"] == token and not new:
        drifted = known.drifted
    elif found.mark is not None:
        drifted = bool(await by_hand(server, found, found.mark))
    action, following = found.proto.action.start_workflow, found.info.future_action_times
    paused = found.proto.state.paused
    seen = {
        "token": token,
        "base_id": action.workflow_id,
        "counted": asdict(standing.counted(found)),
        "ahead": known.seen["ahead"] if known else None,
        "skips": known.seen.get("skips") if known else None,
    }
    fresh = ScheduleRow(
        name=found.name,
        set_name=found.set_name,
        workflow=action.workflow_type.name,
        task_queue=action.task_queue.name,
        owner=declared.owner if declared else "",
        note=found.proto.state.notes,
        time_zone=found.proto.spec.timezone_name or "UTC",
        paused=paused,
        drifted=drifted,
        declared=declared.as_json() if declared else None,
        seen=seen,
        seen_at=now,
        watched_until=until,
        next_at=standing.moment(following[0]) if following and not paused else None,
        last_good_at=known.last_good_at if known else None,
    )
    if known is not None and replace(fresh, seen_at=known.seen_at) == known:
        return known
    return fresh


def _gone(
    known: ScheduleRow | None, now: datetime, more_after: datetime | None
) -> ScheduleRow | None:
    """It counts as gone when all that was due of it is in the ledger."""
    if known is None or known.gone_at is not None:
        return known
    known = replace(known, flaw="")
    if more_after is not None:
        return replace(known, next_at=None, seen_at=now, watched_until=more_after)
    return replace(known, gone_at=now, next_at=None, seen_at=now, watched_until=now)


def _ahead(
    row: ScheduleRow, stand: Stand, known: ScheduleRow | None, new: bool, now: datetime
) -> tuple[ScheduleRow, tuple[datetime, ...] | None]:
    """The next times, anew where half of those that were known are over."""
    half = row.seen["ahead"]
    if known is not None and not new and (half is None or now.isoformat() < half):
        return row, () if row.gone_at and known.gone_at is None else None
    if stand.gone or stand.paused or row.gone_at:
        times = list[datetime]()
    else:
        times = list(islice(fires(stand.spec, now, now + _AHEAD), _MANY))
    again = times[len(times) // 2] if times else now + _AHEAD / 2
    seen = row.seen | {"ahead": again.isoformat()}
    return replace(row, seen=seen), tuple(times)
