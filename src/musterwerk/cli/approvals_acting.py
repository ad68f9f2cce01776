"""`musterwerk approvals approve`, `reject`, … : what people do to a request."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from musterwerk.approvals.acts import (
    Ask,
    Claim,
    Comment,
    Decide,
    Delegate,
    Inform,
    Release,
    Withdraw,
)
from musterwerk.approvals.policy import APPROVE, REJECT
from musterwerk.cli.approvals_doing import Doing, as_command
from musterwerk.errors import UsageError

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
    str | None,
    typer.Option("--digest", help="Of what you have seen; else you are shown it and asked."),
]
UnseenOption = Annotated[
    bool, typer.Option("--unseen", help="As it stands now, without looking at it.")
]


def register(app: typer.Typer) -> None:
    for act in (
        *(approve, reject, decide, delegate, claim, release),
        *(ask, answer, comment, withdraw),
    ):
        app.command(act.__name__)(as_command(act))


def approve(
    doing: Doing,
    reason: ReasonOption = "",
    answer: AnswerOption = None,
    on_behalf_of: BehalfOption = None,
    digest: DigestOption = None,
    unseen: UnseenOption = False,
) -> None:
    """Say yes."""
    digest = digest or doing.seen(APPROVE, unseen=unseen)
    fields = {"reason": reason, "on_behalf_of": on_behalf_of, "digest": digest}
    doing.do(Decide, outcome=APPROVE, answer=_json(answer), **fields)


def reject(
    doing: Doing,
    reason: ReasonOption,
    on_behalf_of: BehalfOption = None,
    digest: Annotated[str | None, typer.Option("--digest", help="Of what you have seen.")] = None,
) -> None:
    """Say no, and why."""
    digest = digest or doing.seen(REJECT, unseen=True)
    fields = {"reason": reason, "on_behalf_of": on_behalf_of, "digest": digest}
    doing.do(Decide, outcome=REJECT, **fields)


def decide(
    doing: Doing,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="One of those offered.")],
    reason: ReasonOption = "",
    answer: AnswerOption = None,
    on_behalf_of: BehalfOption = None,
    digest: DigestOption = None,
    unseen: UnseenOption = False,
) -> None:
    """Choose any of the outcomes."""
    digest = digest or doing.seen(outcome, unseen=unseen or outcome == REJECT)
    fields = {"reason": reason, "on_behalf_of": on_behalf_of, "digest": digest}
    doing.do(Decide, outcome=outcome, answer=_json(answer), **fields)


def delegate(
    doing: Doing,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who decides instead.")],
    holder: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Whose place; operators may say another's.")
    ] = None,
    reason: ReasonOption = "",
) -> None:
    """Let somebody decide in your place; naming its holder takes it back."""
    doing.do(Delegate, to=to, holder=holder, reason=reason)


def claim(doing: Doing) -> None:
    """Take it on: nobody else decides until you release it."""
    doing.do(Claim)


def release(doing: Doing) -> None:
    """Give back what was claimed."""
    doing.do(Release)


def ask(doing: Doing, text: Text) -> None:
    """Ask the requester back."""
    doing.do(Ask, text=text)


def answer(doing: Doing, text: Text) -> None:
    """Answer what was asked back."""
    doing.do(Inform, text=text)


def comment(doing: Doing, text: Text) -> None:
    """Say something about it."""
    doing.do(Comment, text=text)


def withdraw(doing: Doing, reason: ReasonOption = "") -> None:
    """Take a request back; its requester and operators may."""
    doing.do(Withdraw, reason=reason)


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--answer is no JSON: {error}; text needs quotes: '\"text\"'") from error
