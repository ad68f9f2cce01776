"""The schedule ledger in figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from sqlalchemy import Connection, and_, func, select

from musterwerk.store.schedule_tables import fire_counts, incidents, lateness, schedules, watch

#: Upper ends, in seconds; whatever is more is in the last one.
LATE_BUCKETS = (1, 5, 30, 60, 300, 1_800, 3_600)
MORE = -1


@dataclass(frozen=True)
class LedgerMetrics:
    """`fires` by owner and verdict. `late_buckets` add up, as Prometheus wants them."""

    fires: dict[tuple[str, str], int]
    late_buckets: list[tuple[str, float]]
    late_sum: float
    schedules: dict[str, int]
    good_until: datetime | None


def ledger_metrics(connection: Connection) -> LedgerMetrics:
    of = fire_counts.c
    added = select(of.owner, of.verdict, func.sum(fire_counts.c["count"]).label("number"))
    rows = connection.execute(added.group_by(of.owner, of.verdict)).all()
    late = {row["bucket"]: row for row in connection.execute(select(lateness)).mappings()}
    numbers = [int(late[one]["count"]) if one in late else 0 for one in (*LATE_BUCKETS, MORE)]
    ends = [*(str(one) for one in LATE_BUCKETS), "+Inf"]
    return LedgerMetrics(
        fires={(row.owner, row.verdict): int(row.number) for row in rows if row.number},
        late_buckets=list(zip(ends, map(float, accumulate(numbers)), strict=True)),
        late_sum=sum(row["milliseconds"] for row in late.values()) / 1000,
        schedules=_schedules(connection),
        good_until=connection.execute(select(watch.c.good_until)).scalar(),
    )


def bucket_of(seconds: float) -> int:
    return next((one for one in LATE_BUCKETS if seconds <= one), MORE)


def _schedules(connection: Connection) -> dict[str, int]:
    def number(*where: object) -> int:
        query = select(func.count()).select_from(schedules)
        mine = and_(schedules.c.gone_at.is_(None), *where)  # pyright: ignore[reportArgumentType]
        return int(connection.execute(query.where(mine)).scalar_one())

    failing = select(func.count()).where(incidents.c.closed_at.is_(None))
    return {
        "active": number(schedules.c.paused.is_(False)),
        "paused": number(schedules.c.paused.is_(True)),
        "drifted": number(schedules.c.drifted.is_(True)),
        "unjudged": number(schedules.c.flaw != ""),
        "failing": int(connection.execute(failing).scalar_one()),
    }
