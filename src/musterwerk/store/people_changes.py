"""Changes of people inside one transaction; each that changes something is in the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import Connection, Table, delete, select, update

from musterwerk.errors import UsageError
from musterwerk.store import directory
from musterwerk.store.approval_tables import absences, groups, members, people, roles
from musterwerk.store.audit import AuditLine
from musterwerk.store.dialects import insert
from musterwerk.store.directory import AbsenceRow, PersonRow
from musterwerk.store.sessions import all_of

#: What can happen to people and what they have, as the audit trail names it.
PeopleEvent = Literal[
    "person_added",
    "person_changed",
    "group_added",
    "group_dropped",
    "member_added",
    "member_removed",
    "role_granted",
    "role_withdrawn",
    "absence_added",
    "absence_changed",
    "absence_removed",
    "token_issued",
    "token_revoked",
    "password_changed",
]


@dataclass(frozen=True)
class By:
    """Who changes something, by which way ("cli", "rest", …), and when."""

    actor: str
    channel: str
    at: datetime


def line(by: By, event: PeopleEvent, data: dict[str, Any]) -> AuditLine:
    """Each is a line of its own, however often the same is done."""
    return AuditLine(
        source=f"directory/{uuid4().hex}",
        at=by.at,
        request_id=None,
        event=event,
        actor=by.actor,
        channel=by.channel,
        data=data,
    )


class PeopleChanges:
    """Raises `UsageError` where something cannot be; the caller's transaction takes all back.

    `lines` are for the audit trail, which is locked from the first to the end of a transaction:
    the caller appends them last.
    """

    def __init__(self, connection: Connection, by: By) -> None:
        self.lines: list[AuditLine] = []
        self._connection = connection
        self._by = by

    def known(self, person: str) -> PersonRow | None:
        """As they are; nobody else changes them until the end of the transaction."""
        return find_person(self._connection, person, to_change=True)

    def person(self, person: PersonRow) -> None:
        """Added, or changed to be so."""
        directory.check_person(person)
        before = self.known(person.id)
        if before == person:
            return None
        self._connection.execute(
            insert(self._connection, people)
            .values(asdict(person))
            .on_conflict_do_update(index_elements=["id"], set_=_without_id(person))
        )
        if before is None:
            return self._note("person_added", asdict(person))
        if not person.active:
            self._connection.execute(all_of(person.id))  # nor do they come back by coming back
        old = asdict(before)
        changed = {key: value for key, value in asdict(person).items() if old[key] != value}
        was = {key: old[key] for key in changed}
        return self._note("person_changed", {"id": person.id, "from": was, "to": changed})

    def group(self, name: str) -> None:
        directory.name_of(name, "group")
        if self._added(groups, name=name):
            self._note("group_added", {"group": name})

    def drop_group(self, name: str) -> None:
        if self._connection.execute(delete(groups).where(groups.c.name == name)).rowcount == 0:
            raise UsageError(f"there is no group {name!r}")
        had = members.c.group_name == name
        gone = self._connection.execute(select(members.c.person).where(had)).scalars().all()
        self._connection.execute(delete(members).where(had))
        self._note("group_dropped", {"group": name, "members": sorted(gone)})

    def join(self, group: str, person: str) -> None:
        self.must_exist(person)
        self.group(group)
        if self._added(members, group_name=group, person=person):
            self._note("member_added", {"group": group, "person": person})

    def leave(self, group: str, person: str) -> None:
        row = delete(members).where(members.c.group_name == group, members.c.person == person)
        if self._connection.execute(row).rowcount:
            self._note("member_removed", {"group": group, "person": person})

    def grant(self, person: str, role: str) -> None:
        self.must_exist(person)
        directory.check_roles([role], "role")
        if self._added(roles, person=person, role=role):
            self._note("role_granted", {"person": person, "role": role})

    def withdraw(self, person: str, role: str) -> None:
        row = delete(roles).where(roles.c.person == person, roles.c.role == role)
        if self._connection.execute(row).rowcount:
            self._note("role_withdrawn", {"person": person, "role": role})

    def only_in(self, person: str, wanted: Sequence[str]) -> None:
        """In these groups and no others."""
        query = select(members.c.group_name).where(members.c.person == person)
        for group in sorted(set(self._connection.execute(query).scalars()) - set(wanted)):
            self.leave(group, person)
        for group in wanted:
            self.join(group, person)

    def only_with(self, person: str, wanted: Sequence[str]) -> None:
        """With these roles and no others."""
        query = select(roles.c.role).where(roles.c.person == person)
        for role in sorted(set(self._connection.execute(query).scalars()) - set(wanted)):
            self.withdraw(person, role)
        for role in wanted:
            self.grant(person, role)

    def absence(self, absence: AbsenceRow) -> int:
        """Its id. One at the same times is the same: it gets the substitute."""
        directory.check_absence(absence)
        for person in (absence.person, absence.substitute):
            if person is not None:
                self.must_exist(person)
        same = (
            absences.c.person == absence.person,
            absences.c.starts == absence.starts,
            absences.c.ends == absence.ends,
        )
        values = asdict(absence)
        del values["id"]
        before = self._connection.execute(select(absences).where(*same)).one_or_none()
        if before is None:
            row = absences.insert().values(values).returning(absences.c.id)
            number = int(self._connection.execute(row).scalar_one())
            self._note("absence_added", _told(replace(absence, id=number)))
            return number
        if before.substitute != absence.substitute:
            changed = update(absences).values(substitute=absence.substitute)
            self._connection.execute(changed.where(absences.c.id == before.id))
            self._note("absence_changed", _told(replace(absence, id=before.id)))
        return int(before.id)

    def end_absence(self, number: int) -> None:
        gone = delete(absences).where(absences.c.id == number).returning(*absences.c)
        found = self._connection.execute(gone).mappings().one_or_none()
        if found is None:
            raise UsageError(f"there is no absence {number}")
        self._note("absence_removed", _told(AbsenceRow(**found)))

    def prune(self, keep: Collection[str], absences_kept: Collection[int]) -> None:
        """Everybody else leaves; absences that are over stay on record."""
        query = select(people).order_by(people.c.id)
        for row in self._connection.execute(query).mappings().all():
            person = PersonRow(**row)
            if person.id not in keep:
                self.person(replace(person, active=False))
                self.only_in(person.id, [])
                self.only_with(person.id, [])
        coming = select(absences.c.id).where(absences.c.ends > self._by.at)
        for number in self._connection.execute(coming.order_by(absences.c.id)).scalars().all():
            if number not in absences_kept:
                self.end_absence(number)

    def must_exist(self, person: str) -> None:
        if find_person(self._connection, person) is None:
            raise UsageError(f"nobody is known as {person!r}; add them first")

    def _added(self, table: Table, **values: str) -> bool:
        """Whether it was not there before."""
        row = insert(self._connection, table).values(values).on_conflict_do_nothing()
        # Drivers do not agree on what `rowcount` says of inserts.
        return self._connection.execute(row.returning(*table.primary_key)).first() is not None

    def _note(self, event: PeopleEvent, data: dict[str, Any]) -> None:
        self.lines.append(line(self._by, event, data))


def find_person(
    connection: Connection, person: str, *, to_change: bool = False
) -> PersonRow | None:
    query = select(people).where(people.c.id == person)
    found = connection.execute(query.with_for_update() if to_change else query)
    row = found.mappings().one_or_none()
    return None if row is None else PersonRow(**row)


def _without_id(person: PersonRow) -> dict[str, Any]:
    return {key: value for key, value in asdict(person).items() if key != "id"}


def _told(absence: AbsenceRow) -> dict[str, Any]:
    times = {"starts": absence.starts.isoformat(), "ends": absence.ends.isoformat()}
    return asdict(absence) | times
