"""What is told of schedules over REST."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any

from pydantic import BaseModel


class ScheduleView(BaseModel):
    """`verdict` is the last one, of what was due at `due`; `flaw` is why it cannot be judged."""

    name: str
    workflow: str
    task_queue: str
    owner: str
    time_zone: str
    paused: bool
    note: str
    drifted: bool
    flaw: str
    overdue: bool
    failing_since: datetime | None
    verdict: str | None
    due: datetime | None
    last_good_at: datetime | None
    next_at: datetime | None


class Schedules(BaseModel):
    """`as_of` is when the monitor last looked at everything. `next` is the `cursor` of the page
    that follows; null on the last."""

    items: list[ScheduleView]
    next: str | None
    as_of: datetime | None


class IncidentView(BaseModel):
    due: datetime
    verdict: str
    reason: str
    opened_at: datetime
    told_to: list[str]


class OneSchedule(BaseModel):
    """`declared` is as in TOML, without `args` and `memo` but for operators, auditors and admins;
    null where somebody has put another action into it. `coming` are the next due times."""

    name: str
    set_name: str
    workflow: str
    task_queue: str
    owner: str
    time_zone: str
    paused: bool
    note: str
    drifted: bool
    flaw: str
    declared: dict[str, Any] | None
    last_good_at: datetime | None
    next_at: datetime | None
    gone_at: datetime | None
    incident: IncidentView | None
    coming: list[datetime]
    as_of: datetime | None


class FireView(BaseModel):
    """One due time; with `planned` false a run that somebody started by hand. The server starts a
    run; `begun_at` is when a worker had begun with it, where that was looked for."""

    schedule: str
    due: datetime
    verdict: str
    reason: str
    owner: str
    planned: bool
    workflow_id: str | None
    run_id: str | None
    status: str | None
    started_at: datetime | None
    begun_at: datetime | None
    ended_at: datetime | None


class Fires(BaseModel):
    items: list[FireView]
    next: str | None


class TroubleView(BaseModel):
    """`count` is of the latest that were looked at for some names."""

    schedule: str
    verdict: str
    count: int


class DueView(BaseModel):
    schedule: str
    due: datetime
    verdict: str


class CalendarSpan(BaseModel):
    """`counts` by verdict; "coming" are those that lie ahead. `dues` one by one where they are
    few, and the view is a day or a week."""

    start: datetime
    end: datetime
    counts: dict[str, int]
    troubles: list[TroubleView]
    dues: list[DueView]


class CalendarDay(CalendarSpan):
    date: dt.date
    hours: list[CalendarSpan]


class Calendar(BaseModel):
    """Of what comes after `as_of` only the next 50 due times of each schedule are known."""

    zone: str
    as_of: datetime
    days: list[CalendarDay]
