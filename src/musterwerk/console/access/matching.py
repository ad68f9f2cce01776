"""Which person of ours an account of the company's is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from musterwerk.store.directory import PersonRow
from musterwerk.store.people import PeopleTable

_MAIL = "email"


def person_of(
    people: PeopleTable, names: Sequence[str], claims: Mapping[str, Any]
) -> PersonRow | None:
    """The one active person whom the claims name; None where they name nobody, or several.

    Nobody is chosen among two: where somebody may choose their own user name, a mail that names
    another person gives them away.
    """
    found: dict[str, PersonRow] = {}
    for name in names:
        value = claims.get(name)
        if isinstance(value, str) and value:
            verified = claims.get("email_verified") in (True, "true")  # some send text
            if name == _MAIL:
                same = _with_mail(people, value) if verified else []
            else:
                same = [one for one in (people.get(value),) if one is not None]
            found |= {one.id: one for one in same}
    if len(found) != 1:
        return None
    (only,) = found.values()
    return only if only.active else None


def _with_mail(people: PeopleTable, mail: str) -> list[PersonRow]:
    same = mail.casefold()
    return [one for one in people.all() if one.active and (one.mail or "").casefold() == same]
