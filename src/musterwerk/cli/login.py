"""The first log-in of `musterwerk dev`: somebody has to be there who can add the others."""

from __future__ import annotations

from pathlib import Path

from musterwerk.cli.office import opened
from musterwerk.cli.output import Output
from musterwerk.errors import StoreError

ADMIN = "admin"
_LABEL = "musterwerk dev"


def tell(out: Output, data: Path) -> None:
    """Make the person `admin` with all roles and print a token, once for a database.

    A database that is away is no reason to stop.
    """
    try:
        secret = _first(data)
    except StoreError as error:
        out.say(f"No log-in could be made: {error}")
        return
    if secret is None:
        out.say(f"Another log-in token: musterwerk people token {ADMIN} --data {data}")
    else:
        out.text(f"Log-in token ({ADMIN}): {secret}")


def _first(data: Path) -> str | None:
    from musterwerk.store import PeopleTable, TokenTable
    from musterwerk.store.directory import ROLES, PersonRow

    with opened(data, to_change=True) as store:
        people = PeopleTable(store)
        if people.get(ADMIN) is None:
            with people.changes(actor=ADMIN, channel="cli") as change:
                change.person(PersonRow(ADMIN, "Administrator"))
                change.only_with(ADMIN, ROLES)
            return TokenTable(store).issue(ADMIN, _LABEL, None, actor=ADMIN, channel="cli")
    return None
