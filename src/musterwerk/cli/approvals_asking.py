"""`musterwerk approvals request` and `rebuild`."""

from __future__ import annotations

import asyncio
import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from musterwerk.approvals import TASK_QUEUE, ApprovalHandle, Status, start
from musterwerk.approvals.documents import RequestDocument, about_stranger, read_document
from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption, find_address
from musterwerk.cli.approvals_reading import Where, is_stranger, refused_at_start
from musterwerk.cli.office import actor, opened
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.cli.telling import when, words
from musterwerk.errors import ApprovalRefused, ServerError, UsageError
from musterwerk.runtime.connection import Target

_PATIENCE = 5.0
_LOOK_EVERY = 0.05
_NAMED = 10


def register(app: typer.Typer) -> None:
    app.command("request")(request)
    app.command("rebuild")(rebuild)


def request(
    file: Annotated[str, typer.Argument(metavar="FILE", help="TOML or JSON; - is stdin.")],
    identity: Annotated[
        str | None, typer.Option("--id", help="Unique; asked again with it, it is asked once.")
    ] = None,
    task_queue: Annotated[str, typer.Option(help="Whose worker serves it.")] = TASK_QUEUE,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Ask people. The file has a request's fields: subject, details, policy and others.

    Without `requester` you ask in your own name.
    """
    given = _document(file)
    given.setdefault("requester", actor())
    if identity is not None:
        given["id"] = identity
    document = read_document(given, file)
    begun, status = run(_begin(find_address(address, data), document, task_queue))
    out = Output(output)
    if out.machine:
        out.json({"id": begun, "status": status.as_json() if status else None})
    else:
        out.text(begun)
        out.say(_told(status))
    if is_stranger(Where(address, data), document.requester):
        out.say(f"Note: {about_stranger(document.requester)}.")


def _told(status: Status | None) -> str:
    if status is None:
        return "Begun; no worker has looked at it yet (`musterwerk worker`)."
    if status.state not in ("open", "info_requested"):
        return f"It was there already: {status.state}."
    until = f"; until {when(status.expires_at)}" if status.expires_at else ""
    return f"Asked: {words(status.may_decide)}{until}."


async def _begin(
    target: Target, document: RequestDocument, task_queue: str
) -> tuple[str, Status | None]:
    client = await target.connect()
    handle = await start(
        client,
        document.request(),
        id=document.id,
        task_queue=task_queue,
        by=actor(),
        channel="cli",
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            return handle.id, await _status(handle)
    except TimeoutError:
        return handle.id, None
    except ApprovalRefused as refused:
        raise refused_at_start(handle.id, refused) from refused


async def _status(handle: ApprovalHandle) -> Status:
    """As soon as there is one."""
    while True:
        try:
            return await handle.status()
        except ServerError:
            await asyncio.sleep(_LOOK_EVERY)


def rebuild(
    task_queue: Annotated[str, typer.Option(help="Whose requests this database has.")] = TASK_QUEUE,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Drop and refill the inbox from what Temporal knows of every request on the task queue.

    Nobody is notified. The inbox can be read all the while. What Temporal does not know there (any
    more) is kept, and counted.
    """
    from musterwerk.approvals.rebuilding import Rebuilt
    from musterwerk.approvals.rebuilding import rebuild as fill
    from musterwerk.store import InboxTable

    out = Output(output)

    async def work(target: Target, inbox: InboxTable) -> Rebuilt:
        client = await target.connect()
        with out.progress("asking requests") as advance:
            return await fill(client, inbox, advance, task_queue=task_queue)

    with opened(data, to_change=True, new=True) as store:
        done = run(work(find_address(address, data), InboxTable(store)))
    if out.machine:
        out.json(asdict(done))
    else:
        out.text(
            f"{done.written} written, {len(done.silent)} without an answer (left as they were)"
        )
        out.text(
            f"{done.kept} not on the task queue {task_queue!r}, or not known to Temporal any more "
            f"(kept); {done.refused} refused at the start"
        )
    for ids, what in [
        (done.silent, "did not answer; is a `musterwerk worker` there?"),
        (
            done.kept_open,
            f"look open, but are not on the task queue {task_queue!r}, or gone from Temporal",
        ),
    ]:
        if ids:
            more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
            out.say(f"{', '.join(sorted(ids)[:_NAMED])}{more}: {what}")
    if done.silent:
        raise typer.Exit(1)


def _document(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    kinds = [json.loads] if file.endswith(".json") else [tomllib.loads]
    if file == "-":
        kinds = [json.loads, tomllib.loads]
    reasons: list[str] = []
    for read in kinds:
        try:
            found = read(text)
        except ValueError as error:
            reasons.append(str(error))
            continue
        if not isinstance(found, dict):
            raise UsageError(f"{file} holds no table (object)")
        return cast("dict[str, Any]", found)
    raise UsageError(f"{file} cannot be read: {'; '.join(reasons)}")
