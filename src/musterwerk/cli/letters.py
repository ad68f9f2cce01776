"""`musterwerk sagas list --dead-letters` and `sagas resolve`: what operators do about them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from temporalio.client import Client

from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption, find_address
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.cli.telling import when
from musterwerk.errors import ResolutionRefused, StoreError, StoreMissing, UsageError
from musterwerk.runtime.connection import Target
from musterwerk.saga.client import SagaExecution, last_run, list_sagas, sender_of
from musterwerk.saga.client import resolve as send
from musterwerk.saga.model import ACTIONS, Action, Resolve

_ALL = 1_000_000
_OPEN = ["WORKFLOW", "SAGA", "STEP", "KIND", "CHOICES", "ACTIVITY", "SINCE", "ATTEMPTS", "ERROR"]
_SETTLED = ["WORKFLOW", "SAGA", "STEP", "KIND", "SINCE", "SETTLED", "HOW", "BY", "REASON"]


#: What a workflow's report and the database call the same.
_SAME = ("step", "direction", "activity", "error", "since", "attempts")


@dataclass(frozen=True)
class Where:
    """Where letters are looked for: in the database, or with `ask` in the workflows."""

    ask: bool
    address: str | None
    data: Path
    timeout: float


def list_letters(out: Output, where: Where, *, settled: bool, limit: int) -> None:
    """Open letters oldest first, settled ones latest first; says where they are from."""
    if elsewhere := _elsewhere(where):
        out.say(
            f"Asked the workflows of {where.address} themselves: no database was named with it "
            "(--data or MUSTERWERK_DATABASE_URL)."
        )
    found = None if where.ask or elsewhere else _stored(out, where.data, settled, limit)
    if found is None:
        target = find_address(where.address, where.data)
        found = run(_asked(out, target, settled, timedelta(seconds=where.timeout)))[:limit]
    if out.machine:
        out.json(found)
    elif found:
        rows = [_settled_row(one) if settled else _open_row(one) for one in found]
        out.table(_SETTLED if settled else _OPEN, rows)
    else:
        out.say("No settled dead letter." if settled else "No open dead letter.")


def _elsewhere(where: Where) -> bool:
    """Whether a server was named, and no database to go with it.

    The letters of the data folder that happens to lie here would be a false all-clear.
    """
    named = where.data != DEFAULT_DATA or os.environ.get("MUSTERWERK_DATABASE_URL")
    return where.address is not None and not where.ask and not named


def _stored(out: Output, data: Path, settled: bool, limit: int) -> list[dict[str, Any]] | None:
    """From the database; None where there is none."""
    try:
        from musterwerk.store import DeadLetterTable, Store, database_url
    except ModuleNotFoundError:
        out.say("Asked the workflows themselves: musterwerk[store] is not installed.")
        return None
    store = Store(database_url(data), migrate=False)
    table = DeadLetterTable(store)
    try:
        rows = table.settled(limit) if settled else table.open(limit)
    except StoreMissing as missing:
        out.say(f"Asked the workflows themselves: {missing}.")
        return None
    except StoreError as error:
        raise StoreError(f"{error}. --ask asks the workflows themselves.") from error
    finally:
        store.close()
    out.say(f"From the database {store}.")
    return [{name: _plain(value) for name, value in vars(row).items()} for row in rows]


async def _asked(
    out: Output, target: Target, settled: bool, patience: timedelta
) -> list[dict[str, Any]]:
    """From the reports of the workflows: of the open ones only, unless settled ones are wanted."""
    client = await target.connect()
    with out.progress("asking workflows") as advance:
        executions = await list_sagas(
            client,
            state=None if settled else "open",
            limit=_ALL,
            rpc_timeout=patience,
            on_found=advance,
        )
    silent = sum(execution.sagas is None for execution in executions)
    if silent:
        out.say(f"{silent} workflows could not be asked; `musterwerk sagas list` says why.")
    found = [
        _reported(client, execution, saga["name"], letter)
        for execution in executions
        for saga in execution.sagas or []
        for letter in saga["dead_letters"]
        if letter["settled"] is settled
    ]
    age = "settled_at" if settled else "since"
    return sorted(found, key=lambda one: str(one[age]), reverse=settled)


def _reported(
    client: Client, execution: SagaExecution, saga: str, letter: dict[str, Any]
) -> dict[str, Any]:
    how: dict[str, Any] = letter["resolution"] or {}
    place = (execution.workflow_id, execution.run_id, saga, letter["step"], letter["since"])
    return {
        "id": letter.get("id") or "/".join(place),
        "namespace": client.namespace,
        "workflow_id": execution.workflow_id,
        "run_id": execution.run_id,
        "workflow_type": execution.workflow_type,
        "task_queue": execution.task_queue,
        "saga": saga,
        **{name: letter[name] for name in _SAME},
        # A worker of an older version does not tell these.
        "kind": letter.get("kind", "undo" if letter["direction"] == "undo" else "forward"),
        "actions": letter.get("actions", list(ACTIONS)),
        "settled_at": letter.get("settled_at", how.get("at")),
        "action": how.get("action"),
        "resolved_by": how.get("by"),
        "reason": how.get("reason"),
        "resolved_at": how.get("at"),
    }


def _open_row(letter: dict[str, Any]) -> Sequence[str | Text]:
    shown = letter | {"choices": ", ".join(letter["actions"])}
    names = ("workflow_id", "saga", "step", "kind", "choices", "activity", "since", "attempts")
    return [_cell(shown, name) for name in (*names, "error")]


def _settled_row(letter: dict[str, Any]) -> Sequence[str | Text]:
    names = ("workflow_id", "saga", "step", "kind", "since", "settled_at")
    how = letter["action"] or "succeeded later"
    return [
        *(_cell(letter, name) for name in names),
        how,
        letter["resolved_by"] or "",
        letter["reason"] or "",
    ]


def _cell(letter: dict[str, Any], name: str) -> str:
    value = letter[name]
    if name in ("since", "settled_at") and value:
        return when(value)
    return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def resolve(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The workflow's or letter's id.")],
    step: Annotated[str, typer.Argument(metavar="STEP", help='As listed, such as "charge/1".')],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")],
    retry: Annotated[bool, typer.Option("--retry", help="Try it again at once.")] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Give it up.")] = False,
    done: Annotated[bool, typer.Option("--done", help="It was done by other means.")] = False,
    saga: Annotated[
        str | None, typer.Option("--saga", metavar="NAME", help="Where a workflow has several.")
    ] = None,
    result: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help="With --done, what the step itself returns; not for an undo."
        ),
    ] = None,
    run_id: Annotated[str | None, typer.Option("--run-id", help="Default: the latest run.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 20.0,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Settle a dead letter: one of --retry, --skip, --done, with your name and the reason."""
    flags = zip(ACTIONS, (retry, skip, done), strict=True)
    chosen: list[Action] = [action for action, is_so in flags if is_so]
    if len(chosen) != 1:
        raise UsageError("choose exactly one of --retry, --skip and --done")
    answer = Resolve(step, chosen[0], by, reason, saga, _result(result, chosen[0]))
    if wrong := answer.flaw():
        raise UsageError(wrong)

    async def tell(target: Target) -> dict[str, Any]:
        client = await target.connect()
        workflow_id, run, said = identity, run_id, answer
        if letter := await sender_of(client, identity):
            if letter["step"] != step:
                raise ResolutionRefused(f"the letter {identity!r} is about {letter['step']!r}")
            workflow_id, said = letter["workflow_id"], replace(answer, saga=letter["saga"])
            # The run that wrote it may have been reset since, and then another one waits.
            run = run_id or await last_run(client, workflow_id, letter["run_id"])
        told = await send(client, workflow_id, said, run, rpc_timeout=timedelta(seconds=timeout))
        return {"workflow_id": workflow_id, **told}

    told = run(tell(find_address(address, data)))
    out = Output(output)
    if out.machine:
        out.json(told)
    else:
        out.text(f"{told['step']} of {told['workflow_id']}: {chosen[0]}, by {by}: {reason}")


def _result(text: str | None, action: str) -> Any:
    if text is None:
        return None
    if action != "done":
        raise UsageError("--result goes with --done only: nothing else has a result")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--result is no JSON: {error}; text needs quotes: '\"text\"'") from error
