"""Passwords, as hashes that somebody else computes (`console/access/hashing.py`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import select

from musterwerk.errors import UsageError
from musterwerk.store.access_tables import passwords
from musterwerk.store.audit import append
from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.people_changes import By, find_person, line
from musterwerk.store.sessions import all_of


def _now() -> datetime:
    return datetime.now(UTC)


class PasswordTable:
    def __init__(self, store: Store, *, now: Callable[[], datetime] = _now) -> None:
        self.store = store
        self._now = now

    def put(
        self, person: str, hashed: str, *, actor: str, channel: str, but: str | None = None
    ) -> None:
        """Ends the person's sessions; `but` is the secret of the one from which it is changed.

        Raises `UsageError` for who is not there. That it was changed is audited.
        """
        by = By(actor, channel, self._now())
        with self.store.begin() as connection:
            if find_person(connection, person) is None:
                raise UsageError(f"nobody is known as {person!r}; add them first")
            values = {"hash": hashed, "changed_at": by.at}
            row = insert(connection, passwords).values(person=person, **values)
            connection.execute(row.on_conflict_do_update(index_elements=["person"], set_=values))
            connection.execute(all_of(person, but=but))
            append(connection, [line(by, "password_changed", {"person": person})])

    def refresh(self, person: str, before: str, after: str) -> None:
        """The same password, hashed anew; unless it has been changed meanwhile."""
        same = passwords.c.person == person, passwords.c.hash == before
        with self.store.begin() as connection:
            connection.execute(passwords.update().where(*same).values(hash=after))

    def hash_of(self, person: str) -> str | None:
        query = select(passwords.c.hash).where(passwords.c.person == person)
        with self.store.read() as connection:
            return connection.execute(query).scalar_one_or_none()
