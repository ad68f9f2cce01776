"""The first log-in of `musterwerk dev`: somebody has to be there who can add the others.

Only in the database under its own data folder: one that the environment names may be the
company's, and nobody becomes its admin by trying something out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from musterwerk.cli.office import opened
from musterwerk.cli.output import Output
from musterwerk.errors import StoreError

ADMIN = "admin"
FLAG = "--add-people"
_LABEL = "musterwerk dev"
_LIFETIME = timedelta(days=30)
_DATABASE = "MUSTERWERK_DATABASE_URL"


@dataclass(frozen=True)
class _LogIn:
    token: str
    password: str


def is_ours() -> bool:
    """Whether the database is the one under the data folder."""
    return not os.environ.get(_DATABASE, "").strip()


def tell(out: Output, data: Path, console: str, *, add_people: bool) -> None:
    """Make the person `admin` with all roles and print their password and a token, once for a
    database.

    A database that is away is no reason to stop.
    """
    if not add_people:
        out.say(
            f"Nobody was added to the database that {_DATABASE} names; `musterwerk people "
            f"password PERSON` makes a log-in, and dev {FLAG} adds an admin and the shop's staff"
        )
        return
    try:
        made = _first(data)
    except StoreError as error:
        out.say(f"No log-in could be made: {error}")
        return
    if made is None:
        out.say(
            f"A new password: musterwerk people password {ADMIN} --generate --data {data}\n"
            f"Another log-in token: musterwerk people token {ADMIN} --data {data}"
        )
    else:
        out.text(f"Log-in token ({ADMIN}): {made.token}")
        out.text(f"Password ({ADMIN}): {made.password}")
        out.say(
            f"Log in as {ADMIN} with the password at {console}/login. The token is for programs; "
            f"it opens everything for {_LIFETIME.days} days. Neither is shown again."
        )


def _first(data: Path) -> _LogIn | None:
    from musterwerk.cli import passwords
    from musterwerk.store import PeopleTable, TokenTable
    from musterwerk.store.directory import ROLES, PersonRow

    with opened(data, to_change=True, new=True) as store:
        people = PeopleTable(store)
        if people.get(ADMIN) is None:
            with people.changes(actor=ADMIN, channel="cli") as change:
                change.person(PersonRow(ADMIN, "Administrator"))
                change.only_with(ADMIN, ROLES)
            until = datetime.now(UTC) + _LIFETIME
            token = TokenTable(store).issue(ADMIN, _LABEL, until, actor=ADMIN, channel="cli")
            return _LogIn(token, passwords.put(store, ADMIN, passwords.generated, ADMIN))
    return None
