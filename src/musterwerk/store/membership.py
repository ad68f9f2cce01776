"""Who is who at a moment: members of groups, who is away and who stands in. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from musterwerk.principals import GROUP
from musterwerk.store.approval_tables import absences, members, people, roles


@dataclass(frozen=True)
class PeopleFacts:
    """Everybody in it exists and is active.

    `members` has every principal that was asked for, also those who are nobody. `substitutes`
    has those who are away, of all who are named in the question or in its groups.
    """

    members: dict[str, tuple[str, ...]]
    known: tuple[str, ...]
    substitutes: dict[str, tuple[str, ...]]
    acting_for_requester: tuple[str, ...]
    roles: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Place:
    """A principal for whom a person may act, as themselves or standing in for the `holder`."""

    principal: str
    holder: str


def facts(
    connection: Connection,
    principals: Sequence[str],
    persons: Sequence[str],
    requester: str,
    at: datetime,
) -> PeopleFacts:
    groups = _members(
        connection, [p.removeprefix(GROUP) for p in principals if p.startswith(GROUP)]
    )
    alone = [p for p in principals if not p.startswith(GROUP)]
    active = _active(connection, [*alone, *persons, requester])
    found = {
        p: groups[p.removeprefix(GROUP)]
        if p.startswith(GROUP)
        else tuple(one for one in (p,) if one in active)
        for p in principals
    }
    direct = _standing_in(connection, at)
    named = {*persons, requester, *(one for several in found.values() for one in several)}
    away = {person: substitutes_of(person, direct) for person in sorted(named & direct.keys())}
    return PeopleFacts(
        members=found,
        known=tuple(one for one in dict.fromkeys([*persons, requester]) if one in active),
        substitutes=away,
        acting_for_requester=away.get(requester, ()),
        roles=roles_of(connection, [one for one in dict.fromkeys(persons) if one in active]),
    )


def places(connection: Connection, person: str, at: datetime) -> tuple[Place, ...]:
    """Nobody's, for whom is not active. Their own come first."""
    if not _active(connection, [person]):
        return ()
    direct = _standing_in(connection, at)
    holders = [person, *(one for one in sorted(direct) if person in substitutes_of(one, direct))]
    rows = connection.execute(
        select(members.c.person, members.c.group_name)
        .where(members.c.person.in_(holders))
        .order_by(members.c.group_name)
    ).all()
    groups: dict[str, list[str]] = defaultdict(list)
    for holder, group in rows:
        groups[holder].append(GROUP + group)
    return tuple(Place(one, holder) for holder in holders for one in [holder, *groups[holder]])


def substitutes_of(person: str, direct: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Who stands in for somebody; where these are away themselves, their substitutes, too."""
    found = dict.fromkeys(direct.get(person, ()))
    waiting = list(found)
    while waiting:
        for one in direct.get(waiting.pop(0), ()):
            if one not in found:
                found[one] = None
                waiting.append(one)
    found.pop(person, None)
    return tuple(found)


def roles_of(connection: Connection, persons: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Of those who have any."""
    query = select(roles).where(roles.c.person.in_(persons)).order_by(roles.c.person, roles.c.role)
    return _gathered((row.person, row.role) for row in connection.execute(query))


def _members(connection: Connection, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    query = (
        select(members.c.group_name, members.c.person)
        .join(people, people.c.id == members.c.person)
        .where(members.c.group_name.in_(names), people.c.active)
        .order_by(members.c.person)
    )
    found = _gathered((row.group_name, row.person) for row in connection.execute(query))
    return {name: found.get(name, ()) for name in names}


def _active(connection: Connection, persons: Sequence[str]) -> set[str]:
    query = select(people.c.id).where(people.c.id.in_(set(persons)), people.c.active)
    return set(connection.execute(query).scalars())


def _standing_in(connection: Connection, at: datetime) -> dict[str, tuple[str, ...]]:
    """The substitutes of all who are away now. The list is short: few are at any moment."""
    person, substitute = people.alias(), people.alias()
    query = (
        select(absences.c.person, absences.c.substitute)
        .join(person, person.c.id == absences.c.person)
        .join(substitute, substitute.c.id == absences.c.substitute)
        .where(absences.c.starts <= at, at < absences.c.ends, person.c.active, substitute.c.active)
        .order_by(absences.c.id)
    )
    return _gathered((row.person, row.substitute) for row in connection.execute(query))


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for key, value in pairs:
        found[key][value] = None
    return {key: tuple(values) for key, values in found.items()}
