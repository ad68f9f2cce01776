"""What the commands of schedules share."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from musterwerk.cli.address import find_address
from musterwerk.cli.output import Output
from musterwerk.errors import ServerError, UsageError
from musterwerk.runtime.connection import Target

#: Temporal's schedules end with the latter.
_YEARS = (1970, 2100)
#: `plan` exits so when there is something to do.
CHANGES = 3
DeclarationArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A TOML file, or module:name of Schedules.")
]
NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Names; * stands for any letters.")
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Do not ask the server, also for what is applied.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def known_target(address: str | None, data: Path, namespace: str | None) -> Target | None:
    """None where no server is known: then its rules will do."""
    try:
        return find_address(address, data, namespace)
    except ServerError:
        return None


def agreed(out: Output, question: str, yes: bool) -> bool:
    """Whether it is to be done. Where nobody can be asked, --yes has to say so."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Say --yes where nobody can be asked.")
    if typer.confirm(question, err=True):
        return True
    out.say("Nothing was done.")
    return False


def moment(text: str, option: str) -> datetime:
    """Without a zone it is UTC. Raises `UsageError`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no time; 2026-10-25T00:00:00Z is one") from None
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        raise UsageError(f"{option}: {text!r} is not between the years {_YEARS[0]} and {_YEARS[1]}")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
