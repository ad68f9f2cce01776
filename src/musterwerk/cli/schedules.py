"""`musterwerk schedules`: what is declared, what the server has, and what will happen when."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import typer

from musterwerk.cli import (
    schedules_backfill,
    schedules_control,
    schedules_ledger,
    schedules_lint,
    schedules_next,
)
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
    CHANGES,
    DeclarationArgument,
    YesOption,
    agreed,
)
from musterwerk.errors import ServerError
from musterwerk.runtime.connection import Target
from musterwerk.schedules.applying import Done, apply_plan
from musterwerk.schedules.declaring import Declaration, read_declaration
from musterwerk.schedules.planning import make_end, make_plan
from musterwerk.schedules.server import ScheduleServer
from musterwerk.schedules.steps import Plan, Step

app = typer.Typer(
    help="Schedules: plan and apply what is declared, see what will happen, control, backfill.",
    no_args_is_help=True,
)
PruneOption = Annotated[
    bool, typer.Option("--prune", help="Also delete those of this set that are not declared.")
]
SetOption = Annotated[
    str | None, typer.Option("--set", help="Whose they are; default: what the file is called.")
]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Also change what is of another set.")
]
_WORDS = {
    "create": "will be created",
    "change": "will be changed",
    "mend": "was changed by hand, and will be as declared",
    "extend": "will be told to the server for longer",
    "rename": "will be renamed",
    "delete": "will be deleted",
    "unchanged": "is as declared",
    "finished": "is over",
    "foreign": "is left alone",
}
_SIGNS = {"create": "+", "change": "~", "mend": "~", "extend": "~", "rename": "~", "delete": "-"}


def register(main: typer.Typer) -> None:
    schedules_next.register(app)
    schedules_control.register(app)
    schedules_backfill.register(app)
    schedules_lint.register(app)
    schedules_ledger.register(app)
    main.add_typer(app, name="schedules")


@app.command("plan")
def plan(
    where: DeclarationArgument,
    prune: PruneOption = False,
    set_name: SetOption = None,
    take_over: TakeOverOption = False,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Say what `apply` would do. Exits with 3 when there is something to do.

    Where there is nothing, but schedules that are not ours are in the way, it exits with 1.
    """
    out, declaration = Output(output), read_declaration(where, set_name)
    server = find_address(address, data, namespace)
    found = run(_plan(out, server, declaration, prune=prune, take_over=take_over))
    _show(out, found)
    if found.work:
        raise typer.Exit(CHANGES)
    _refuse_foreign(found)


@app.command("apply")
def apply(
    where: DeclarationArgument,
    prune: PruneOption = False,
    set_name: SetOption = None,
    take_over: TakeOverOption = False,
    yes: YesOption = False,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Put there what is declared. What is paused stays so; what is not ours is left alone."""
    out, declaration = Output(output), read_declaration(where, set_name)
    server = find_address(address, data, namespace)
    found = run(_plan(out, server, declaration, prune=prune, take_over=take_over))
    if not out.machine:
        _show(out, found)
    deleted = [step.name for step in found.work if step.kind == "delete"]
    if deleted and not agreed(out, f"Delete {len(deleted)} of them?", yes):
        raise typer.Exit(1)
    _finish(out, found, run(_apply(out, server, found)))


@app.command("destroy")
def destroy(
    where: DeclarationArgument,
    set_name: SetOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Delete the schedules that are declared, and are ours. Runs that have begun go on."""
    out, declaration = Output(output), read_declaration(where, set_name)
    server = find_address(address, data, namespace)
    found = run(_end(server, declaration))
    for step in found.foreign:
        out.say(f"{step.name} is left alone: {'; '.join(step.words)}")
    if not found.work:
        out.say(
            f"None of the {len(declaration.schedules)} schedules in {declaration.source} is there "
            f"in the set {declaration.set_name!r}. --set names another one."
        )
    elif not agreed(out, f"Delete {', '.join(step.name for step in found.work)}?", yes):
        raise typer.Exit(1)
    _finish(out, found, run(_apply(out, server, found)) if found.work else [])


async def _plan(
    out: Output,
    target: Target,
    declaration: Declaration,
    *,
    prune: bool = False,
    take_over: bool = False,
) -> Plan:
    server = ScheduleServer(await target.connect())
    with out.counting("looking", len(declaration.schedules)) as told:
        return await make_plan(server, declaration, prune=prune, take_over=take_over, told=told)


async def _end(target: Target, declaration: Declaration) -> Plan:
    return await make_end(ScheduleServer(await target.connect()), declaration)


async def _apply(out: Output, target: Target, plan: Plan) -> list[Done]:
    server = ScheduleServer(await target.connect())
    with out.counting("applying", len(plan.work)) as told:
        return await apply_plan(server, plan, told)


def _show(out: Output, plan: Plan) -> None:
    if out.machine:
        out.json([_as_json(step) for step in plan.steps])
        return
    for step in plan.steps:
        if step.kind != "unchanged":
            out.text(f"{_SIGNS.get(step.kind, ' ')} {step.name} {_WORDS[step.kind]}")
            for line in step.words:
                out.text(f"    {line}")
    same = sum(step.kind == "unchanged" for step in plan.steps)
    out.say(f"{len(plan.work)} to do, {same} as declared, {len(plan.foreign)} not ours.")
    if plan.left:
        names = ", ".join(plan.left)
        out.say(f"Of this set and not declared any more, --prune would delete: {names}")


def _as_json(step: Step, flaw: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {"schedule": step.name, "kind": step.kind, "words": step.words}
    return found if flaw is None else {**found, "done": not flaw, "problem": flaw}


def _finish(out: Output, plan: Plan, done: Iterable[Done]) -> None:
    found = list(done)
    failed = [one for one in found if one.flaw]
    if out.machine:
        out.json([_as_json(one.step, one.flaw) for one in found])
    for one in failed:
        out.say(f"{one.step.name}: {one.flaw}")
    out.say(f"{len(found) - len(failed)} done, {len(failed)} not.")
    if failed:
        raise ServerError("not all was done; the same command again goes on with it")
    _refuse_foreign(plan)


def _refuse_foreign(plan: Plan) -> None:
    if plan.foreign:
        names = json.dumps([step.name for step in plan.foreign])
        raise ServerError(f"these are not ours and were left alone: {names}")
