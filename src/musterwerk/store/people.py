"""The people who decide: read by whoever judges, changed by whoever administers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from musterwerk.errors import UsageError
from musterwerk.store import membership
from musterwerk.store.approval_tables import absences, groups, members, people
from musterwerk.store.audit import AuditLine, append
from musterwerk.store.database import Store
from musterwerk.store.directory import AbsenceRow, PersonRow, read_directory
from musterwerk.store.membership import PeopleFacts, Place
from musterwerk.store.people_changes import By, PeopleChanges, find_person


def _now() -> datetime:
    return datetime.now(UTC)


class PeopleTable:
    """People, groups, roles and absences. Nobody is ever deleted: the trail goes on naming them.

    `actor` and `channel` are who changes something and by which way; both are audited.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime] = _now) -> None:
        self.store = store
        self._now = now

    @contextmanager
    def changes(
        self, *, actor: str, channel: str, dry_run: bool = False
    ) -> Generator[PeopleChanges]:
        """Several changes in one transaction, which a dry run takes back."""
        with self.store.begin() as connection:
            change = PeopleChanges(connection, By(actor, channel, self._now()))
            yield change
            if dry_run:
                connection.rollback()
            else:
                append(connection, change.lines)

    def add(self, person: PersonRow, *, actor: str, channel: str) -> None:
        with self.changes(actor=actor, channel=channel) as change:
            if change.known(person.id) is not None:
                raise UsageError(f"there is already a person {person.id!r}")
            change.person(person)

    def change(self, person: str, *, actor: str, channel: str, **fields: Any) -> PersonRow:
        """`fields` are those of `PersonRow`. `active=False` is how somebody leaves."""
        with self.changes(actor=actor, channel=channel) as change:
            before = change.known(person)
            if before is None:
                raise UsageError(f"nobody is known as {person!r}")
            after = replace(before, **fields)
            change.person(after)
            return after

    def deactivate(self, person: str, *, actor: str, channel: str) -> None:
        """They decide nothing any more, and their tokens open nothing."""
        self.change(person, actor=actor, channel=channel, active=False)

    def apply(
        self,
        document: Mapping[str, Any],
        *,
        actor: str,
        channel: str,
        prune: bool = False,
        dry_run: bool = False,
    ) -> list[AuditLine]:
        """Make everybody in the document (`directory.py`) as it says, in one transaction.

        The lines tell what has changed; under a dry run what would, and all is as before.

        Who is not in it stays as they are; with `prune` they are deactivated, and lose their
        groups, roles and coming absences. Raises `UsageError`, and then nothing has changed.
        """
        wanted = read_directory(document)
        with self.changes(actor=actor, channel=channel, dry_run=dry_run) as change:
            for entry in wanted.entries:
                change.person(entry.person)
            for entry in wanted.entries:
                change.only_in(entry.person.id, entry.groups)
                change.only_with(entry.person.id, entry.roles)
            kept = {change.absence(one) for one in wanted.absences}
            if prune:
                change.prune({entry.person.id for entry in wanted.entries}, kept)
            return change.lines

    def get(self, person: str) -> PersonRow | None:
        with self.store.read() as connection:
            return find_person(connection, person)

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """What those among them who are known are called."""
        query = select(people.c.id, people.c.name).where(people.c.id.in_(set(ids)))
        with self.store.read() as connection:
            return {row.id: row.name for row in connection.execute(query)}

    def known_as(self, text: str) -> str:
        """The id of whoever is meant: by their id, or by a name that only one active person has.
        What nobody goes by is given back as it is."""
        # Not by the database's lower(): SQLite's leaves umlauts as they are.
        query = select(people.c.id, people.c.name).where(people.c.active)
        with self.store.read() as connection:
            if find_person(connection, text) is not None:
                return text
            rows = connection.execute(query).all()
        found = [row.id for row in rows if row.name.casefold() == text.casefold()]
        return found[0] if len(found) == 1 else text

    def all(self) -> list[PersonRow]:
        with self.store.read() as connection:
            rows = connection.execute(select(people).order_by(people.c.id)).mappings().all()
        return [PersonRow(**row) for row in rows]

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Everybody in each, whether or not active."""
        query = (
            select(groups.c.name, members.c.person)
            .outerjoin(members, members.c.group_name == groups.c.name)
            .order_by(groups.c.name, members.c.person)
        )
        found: dict[str, tuple[str, ...]] = {}
        with self.store.read() as connection:
            for name, person in connection.execute(query):
                found[name] = (*found.get(name, ()), *([person] if person is not None else []))
        return found

    def absences(self, *, ending_after: datetime | None = None) -> list[AbsenceRow]:
        query = select(absences).order_by(absences.c.starts, absences.c.id)
        if ending_after is not None:
            query = query.where(absences.c.ends > ending_after)
        with self.store.read() as connection:
            return [AbsenceRow(**row) for row in connection.execute(query).mappings()]

    def roles_of(self, person: str) -> tuple[str, ...]:
        with self.store.read() as connection:
            return membership.roles_of(connection, [person]).get(person, ())

    def facts(
        self, principals: Sequence[str], persons: Sequence[str], requester: str, at: datetime
    ) -> PeopleFacts:
        """All of one moment: nobody is seen halfway from one group to another."""
        with self.store.read() as connection:
            return membership.facts(connection, principals, persons, requester, at)

    def places_of(self, person: str, at: datetime) -> tuple[Place, ...]:
        """As whom this person may act: their own id and groups, and those of the absent."""
        with self.store.read() as connection:
            return membership.places(connection, person, at)

    def principals_of(self, person: str, at: datetime) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.principal for one in self.places_of(person, at)))
