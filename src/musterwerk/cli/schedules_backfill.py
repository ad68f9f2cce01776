"""`musterwerk schedules backfill`: making up for what was missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Annotated

import typer

from musterwerk.cli.address import (
    DEFAULT_DATA,
    AddressOption,
    DataOption,
    NamespaceOption,
    find_address,
)
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.cli.schedules_common import (
    YesOption,
    agreed,
    moment,
)
from musterwerk.errors import UsageError
from musterwerk.runtime.connection import Target
from musterwerk.schedules.backfilling import STARTS_PER_SECOND, Backfill, do_backfill, make_backfill
from musterwerk.schedules.control import overlap_of
from musterwerk.schedules.finding import one_of_ours
from musterwerk.schedules.model import Overlap
from musterwerk.schedules.server import ScheduleServer
from musterwerk.wire import in_words


def register(app: typer.Typer) -> None:
    app.command("backfill")(backfill)


def backfill(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="First due time; UTC without a zone.")
    ],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Last due time, with it.")],
    every: Annotated[
        bool, typer.Option("--all-times", help="Also those that have run already.")
    ] = False,
    overlap: Annotated[
        str, typer.Option("--overlap", help="allow_all starts them side by side.")
    ] = "allow_all",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    yes: YesOption = False,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Start the runs that were due in a span and have not been. The same again goes on with it."""
    out = Output(output)
    policy = overlap_of(overlap) or "allow_all"
    start, end = moment(from_, "--from"), moment(until, "--until")
    if end < start:
        raise UsageError(f"--until {until} is before --from {from_}")
    target = find_address(address, data, namespace)
    plan = run(_make(target, name, start, end, only_missing=not every))
    _tell(out, plan, dry_run)
    if dry_run or not plan.missing:
        return
    if plan.may_repeat and plan.known_from:
        out.say(
            f"Temporal knows no runs that ended before {plan.known_from:%Y-%m-%d %H:%M} UTC: they "
            "may have been, and would be started again."
        )
    if not agreed(out, f"Start {len(plan.missing)} runs?", yes):
        raise typer.Exit(1)
    done = run(_do(out, target, plan, policy))
    out.say(f"{done} of {len(plan.missing)} handed to the server.")


async def _make(
    target: Target, name: str, start: datetime, end: datetime, *, only_missing: bool
) -> Backfill:
    server = ScheduleServer(await target.connect())
    await one_of_ours(server, name)
    return await make_backfill(server, name, start, end, only_missing=only_missing)


async def _do(out: Output, target: Target, plan: Backfill, overlap: Overlap) -> int:
    server = ScheduleServer(await target.connect())

    def waiting() -> None:
        out.say("Another backfill of it goes on, or was cut off just now; this one waits for it.")

    with out.progress("starting", total=len(plan.missing)) as advance:
        return await do_backfill(server, plan, overlap, advance, waiting)


def _tell(out: Output, plan: Backfill, dry_run: bool) -> None:
    if out.machine:
        out.json(
            {
                "schedule": plan.schedule,
                "due": len(plan.due),
                "missing": [one.isoformat() for one in plan.missing],
                "minutes": plan.minutes,
                "future_left_out": plan.cut,
                "dry_run": dry_run,
            }
        )
        return
    out.text(f"{plan.schedule}: {len(plan.due)} due, {len(plan.missing)} to start{_cost(plan)}")
    if plan.cut:
        out.say("What is not due yet is left to the schedule.")
    for one in plan.missing[:10] if dry_run else ():
        out.text(f"    {one:%Y-%m-%d %H:%M:%S} UTC")
    if dry_run and len(plan.missing) > 10:
        out.text(f"    and {len(plan.missing) - 10} more")


def _cost(plan: Backfill) -> str:
    if not plan.missing:
        return ""
    seconds = ceil(len(plan.missing) / STARTS_PER_SECOND)
    length = in_words(timedelta(seconds=seconds))
    return f"; at {STARTS_PER_SECOND} starts a second, which is Temporal's most, it takes {length}"
