"""`musterwerk schedules lint`: what may surprise."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption, NamespaceOption
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.cli.schedules_common import (
    DeclarationArgument,
    OfflineOption,
    known_target,
)
from musterwerk.runtime.connection import Target
from musterwerk.schedules.declaring import Declaration, read_declaration
from musterwerk.schedules.lint import Finding
from musterwerk.schedules.lint import lint as find
from musterwerk.schedules.observing import observe
from musterwerk.schedules.server import ScheduleServer


def register(app: typer.Typer) -> None:
    app.command("lint")(lint)


def lint(
    where: DeclarationArgument,
    offline: OfflineOption = False,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Say what is likely to surprise. Exits with 1 if there is anything.

    A server, where one is known, also tells whether somebody works there and how long runs take.
    """
    out, declaration = Output(output), read_declaration(where)
    now = datetime.now(UTC)
    found = find(declaration.schedules, now)
    target = None if offline else known_target(address, data, namespace)
    if target is not None:
        found += run(_observed(target, declaration, now))
    if out.machine:
        out.json([asdict(one) for one in found])
    for one in found if not out.machine else ():
        out.text(f"{one.schedule}: {one.rule}: {one.message}")
    asked = "" if target else "; no server was asked for workers and usual durations"
    out.say(f"{len(found)} findings in {len(declaration.schedules)} schedules{asked}.")
    if found:
        raise typer.Exit(1)


async def _observed(target: Target, declaration: Declaration, now: datetime) -> list[Finding]:
    server = ScheduleServer(await target.connect())
    return await observe(server, declaration.schedules, now)
