"""`musterwerk schedules list|show|pause|unpause|trigger`: what the server has, and holding it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Any

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
from musterwerk.cli.schedules_common import NamesArgument, YesOption, agreed
from musterwerk.cli.schedules_showing import lines
from musterwerk.cli.telling import when
from musterwerk.errors import MusterwerkError, ServerError, UsageError
from musterwerk.runtime.connection import Target
from musterwerk.schedules import control
from musterwerk.schedules.finding import nobody
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer

AllOption = Annotated[bool, typer.Option("--all", help="All of ours.")]
OwnerOption = Annotated[str | None, typer.Option("--owner", help="Only those of this owner.")]

_Act = Callable[[ScheduleServer, str], Awaitable[None]]


def register(app: typer.Typer) -> None:
    for name, command in (
        ("list", list_),
        ("show", show),
        ("pause", pause),
        ("unpause", unpause),
        ("trigger", trigger),
    ):
        app.command(name)(command)


def list_(
    names: NamesArgument = None,
    owner: OwnerOption = None,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """List the schedules that are ours, or some of them."""
    out = Output(output)
    found = run(_chosen(find_address(address, data, namespace), names, True, owner))
    rows = [control.facts(one) for one in found]
    if out.machine:
        out.json(rows)
        return
    columns = ("SCHEDULE", "WORKFLOW", "STATE", "NEXT", "RUNS", "OWNER")
    out.table(columns, [_cells(row) for row in rows])


def show(
    names: NamesArgument = None,
    every: AllOption = False,
    owner: OwnerOption = None,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Show how they are declared, how they stand, their last and next runs.

    As JSON it is one object for one name, and else a list.
    """
    out = Output(output)
    found = run(_chosen(find_address(address, data, namespace), names, every, owner))
    if out.machine:
        rows = [control.facts(one) for one in found]
        out.json(rows[0] if names and len(names) == 1 and "*" not in names[0] and rows else rows)
        return
    for number, one in enumerate(found):
        for line in ("", *lines(one)) if number else lines(one):
            out.text(line)


def pause(
    names: NamesArgument = None,
    note: Annotated[str, typer.Option("--note", help="Why; stands at the schedule.")] = "",
    every: AllOption = False,
    owner: OwnerOption = None,
    yes: YesOption = False,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Start no runs until `unpause`. What is due meanwhile is not made up for."""
    target = find_address(address, data, namespace)
    found = _agreed("Pause", target, names, every, owner, yes)
    run(_each("Paused", target, found, partial(control.pause, note=note)))


def unpause(
    names: NamesArgument = None,
    note: Annotated[str, typer.Option("--note", help="Stands at the schedule.")] = "",
    every: AllOption = False,
    owner: OwnerOption = None,
    yes: YesOption = False,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Go on. What was due meanwhile is not made up for: see `backfill`."""
    target = find_address(address, data, namespace)
    found = _agreed("Unpause", target, names, every, owner, yes)
    run(_each("Going on", target, found, partial(control.unpause, note=note)))


def trigger(
    names: NamesArgument = None,
    overlap: Annotated[
        str | None, typer.Option("--overlap", help="Default: as the schedule has it.")
    ] = None,
    every: AllOption = False,
    owner: OwnerOption = None,
    yes: YesOption = False,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Start a run now, also where it is paused."""
    policy = control.overlap_of(overlap)
    target = find_address(address, data, namespace)
    found = _agreed("Start a run of", target, names, every, owner, yes)
    run(_each("Started", target, found, partial(control.trigger, overlap=policy)))


def _agreed(
    what: str,
    target: Target,
    names: list[str] | None,
    every: bool,
    owner: str | None,
    yes: bool,
) -> list[str]:
    """The names of those chosen; for all there are somebody has to say yes."""
    found = [one.name for one in run(_chosen(target, names, every, owner))]
    of_all = owner is None and (every or "*" in (names or ()))
    if of_all and len(found) > 1 and not agreed(Output(), f"{what} {len(found)} schedules?", yes):
        raise typer.Exit(1)
    return found


async def _each(label: str, target: Target, found: list[str], do: _Act) -> None:
    """One that fails does not keep the others from it; what was done is told in any case."""
    out, server = Output(), ScheduleServer(await target.connect())
    few = asyncio.Semaphore(SIDE_BY_SIDE)
    with out.counting(label, len(found)) as told:

        async def one(name: str) -> MusterwerkError | None:
            async with few:
                try:
                    await do(server, name)
                except MusterwerkError as error:
                    return error
                finally:
                    told()
                return None

        flaws = dict(zip(found, await asyncio.gather(*map(one, found)), strict=True))
    done = [name for name, flaw in flaws.items() if flaw is None]
    failed = [f"{name}: {flaw}" for name, flaw in flaws.items() if flaw is not None]
    out.say(f"{label}: {', '.join(done) or 'none'}")
    if failed:
        raise ServerError(f"{len(failed)} not: {'; '.join(failed)}")


async def _chosen(
    target: Target, names: list[str] | None, every: bool, owner: str | None
) -> list[Described]:
    """Raises `UsageError` where a name stands for none, or nothing is chosen at all."""
    if not names and not every and owner is None:
        raise UsageError("name some, or say --all or --owner")
    server = ScheduleServer(await target.connect())
    ours = {one.name: one async for one in control.ours(server, names or None)}
    for pattern in names or ():
        if not any(fnmatchcase(name, pattern) for name in ours):
            raise await nobody(server, pattern)
    return [
        one
        for one in ours.values()
        if owner is None or (one.mark is not None and one.mark.declared.owner == owner)
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    state = "paused" if row["paused"] else "active"
    if row["declared"] is None:
        state += ", changed by hand"
    following = when(row["next"][0]) if row["next"] else "paused" if row["paused"] else "never"
    return [row["schedule"], row["workflow"], state, following, str(row["runs_made"]), row["owner"]]
