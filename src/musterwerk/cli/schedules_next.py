"""`musterwerk schedules next`: when it is meant to run, and when it will."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import typer

from musterwerk.cli.address import (
    DEFAULT_DATA,
    AddressOption,
    DataOption,
    NamespaceOption,
)
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.cli.schedules_common import (
    DeclarationArgument,
    OfflineOption,
    known_target,
    moment,
)
from musterwerk.runtime.connection import Target
from musterwerk.schedules.asking import due_times, is_told_by_server
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.declaring import read_declaration
from musterwerk.schedules.differences import differences
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.preview import Due, compare, preview, standing
from musterwerk.schedules.protos import kept_state
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer
from musterwerk.schedules.server_rules import CHECKED_AGAINST, fires
from musterwerk.schedules.tombstones import has_begun

_SPANS = [timedelta(days=days) for days in (1, 7, 31, 366, 366 * 8, 366 * 41)]
#: Of the runs until the first one that is shown; who has more left is not over by then.
_COUNTED = 1_000_000
_LAST = datetime(2100, 12, 31, tzinfo=UTC)


def register(app: typer.Typer) -> None:
    app.command("next")(next_)


def next_(
    where: DeclarationArgument,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="ISO 8601; default: now.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Of each schedule.")] = 5,
    offline: OfflineOption = False,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """The next runs of what is declared: when they are meant, and when they will happen.

    What is applied as it is declared is asked of the server; the rest is told by its rules.
    """
    out, declaration = Output(output), read_declaration(where)
    start = datetime.now(UTC) if from_ is None else moment(from_, "--from")
    after = start - timedelta(seconds=1)
    asked: dict[str, _Told] = {}
    if not offline:
        target = known_target(address, data, namespace)
        asked = run(_asked(target, declaration.schedules, after, count)) if target else {}
    rows: list[dict[str, Any]] = []
    now = datetime.now(UTC)
    for one in declaration.schedules:
        told = asked.get(one.name, _Told())
        dues = preview(one.when, after, count) if told.dues is None else told.dues
        source = CHECKED_AGAINST + " (its rules)" if told.dues is None else "the server"
        before = 0
        if told.left is not None:
            between = fires(compile_when(one.when, now).spec, now, after)
            before = sum(1 for _ in islice(between, min(told.left, _COUNTED)))
        dues = standing(dues, now, hindered=told.hindered, left=told.left, before=before)
        rows += [_row(one, due, source) for due in dues]
    if out.machine:
        out.json(rows)
        return
    columns = ("SCHEDULE", "LOCAL TIME", "UTC", "MEANT", "HAPPENS", "NOTE")
    out.table(columns, [_cells(row) for row in rows])
    planned = [n.name for n in declaration.schedules if asked.get(n.name, _Told()).dues is None]
    if planned:
        out.say(f"By the rules of {CHECKED_AGAINST}, not asked: {', '.join(planned)}")
    strange = [one.name for one in declaration.schedules if asked.get(one.name, _Told()).by_hand]
    if strange:
        out.say(f"Somebody has put another action into these by hand: {', '.join(strange)}")


@dataclass(frozen=True)
class _Told:
    """`dues` only where the server has it as it is declared, and tells. `left` are runs."""

    dues: list[Due] | None = None
    hindered: str = ""
    left: int | None = None
    by_hand: bool = False


async def _asked(
    target: Target, schedules: tuple[Schedule, ...], after: datetime, count: int
) -> dict[str, _Told]:
    server = ScheduleServer(await target.connect())
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(schedule: Schedule) -> _Told:
        async with few:
            return await _told(server, schedule, after, count)

    found = await asyncio.gather(*map(one, schedules))
    return {schedule.name: told for schedule, told in zip(schedules, found, strict=True)}


async def _told(server: ScheduleServer, schedule: Schedule, after: datetime, count: int) -> _Told:
    found, old_name = await server.describe(schedule.name), schedule.renamed_from
    if found is None and old_name is not None:
        old = await server.describe(old_name)
        found = old if old is not None and old.ours else None
    if found is None:
        names = (schedule.name, old_name)
        over = schedule.runs is not None and await has_begun(server, *names)
        return _Told(left=0 if over else schedule.runs)
    if not found.ours:
        return _Told(hindered="there is one of this name that is not ours")
    state = kept_state(found, found.mark.declared if found.mark else schedule, schedule)
    left = state.remaining_actions if state.limited_actions else None
    as_declared = (
        found.name == schedule.name
        and found.mark
        and not differences(found.mark.declared, schedule)
    )
    dues = None
    if as_declared and is_told_by_server(found):
        dues = await _dues(server, found, schedule.when, after, count)
    return _Told(dues, "it is paused" if state.paused else "", left, found.mark is None)


async def _dues(
    server: ScheduleServer, found: Described, when: When, after: datetime, count: int
) -> list[Due]:
    """In spans that grow: a schedule of every minute is not asked for forty years."""
    dues: list[Due] = []
    for span in _SPANS:
        until = min(after + span, _LAST)
        times = await _most(due_times(server, found, after, until), count)
        end = times[-1] if len(times) == count else until
        dues = list(compare(when, times, after, end))
        if len(dues) >= count:
            break
    return dues[:count]


async def _most(times: AsyncIterator[datetime], count: int) -> list[datetime]:
    found: list[datetime] = []
    async for one in times:
        found.append(one)
        if len(found) == count:
            break
    return found


def _row(schedule: Schedule, due: Due, source: str) -> dict[str, Any]:
    return {
        "schedule": schedule.name,
        "due_local": due.due_local.isoformat(),
        "due_utc": due.due_utc.isoformat(),
        "meant": due.meant,
        "will_happen": due.will_happen,
        "note": due.note,
        "according_to": source,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    yes = {True: "yes", False: "NO"}
    local, utc = row["due_local"].replace("T", " "), row["due_utc"].replace("T", " ")[:19]
    return [row["schedule"], local, utc, yes[row["meant"]], yes[row["will_happen"]], row["note"]]
