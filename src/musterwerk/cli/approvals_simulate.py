"""`musterwerk approvals simulate`: a policy played in advance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from musterwerk.approvals.policy import Calendar, Policy
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.errors import UsageError
from musterwerk.wire import Duration

if TYPE_CHECKING:
    from musterwerk.approvals.simulation import Course, Moment
    from musterwerk.store.directory import Directory

_COLUMNS = ["WHEN", "WHAT", "LEVEL", "WHO"]
_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def simulate(
    policy: Annotated[
        Path, typer.Argument(metavar="POLICY.toml", help="The fields of a policy, or [policy].")
    ],
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="2026-12-23, or with T15:00. Default: now."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How far to look.")] = 30,
    requester: Annotated[
        str, typer.Option(metavar="PERSON", help="Who asks; it matters for four eyes.")
    ] = "requester",
    people: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="People with their groups, and absences."),
    ] = None,
    approve_after: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help='How long after it began each level approves: "2 days".'
        ),
    ] = None,
    output: OutputOption = Format.table,
) -> None:
    """Print who is asked, reminded and escalated to under a policy, and when it ends."""
    try:
        from musterwerk.approvals.policy_file import read_policy
        from musterwerk.approvals.simulation import Setting, play
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"calendars need {missing.name}: pip install 'musterwerk[worker]'"
        ) from missing

    rules = read_policy(policy)
    zone = _zone(policy, rules.calendar)
    setting = Setting(
        policy=rules,
        start=_start(start, zone),
        length=timedelta(days=days),
        requester=_person(rules, requester),
        people=None if people is None else _directory(people),
        approve_after=None if approve_after is None else _duration(approve_after),
    )
    try:
        played = play(setting)
    except UsageError as error:
        raise UsageError(f"{policy}: {error}") from error
    out = Output(output)
    shown = _Shown(setting.start, played, zone)
    if out.machine:
        out.json(shown.data())
    else:
        out.table(_COLUMNS, shown.rows())


@dataclass(frozen=True)
class _Shown:
    start: datetime
    course: Course
    zone: tzinfo

    def data(self) -> dict[str, Any]:
        return {
            "from": self._iso(self.start),
            "until": self._iso(self.course.until),
            "state": self.course.state,
            "outcome": self.course.outcome,
            "expires_at": self._iso(self.course.expires_at),
            "events": [
                {
                    "at": self._iso(one.at),
                    "event": one.event,
                    "level": one.level,
                    "outcome": one.outcome,
                    "who": [
                        {"name": name, "stands_in_for": list(absent)}
                        for name, absent in one.who.items()
                    ],
                }
                for one in self.course.moments
            ],
        }

    def rows(self) -> list[list[str]]:
        rows = [
            [self._time(one.at), self._what(one), str(one.level), _names(one.who)]
            for one in self.course.moments
        ]
        if self.course.outcome is None:
            end = self._time(self.course.expires_at)
            rows.append([self._time(self.course.until), f"still open; expires {end}", "", ""])
        return rows

    def _what(self, moment: Moment) -> str:
        if moment.event == "decided":
            return "approves"
        if moment.event != "ended":
            return moment.event
        state, outcome = self.course.state, self.course.outcome or ""
        return f"ends: {state} ({outcome})" if state == "expired" else f"ends: {state}"

    def _time(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%a %Y-%m-%d %H:%M %Z")

    def _iso(self, at: datetime) -> str:
        return at.astimezone(self.zone).isoformat()


def _names(who: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(
        f"{name} (for {', '.join(absent)})" if absent else name for name, absent in who.items()
    )


def _zone(file: Path, calendar: Calendar | None) -> tzinfo:
    from musterwerk.regions import zone_of

    if calendar is None:
        return UTC
    try:
        return zone_of(calendar.region, calendar.zone)
    except UsageError as error:
        raise UsageError(f"{file}: calendar: {error}") from error


def _start(text: str | None, zone: tzinfo) -> datetime:
    """Without a zone of its own it is on the calendar's clock."""
    if text is None:
        return datetime.now(zone).replace(second=0, microsecond=0)
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--from: {text!r} is no time; 2026-12-23T15:00 is expected") from None
    return given if given.tzinfo else given.replace(tzinfo=zone)


def _duration(text: str) -> timedelta:
    try:
        found = _DURATION.validate_python(text)
    except ValidationError:
        found = timedelta(0)
    if found <= timedelta(0):
        raise UsageError(f'--approve-after: {text!r} is no length of time; write "2 days" or "4h"')
    return found


def _person(rules: Policy, name: str) -> str:
    from musterwerk.approvals.model import ApprovalRequest

    try:
        return ApprovalRequest[Any](subject="-", requester=name, policy=rules).requester
    except ValidationError as error:
        raise UsageError(f"--requester: {name!r} names nobody") from error


def _directory(path: Path) -> Directory:
    from musterwerk.documents import read_toml
    from musterwerk.store.directory import read_directory

    document = read_toml(path)
    try:
        return read_directory(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
