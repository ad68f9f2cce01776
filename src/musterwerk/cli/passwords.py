"""Passwords at the keyboard: asked for twice, read from a pipe, or made."""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from musterwerk.errors import UsageError

if TYPE_CHECKING:
    from musterwerk.store import Store

#: Nothing that looks like something else, in groups that can be read out: 100 bits.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _IN_ONE = 4, 5


def put(store: Store, person: str, password: Callable[[], str], actor: str) -> str:
    """Returns the password. Raises `UsageError` where nobody has this name, or it is no good."""
    try:
        from musterwerk.console.access.hashing import hashed
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"passwords need {missing.name}: pip install 'musterwerk[console]'"
        ) from missing
    from musterwerk.store import PeopleTable
    from musterwerk.store.passwords import PasswordTable

    if PeopleTable(store).get(person) is None:
        raise UsageError(f"nobody is known as {person!r}; see `musterwerk people list`")
    given = password()
    PasswordTable(store).put(person, hashed(given), actor=actor, channel="cli")
    return given


def generated() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_IN_ONE)) for _ in range(_GROUPS))
    return "-".join(groups)


def asked() -> str:
    """Twice and unseen on a terminal; otherwise the first line of stdin."""
    if not sys.stdin.isatty():
        try:
            return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise UsageError("the password on stdin is no UTF-8 text") from error
    try:
        first, second = (
            getpass.getpass(prompt, stream=sys.stderr)
            for prompt in ("New password: ", "The same again: ")
        )
    except EOFError:
        raise UsageError("no password was given; nothing was changed") from None
    if first != second:
        raise UsageError("the two passwords differ; nothing was changed, try again")
    return first
