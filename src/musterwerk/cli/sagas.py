"""`musterwerk sagas`: what every saga has done, undone and could not undo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from musterwerk.cli import letters
from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption, find_address
from musterwerk.cli.output import Format, Output, OutputOption, plain
from musterwerk.cli.running import run
from musterwerk.errors import UsageError
from musterwerk.runtime.connection import Target
from musterwerk.saga.client import SagaExecution, list_sagas, report

app = typer.Typer(
    help="Sagas: list them, show what each has done, settle dead letters.", no_args_is_help=True
)

_BAD = {"failed", "dead_letter", "compensation_failed", "forward_failed"}
_UNDONE = {"compensating", "compensated", "cancelled", "skipped", "refused"}
_CANNOT = {
    "undo": "could not be undone",
    "forward": "could not be done",
    "unknown": "has an unknown outcome",
}
_NO_UNDO = {"none", ""}


@dataclass(frozen=True)
class _Wanted:
    """Which workflows are listed, and how long each is waited for."""

    types: tuple[str, ...]
    state: Literal["open", "closed"] | None
    limit: int
    rpc_timeout: timedelta


def register(main: typer.Typer) -> None:
    app.command("resolve")(letters.resolve)
    main.add_typer(app, name="sagas")


@app.command("list")
def list_(
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Workflow type; may be repeated.")
    ] = None,
    only_open: Annotated[
        bool | None, typer.Option("--open/--closed", help="Only these; both without it.")
    ] = None,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Only what waits for somebody, oldest first.")
    ] = False,
    settled: Annotated[
        bool, typer.Option("--settled", help="Dead letters that are settled, by whom and why.")
    ] = False,
    ask: Annotated[
        bool, typer.Option("--ask", help="Dead letters of the workflows, not of the database.")
    ] = False,
    limit: Annotated[
        int,
        typer.Option(min=1, help="At most so many: latest first, open dead letters oldest first."),
    ] = 50,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 5.0,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """List workflows that run sagas, latest first."""
    out = Output(output)
    if dead_letters and settled:
        raise UsageError("choose one of --dead-letters (open ones) and --settled")
    if dead_letters or settled:
        if types or only_open is not None:
            raise UsageError("--type, --open and --closed do not go with --dead-letters")
        where = letters.Where(ask=ask, address=address, data=data, timeout=timeout)
        letters.list_letters(out, where, settled=settled, limit=limit)
        return
    if ask:
        raise UsageError("--ask goes with --dead-letters or --settled")
    state = None if only_open is None else "open" if only_open else "closed"
    wanted = _Wanted(tuple(types or ()), state, limit, timedelta(seconds=timeout))
    _show_found(out, run(_found(out, find_address(address, data), wanted)))


@app.command("show")
def show(
    workflow_id: Annotated[str, typer.Argument(metavar="ID", help="The workflow's id.")],
    run_id: Annotated[str | None, typer.Option("--run-id", help="Default: the latest run.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 5.0,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Show each step of a workflow's sagas in order, and what undid it."""
    out = Output(output)

    async def question(target: Target) -> SagaExecution:
        client = await target.connect()
        return await report(client, workflow_id, run_id, rpc_timeout=timedelta(seconds=timeout))

    execution = run(question(find_address(address, data)))
    if out.machine:
        out.json(execution.as_json())
        return
    out.text(f"{execution.workflow_id}  {execution.workflow_type}  {execution.status}")
    out.text(f"run {execution.run_id}, started {_time(execution)}")
    if execution.problem:
        out.text(Text(execution.problem, style="red"))
    for saga in execution.sagas or []:
        _show_saga(out, saga)


async def _found(out: Output, target: Target, wanted: _Wanted) -> list[SagaExecution]:
    client = await target.connect()
    with out.progress("asking workflows", total=wanted.limit) as advance:
        return await list_sagas(
            client,
            types=wanted.types,
            state=wanted.state,
            limit=wanted.limit,
            rpc_timeout=wanted.rpc_timeout,
            on_found=advance,
        )


def _show_found(out: Output, found: list[SagaExecution]) -> None:
    if out.machine:
        out.json([execution.as_json() for execution in found])
    elif found:
        out.table(
            ["WORKFLOW", "TYPE", "STATE", "SAGA", "STEPS", "UNDONE", "DEAD", "STARTED"],
            [_row(execution) for execution in found],
        )
    else:
        out.say("No workflow that runs a saga was found.")


def _row(execution: SagaExecution) -> list[str | Text]:
    head = [execution.workflow_id, execution.workflow_type]
    if execution.sagas is None:
        problem = Text.assemble(plain(execution.problem or ""), style="red")
        return [*head, execution.status, problem, "", "", "", _time(execution)]
    steps = [step for saga in execution.sagas for step in saga["steps"]]
    undone = sum(step["undo_status"] in ("done", "resolved") for step in steps)
    dead = sum(_open(letter) for saga in execution.sagas for letter in saga["dead_letters"])
    states = ", ".join(dict.fromkeys(saga["status"] for saga in execution.sagas))
    counts = [str(len(steps)), str(undone), Text(str(dead), style="red" if dead else "")]
    return [*head, execution.status, _status(states), *counts, _time(execution)]


def _show_saga(out: Output, saga: dict[str, Any]) -> None:
    out.text()
    out.text(Text.assemble("saga ", plain(saga["name"]), ": ", _status(saga["status"])))
    if saga["cause"]:
        out.text(f"  because: {saga['cause']}")
    if saga["checkpoints"]:
        out.text(f"  checkpoints: {', '.join(saga['checkpoints'])}")
    if saga["pivot"]:
        out.text("  the pivot is passed: it only goes forward, nothing is undone")
    rows = [_step(number, step) for number, step in enumerate(saga["steps"], 1)]
    if rows:
        out.table(["#", "STEP", "STATUS", "UNDO", "ITS STATUS", "ERROR"], rows)
    else:
        out.text("  no step yet")
    for letter in saga["dead_letters"]:
        _show_dead_letter(out, letter)


def _step(number: int, step: dict[str, Any]) -> list[str | Text]:
    errors = [step["error"] or ""]
    if step["undo_error"]:
        errors.append(f"undo: {step['undo_error']}")
    undo = step["undo_status"] if step["undo_status"] not in _NO_UNDO else "-"
    return [
        str(number),
        step["id"],
        _status(step["status"]),
        step["undo"] or "-",
        _status(undo),
        "; ".join(filter(None, errors)),
    ]


def _show_dead_letter(out: Output, letter: dict[str, Any]) -> None:
    what = _CANNOT[letter.get("kind", "undo" if letter["direction"] == "undo" else "forward")]
    out.text(
        Text.assemble(
            (f"dead letter: {plain(letter['step'])} {what}", "red"),
            f" by {plain(letter['activity'])} since {letter['since']}, ",
            f"{letter['attempts']} rounds: {plain(letter['error'])}",
        )
    )
    if resolution := letter["resolution"]:
        out.text(
            f"  resolved: {resolution['action']} by {resolution['by']} at {resolution['at']}, "
            f"because: {resolution['reason']}"
        )


def _open(letter: dict[str, Any]) -> bool:
    return not letter.get("settled", letter["resolution"] is not None)


def _status(status: str) -> Text:
    if status in _BAD:
        return Text(status, style="red")
    return Text(status, style="yellow" if status in _UNDONE else "")


def _time(execution: SagaExecution) -> str:
    return execution.started_at.strftime("%Y-%m-%d %H:%M:%S UTC")
