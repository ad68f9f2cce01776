"""`musterwerk schedules next`: when it is meant to run, and when it will."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
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
from musterwerk.schedules.declaring import read_declaration
from musterwerk.schedules.differences import differences
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.preview import Due, compare, preview
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.server_rules import CHECKED_AGAINST

_SPANS = [timedelta(days=days) for days in (1, 7, 31, 366, 366 * 8, 366 * 41)]
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
    asked: dict[str, list[Due]] = {}
    if not offline:
        target = known_target(address, data, namespace)
        asked = run(_asked(target, declaration.schedules, after, count)) if target else {}
    rows: list[dict[str, Any]] = []
    for one in declaration.schedules:
        found = asked.get(one.name)
        dues = preview(one.when, after, count) if found is None else found
        source = CHECKED_AGAINST + " (its rules)" if found is None else "the server"
        rows += [_row(one, due, source) for due in dues]
    if out.machine:
        out.json(rows)
        return
    columns = ("SCHEDULE", "LOCAL TIME", "UTC", "MEANT", "HAPPENS", "NOTE")
    out.table(columns, [_cells(row) for row in rows])
    planned = [one.name for one in declaration.schedules if one.name not in asked]
    if planned:
        out.say(f"By the rules of {CHECKED_AGAINST}, not asked: {', '.join(planned)}")


async def _asked(
    target: Target, schedules: tuple[Schedule, ...], after: datetime, count: int
) -> dict[str, list[Due]]:
    """Of those that the server has as they are declared."""
    server = ScheduleServer(await target.connect())
    found: dict[str, list[Due]] = {}
    for one in schedules:
        described = await server.describe(one.name)
        if described is None or described.mark is None or not is_told_by_server(described):
            continue
        if not differences(described.mark.declared, one):
            found[one.name] = await _dues(server, described, one.when, after, count)
    return found


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
