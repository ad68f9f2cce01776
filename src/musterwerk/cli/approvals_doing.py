"""One act on a request from the command line: its options, what was seen, what came of it."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from musterwerk.approvals import ApprovalHandle, Reply
from musterwerk.approvals.acts import Act, Decide
from musterwerk.approvals.client import new_id
from musterwerk.approvals.documents import read_act_fields
from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption
from musterwerk.cli.approvals_reading import Where, find, is_stranger, refused_at_start
from musterwerk.cli.approvals_telling import answer_option, answer_wanted, last_said, level
from musterwerk.cli.office import USER, AsOption, actor
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.errors import ApprovalRefused, UsageError

#: How long to wait for the final word of an act that was recorded.
_WAIT = timedelta(seconds=5)
#: As much of the details as one reads before an answer.
_LINES, _LINE = 25, 120

Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]


@dataclass(frozen=True)
class Doing:
    """One act by somebody on a request. The fields are what every command takes."""

    identity: Id
    by: AsOption = None
    output: OutputOption = Format.table
    address: AddressOption = None
    data: DataOption = DEFAULT_DATA

    @property
    def out(self) -> Output:
        return Output(self.output)

    @property
    def where(self) -> Where:
        return Where(self.address, Path(self.data))

    def do(self, kind: type[Act], **fields: Any) -> None:
        common = {"id": new_id(), "by": actor(self.by), "channel": "cli"}
        act = read_act_fields(kind, common | {"made_at": datetime.now(UTC)} | fields)
        reply = run(self._send(act))
        if self.out.machine:
            self.out.json(reply.as_json())
        if not reply.ok:
            self.out.say(f"Refused ({reply.verdict.replace('_', ' ')}): {reply.message}.")
            if isinstance(act, Decide) and act.answer is None and reply.verdict == "invalid":
                self._tell_answer(act.outcome)
            raise typer.Exit(1)
        if not self.out.machine:
            self.out.text(self._told(reply))

    def _tell_answer(self, outcome: str) -> None:
        """Where its lack is why they were refused."""
        status = run(find(self.out, self.where, self.identity))
        if outcome in status["answer_for"]:
            self.out.say(f"Answer wanted: {answer_wanted(status)}")
            self.out.say(f"Give it with {answer_option(status)}")

    def _told(self, reply: Reply) -> str:
        if reply.verdict == "applied":
            return f"Applied: {reply.message}."
        return (
            "Recorded, not applied yet: it is kept and takes effect as soon as a `musterwerk "
            f"worker` answers; `musterwerk approvals show {self.identity}` tells whether it has."
        )

    def seen(self, outcome: str, *, unseen: bool) -> str:
        """The digest of the request as it stands, shown and agreed to unless `unseen`.

        If it changes on the way, the answer is "look again".
        """
        asks = sys.stdin.isatty() and not unseen
        if not (asks or unseen):
            raise UsageError(
                f"{outcome} what? Give the --digest of what you have seen (`musterwerk approvals "
                f"show {self.identity}` and mails have it), or say --unseen"
            )
        if asks and is_stranger(self.where, actor(self.by)):
            raise UsageError(
                f"nobody is known as {actor(self.by)!r}; say who you are with --as PERSON or {USER}"
            )
        status = run(find(self.out, self.where, self.identity))
        self.out.say(f"{outcome}: {status['subject']} (asked by {status['requester']})")
        if asks:
            for line in _shortened(status["details"]):
                self.out.say(line)
            for line in _before_deciding(status):
                self.out.say(line)
            typer.confirm(f"{outcome}?", abort=True, err=True)
        return str(status["digest"])

    async def _send(self, act: Act) -> Reply:
        client = await self.where.target().connect()
        try:
            return await ApprovalHandle(client, self.identity).act(act, wait=_WAIT)
        except ApprovalRefused as refused:
            raise refused_at_start(self.identity, refused) from refused


def as_command(act: Callable[..., None]) -> Callable[..., None]:
    """`act` takes a `Doing` and options of its own; the command has the options of both."""
    common = inspect.signature(Doing, eval_str=True).parameters
    _, *own = inspect.signature(act, eval_str=True).parameters.values()
    identity, *others = common.values()
    both = [one.replace(kind=one.KEYWORD_ONLY) for one in (identity, *own, *others)]

    def command(**given: Any) -> None:
        act(Doing(**{name: given.pop(name) for name in common}), **given)

    command.__doc__ = act.__doc__
    # What Typer reads.
    command.__dict__["__signature__"] = inspect.Signature(both)
    command.__annotations__ = {one.name: one.annotation for one in both}
    return command


def _before_deciding(status: dict[str, Any]) -> list[str]:
    told = {"level": level(status), "answer wanted": answer_wanted(status)}
    lines = [f"{name}: {value}" for name, value in told.items() if value]
    return [*lines, *([said] if (said := last_said(status)) else [])]


def _shortened(details: Any) -> list[str]:
    if details is None:
        return []
    lines = json.dumps(details, indent=2, ensure_ascii=False).splitlines()
    shown = [line if len(line) <= _LINE else f"{line[:_LINE]}..." for line in lines[:_LINES]]
    more = len(lines) - len(shown)
    return [*shown, f"... and {more} lines more"] if more else shown
