"""The first log-in of `musterwerk dev`: somebody has to be there who can add the others.

Only in the database under its own data folder: one that the environment names may be the
company's, and nobody becomes its admin by trying something out.
"""

from __future__ import annotations

import os
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


def is_ours() -> bool:
    """Whether the database is the one under the data folder."""
    return not os.environ.get(_DATABASE, "").strip()


def tell(out: Output, data: Path, *, add_people: bool) -> None:
    """Make the person `admin` with all roles and print a token, once for a database.

    A database that is away is no reason to stop.
    """
    if not add_people:
        out.say(
            f"Nobody was added to the database that {_DATABASE} names; `musterwerk people token "
            f"PERSON` makes a log-in, and dev {FLAG} adds an admin and the shop's staff"
        )
        return
    try:
        secret = _first(data)
    except StoreError as error:
        out.say(f"No log-in could be made: {error}")
        return
    if secret is None:
        out.say(f"Another log-in token: musterwerk people token {ADMIN} --data {data}")
    else:
        out.text(f"Log-in token ({ADMIN}): {secret}")
        out.say(f"It opens everything for {_LIFETIME.days} days.")


def _first(data: Path) -> str | None:
    from musterwerk.store import PeopleTable, TokenTable
    from musterwerk.store.directory import ROLES, PersonRow

    with opened(data, to_change=True, new=True) as store:
        people = PeopleTable(store)
        if people.get(ADMIN) is None:
            with people.changes(actor=ADMIN, channel="cli") as change:
                change.person(PersonRow(ADMIN, "Administrator"))
                change.only_with(ADMIN, ROLES)
            until = datetime.now(UTC) + _LIFETIME
            return TokenTable(store).issue(ADMIN, _LABEL, until, actor=ADMIN, channel="cli")
    return None
