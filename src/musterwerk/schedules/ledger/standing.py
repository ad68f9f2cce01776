"""How a schedule stands, as the server describes it, and as the ledger keeps it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.schedule.v1 import ScheduleSpec

from musterwerk.schedules.ledger.model import Counted, Stand
from musterwerk.schedules.native import from_proto, to_proto
from musterwerk.schedules.protos import OVERLAP_NAMES
from musterwerk.schedules.server import Described
from musterwerk.store.ledger_rows import StandRow

_GRACE = timedelta(minutes=5)
_TICK = timedelta(microseconds=1)


def stand_of(found: Described, looked_before: datetime, now: datetime) -> Stand:
    """As if it had become so since the last look; `newer` says what of it is news."""
    policies, declared = found.proto.policies, found.mark.declared if found.mark else None
    told = moment(found.info.update_time) or moment(found.info.create_time) or looked_before
    over_since = _over_since(found)
    return Stand(
        since=told if over_since is None else max(told, over_since),
        unsure_from=looked_before,
        seen_at=now,
        told_at=told,
        paused=found.proto.state.paused,
        spec=from_proto(found.proto.spec),
        overlap=OVERLAP_NAMES.get(policies.overlap_policy, "skip"),
        grace=declared.grace if declared else _GRACE,
        gone=over_since is not None,
    )


def newer(last: Stand | None, found: Stand) -> Stand | None:
    """None where nothing has changed. A pause tells no time: it began after the look before."""
    if last is None:
        return found
    same = {"since": last.since, "unsure_from": last.unsure_from, "seen_at": last.seen_at}
    if replace(found, **same) == last:
        return None
    told = replace(found, **same, paused=last.paused) != last
    since = found.since if told else found.unsure_from
    return replace(found, since=max(since, last.since + _TICK))


def gone(last: Stand, looked_before: datetime, now: datetime) -> Stand:
    since = max(now, last.since + _TICK)
    return replace(
        last, since=since, unsure_from=looked_before, seen_at=now, told_at=now, gone=True
    )


def counted(found: Described) -> Counted:
    info = found.info
    return Counted(info.overlap_skipped, info.missed_catchup_window, info.buffer_dropped)


def created_at(found: Described) -> datetime | None:
    return moment(found.info.create_time)


def row_of(name: str, stand: Stand) -> StandRow:
    kept = {
        "unsure_from": stand.unsure_from.isoformat(),
        "told_at": stand.told_at.isoformat(),
        "paused": stand.paused,
        "spec": MessageToDict(to_proto(stand.spec)),
        "overlap": stand.overlap,
        "grace": stand.grace.total_seconds(),
        "gone": stand.gone,
    }
    return StandRow(name, stand.since, stand.seen_at, kept)


def read(row: StandRow) -> Stand:
    kept: dict[str, Any] = row.stand
    return Stand(
        since=row.since,
        unsure_from=datetime.fromisoformat(kept["unsure_from"]),
        seen_at=row.seen_at,
        told_at=datetime.fromisoformat(kept["told_at"]),
        paused=kept["paused"],
        spec=from_proto(ParseDict(kept["spec"], ScheduleSpec())),
        overlap=kept["overlap"],
        grace=timedelta(seconds=kept["grace"]),
        gone=kept["gone"],
    )


def _over_since(found: Described) -> datetime | None:
    """When its last run was due, where a number of runs was given and all have been."""
    state, recent = found.proto.state, found.info.recent_actions
    if not state.limited_actions or state.remaining_actions:
        return None
    return moment(recent[-1].schedule_time) if recent else None


def moment(given: Timestamp) -> datetime | None:
    """None where it is not set."""
    found = given.ToDatetime(tzinfo=UTC)
    return found if found.timestamp() > 0 else None
