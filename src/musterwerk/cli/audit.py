"""`musterwerk audit`: verifying, sealing, reading and exporting the audit trail."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from temporalio.client import Client

from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption, find_address
from musterwerk.cli.office import opened
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.cli.telling import said, when
from musterwerk.errors import ServerError, UsageError
from musterwerk.runtime.connection import Target

if TYPE_CHECKING:
    from musterwerk.store import Store
    from musterwerk.store.audit import AuditTrail, KeptLine
    from musterwerk.store.audit_folder import AuditFolder
    from musterwerk.store.auditing import Asked, Verdict

#: Asks Temporal what it retains of the requests; of those on one task queue, if it is given.
Asking = Callable[[Client, str | None], Awaitable["Asked"]]

_COLUMNS = ["SEQ", "AT", "REQUEST", "EVENT", "ACTOR", "FOR", "CHANNEL", "SAID"]
_DEVIATES = 1


def register(main: typer.Typer, asking: Asking | None = None) -> None:
    app = typer.Typer(
        help="The audit trail: verify it, seal it, read it, hand it out.", no_args_is_help=True
    )
    app.command("verify")(_verify_with(asking or _retained))
    app.command("checkpoint")(checkpoint)
    app.command("list")(list_)
    app.command("export")(export)
    main.add_typer(app, name="audit")


def _verify_with(asking: Asking) -> Callable[..., None]:
    def verify(
        no_temporal: Annotated[
            bool, typer.Option("--no-temporal", help="Do not compare with Temporal's histories.")
        ] = False,
        task_queue: Annotated[
            str | None,
            typer.Option(help="Compare only this worker's requests, where others have databases."),
        ] = None,
        key: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Your own copy of the public key, in PEM."),
        ] = None,
        output: OutputOption = Format.table,
        address: AddressOption = None,
        data: DataOption = DEFAULT_DATA,
    ) -> None:
        """Find the first place where the trail is not as it was written.

        Exit code 0: all is intact. 1: it is not, or could not be read. 2: wrong usage.
        """
        out = Output(output)
        with _opened(data) as (store, folder):
            from musterwerk.store import auditing

            told = None
            if not no_temporal:
                told = run(_ask(asking, _target(address, data), task_queue))
            with out.progress("reading lines") as advance:
                verdict = auditing.verify(
                    store,
                    folder,
                    executions=None if told is None else lambda: told.executions,
                    public_key=key,
                    seen=advance,
                )
        _show(out, verdict, told)
        if not verdict.ok:
            raise typer.Exit(_DEVIATES)

    return verify


def checkpoint(output: OutputOption = Format.table, data: DataOption = DEFAULT_DATA) -> None:
    """Sign all lines that are there now. Again when nothing has been added changes nothing."""
    out = Output(output)
    with _opened(data) as (store, folder):
        from musterwerk.store.checkpoints import Checkpointer

        made = Checkpointer(store, folder).make(datetime.now(UTC))
    if out.machine:
        out.json(None if made is None else vars(made))
    elif made is None:
        out.say("Nothing is new since the last checkpoint.")
    else:
        out.text(f"Checkpoint {made.number} covers the lines up to {made.seq}.")


def list_(
    request: Annotated[str | None, typer.Option(metavar="ID", help="Of this request.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Done by them.")] = None,
    event: Annotated[str | None, typer.Option(metavar="EVENT", help="Such as decided.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="2026-03-01 or 2026-03-01T09:30, in UTC.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The last so many.")] = 50,
    output: OutputOption = Format.table,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Show lines of the trail in their order."""
    out = Output(output)
    begin = None if since is None else _time(since)
    with _opened(data) as (store, _):
        from musterwerk.store.audit import AuditTrail, Filter

        only = Filter(request_id=request, actor=actor, event=event, since=begin)
        found = AuditTrail(store).latest(limit, only)
        if not found and event is not None:
            _check_event(event, AuditTrail(store))
    if out.machine:
        out.json([vars(line) | {"at": line.at.isoformat()} for line in found])
    elif found:
        out.table(_COLUMNS, [_row(line) for line in found])
    else:
        out.say("No such line.")


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Is written anew; - is stdout.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Write key, checkpoints and all lines as JSON lines, to be verified by others' code."""
    with _opened(data) as (store, folder):
        from musterwerk.store import auditing

        if str(file) == "-":
            sys.stdout.writelines(line + "\n" for line in auditing.export(store, folder))
            return
        draft = file.with_name(file.name + ".new")
        try:
            with draft.open("w") as opened:
                opened.writelines(line + "\n" for line in auditing.export(store, folder))
            draft.replace(file)
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    Output().say(f"Written: {file}")


@contextmanager
def _opened(data: Path) -> Generator[tuple[Store, AuditFolder]]:
    """The database as it is, and the folder of its checkpoints."""
    missing = [name for name in ("alembic", "cryptography", "sqlalchemy") if not find_spec(name)]
    if missing:
        raise UsageError(f"the audit trail needs {missing[0]}: pip install 'musterwerk[worker]'")
    from musterwerk.store.audit_folder import AuditFolder

    with opened(data) as store:
        store.prepare()  # before a folder or a file is made for what is not there
        yield store, AuditFolder.from_environment(data)


def _target(address: str | None, data: Path) -> Target:
    try:
        return find_address(address, data)
    except ServerError as error:
        raise ServerError(f"{error}; --no-temporal verifies the trail alone") from error


async def _ask(asking: Asking, target: Target, task_queue: str | None) -> Asked:
    return await asking(await target.connect(), task_queue)


async def _retained(client: Client, task_queue: str | None) -> Asked:
    from musterwerk.approvals.retained import retained

    return await retained(client, task_queue)


def _show(out: Output, verdict: Verdict, told: Asked | None) -> None:
    left_out = _not_compared(told)
    if left_out and (out.machine or not verdict.ok):
        out.say(f"Note: not verified: {left_out}")
    for warning in verdict.warnings:
        out.say(f"Note: {warning}")
    if out.machine:
        silent = None if told is None else list(told.silent)
        out.json(verdict.as_json() | {"silent": silent})
        return
    found = verdict.deviation
    if found is not None:
        out.text(f"NOT INTACT, first at line {found.seq}: {found.what}.")
        for word, what in (("expected", found.expected), ("found", found.found)):
            if what:
                out.text(f"  {word + ':':<10}{what}")
        return
    compared = (
        "" if verdict.executions is None else f", {verdict.executions} executions in Temporal"
    )
    rest = f"NOT verified: {left_out}" if left_out else "Nothing was left out."
    out.text(f"Verified: the chain and its checkpoints{compared}. {rest}")
    out.text(
        f"Intact: {verdict.lines} lines, {verdict.checkpoints} checkpoints, "
        f"sealed up to line {verdict.sealed_up_to} with the key {verdict.key_id or '(none yet)'}."
    )
    out.text(f"Not yet sealed: {verdict.unsealed}")


def _not_compared(told: Asked | None) -> str:
    """What of Temporal's histories the verification leaves out; "" where nothing."""
    if told is None:
        return "Temporal's histories (--no-temporal)."
    if not told.silent:
        return ""
    some = ", ".join(told.silent[:5]) + (", ..." if len(told.silent) > 5 else "")
    return (
        f"{len(told.silent)} requests in Temporal, for which no worker answers; is a `musterwerk "
        f"worker` there? They are {some}"
    )


def _check_event(event: str, trail: AuditTrail) -> None:
    from musterwerk.approvals.state import Event
    from musterwerk.store.audit import Filter
    from musterwerk.store.checkpoints import EVENT
    from musterwerk.store.people_changes import PeopleEvent

    known = [*get_args(Event), *get_args(PeopleEvent), EVENT]
    if event not in known and not trail.latest(1, Filter(event=event)):
        raise UsageError(f"--event: {event!r} is none; choose {', '.join(known)}")


def _row(line: KeptLine) -> list[str]:
    who: list[Any] = [
        line.actor,
        line.on_behalf_of or "",
        line.channel,
        said(line.data, line.actor),
    ]
    return [str(line.seq), when(line.at), line.request_id or "", line.event, *who]


def _time(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since {text!r} is no time; 2026-03-01T09:30 is expected") from error
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given
