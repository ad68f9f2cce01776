"""`musterwerk approvals approve`, `reject`, … : what people do to a request."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from musterwerk.approvals import ApprovalHandle, Reply
from musterwerk.approvals.acts import (
    Act,
    Ask,
    Claim,
    Comment,
    Decide,
    Delegate,
    Inform,
    Release,
    Withdraw,
)
from musterwerk.approvals.client import new_id
from musterwerk.approvals.documents import read_act_fields
from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption
from musterwerk.cli.approvals_reading import Where, find, refused_at_start
from musterwerk.cli.office import AsOption, actor
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.running import run
from musterwerk.errors import ApprovalRefused, UsageError

#: How long to wait for the final word of an act that was recorded.
_WAIT = timedelta(seconds=5)

Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]
Text = Annotated[str, typer.Argument(metavar="TEXT")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="It is kept.")]
AnswerOption = Annotated[
    str | None, typer.Option("--answer", metavar="JSON", help="Where one is asked for.")
]
BehalfOption = Annotated[
    str | None,
    typer.Option("--on-behalf-of", metavar="PERSON", help="Whose place you take, of several."),
]
DigestOption = Annotated[
    str | None, typer.Option("--digest", help="Of what you have seen; else as it stands now.")
]


def register(app: typer.Typer) -> None:
    for name, command in _COMMANDS.items():
        app.command(name)(command)


def approve(
    identity: Id,
    by: AsOption = None,
    reason: ReasonOption = "",
    answer: AnswerOption = None,
    on_behalf_of: BehalfOption = None,
    digest: DigestOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Say yes."""
    fields = {"reason": reason, "on_behalf_of": on_behalf_of, "digest": digest}
    _decide(Doing(identity, by, output, address, data), "approve", answer, fields)


def reject(
    identity: Id,
    reason: ReasonOption,
    by: AsOption = None,
    on_behalf_of: BehalfOption = None,
    digest: DigestOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Say no, and why."""
    fields = {"reason": reason, "on_behalf_of": on_behalf_of, "digest": digest}
    _decide(Doing(identity, by, output, address, data), "reject", None, fields)


def decide(
    identity: Id,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="One of those offered.")],
    by: AsOption = None,
    reason: ReasonOption = "",
    answer: AnswerOption = None,
    on_behalf_of: BehalfOption = None,
    digest: DigestOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Choose any of the outcomes."""
    fields = {"reason": reason, "on_behalf_of": on_behalf_of, "digest": digest}
    _decide(Doing(identity, by, output, address, data), outcome, answer, fields)


def delegate(
    identity: Id,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who decides instead.")],
    holder: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Whose place; operators may say another's.")
    ] = None,
    by: AsOption = None,
    reason: ReasonOption = "",
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Let somebody decide in your place; naming its holder takes it back."""
    doing = Doing(identity, by, output, address, data)
    doing.do(Delegate, to=to, holder=holder, reason=reason)


def claim(
    identity: Id,
    by: AsOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Take it on: nobody else decides until you release it."""
    Doing(identity, by, output, address, data).do(Claim)


def release(
    identity: Id,
    by: AsOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Give back what was claimed."""
    Doing(identity, by, output, address, data).do(Release)


def ask(
    identity: Id,
    text: Text,
    by: AsOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Ask the requester back."""
    Doing(identity, by, output, address, data).do(Ask, text=text)


def answer(
    identity: Id,
    text: Text,
    by: AsOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Answer what was asked back."""
    Doing(identity, by, output, address, data).do(Inform, text=text)


def comment(
    identity: Id,
    text: Text,
    by: AsOption = None,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Say something about it."""
    Doing(identity, by, output, address, data).do(Comment, text=text)


def withdraw(
    identity: Id,
    by: AsOption = None,
    reason: ReasonOption = "",
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Take a request back; its requester and operators may."""
    Doing(identity, by, output, address, data).do(Withdraw, reason=reason)


_COMMANDS = {
    "approve": approve,
    "reject": reject,
    "decide": decide,
    "delegate": delegate,
    "claim": claim,
    "release": release,
    "ask": ask,
    "answer": answer,
    "comment": comment,
    "withdraw": withdraw,
}


class Doing:
    """One act by somebody on a request, and what became of it."""

    def __init__(
        self, identity: str, by: str | None, output: Format, address: str | None, data: Any
    ) -> None:
        self.identity = identity
        self.by = actor(by)
        self.out = Output(output)
        self.where = Where(address, data)

    def do(self, kind: type[Act], **fields: Any) -> None:
        common = {"id": new_id(), "by": self.by, "channel": "cli", "made_at": datetime.now(UTC)}
        act = read_act_fields(kind, common | fields)
        reply = run(self._send(act))
        if self.out.machine:
            self.out.json(reply.as_json())
        if not reply.ok:
            self.out.say(f"Refused ({reply.verdict.replace('_', ' ')}): {reply.message}.")
            raise typer.Exit(1)
        if not self.out.machine:
            word = "Applied" if reply.verdict == "applied" else "Recorded, not applied yet"
            self.out.text(f"{word}: {reply.message}.")

    async def _send(self, act: Act) -> Reply:
        client = await self.where.target().connect()
        try:
            return await ApprovalHandle(client, self.identity).act(act, wait=_WAIT)
        except ApprovalRefused as refused:
            raise refused_at_start(self.identity, refused) from refused


def _decide(doing: Doing, outcome: str, answer: str | None, fields: dict[str, Any]) -> None:
    if fields["digest"] is None:
        # Bound to what is there now: if it changes on the way, the answer is "look again".
        seen = run(find(doing.out, doing.where, doing.identity))
        fields["digest"] = seen["digest"]
        doing.out.say(f"{outcome}: {seen['subject']} (asked by {seen['requester']})")
    doing.do(Decide, outcome=outcome, answer=_json(answer), **fields)


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--answer is no JSON: {error}; text needs quotes: '\"text\"'") from error
