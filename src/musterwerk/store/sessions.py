"""Who is logged in: a session for each browser, found by the secret in its cookie."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Delete, delete, or_, select, update

from musterwerk.errors import StoreError
from musterwerk.store import membership
from musterwerk.store.access_tables import sessions
from musterwerk.store.approval_tables import people
from musterwerk.store.database import Store
from musterwerk.store.directory import PersonRow
from musterwerk.store.secrecy import hash_of

#: A session ends after so long without a click, and in any case after so long.
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
_BYTES = 32
#: A click is noted this often at most.
_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class SessionOwner:
    person: PersonRow
    roles: tuple[str, ...]


@dataclass(frozen=True)
class OpenSession:
    """One browser. `here` where it is the one that asks."""

    created_at: datetime
    seen_at: datetime
    here: bool


def _now() -> datetime:
    return datetime.now(UTC)


class SessionTable:
    def __init__(self, store: Store, *, now: Callable[[], datetime] = _now) -> None:
        self.store = store
        self._now = now

    def open(self, person: str) -> str:
        """The secret for the cookie: a new one at each log-in. Sessions that are over go."""
        secret, now = secrets.token_urlsafe(_BYTES), self._now()
        row = {"hash": hash_of(secret), "person": person, "created_at": now, "seen_at": now}
        over = or_(sessions.c.created_at < now - LONGEST, sessions.c.seen_at < now - IDLE)
        with self.store.begin() as connection:
            connection.execute(delete(sessions).where(over))
            connection.execute(sessions.insert(), row)
        return secret

    def owner(self, secret: str, *, click: bool = True) -> SessionOwner | None:
        """None where the session is unknown or over, or its person has left. Without a `click` it
        is no sign of life: pages ask by themselves."""
        now = self._now()
        query = (
            select(people, sessions.c.seen_at, sessions.c.created_at)
            .join(people, people.c.id == sessions.c.person)
            .where(sessions.c.hash == hash_of(secret), people.c.active)
        )
        with self.store.read() as connection:
            found = connection.execute(query).mappings().one_or_none()
            if found is None:
                return None
            row = dict(found)
            seen, created = row.pop("seen_at"), row.pop("created_at")
            if seen < now - IDLE or created < now - LONGEST:
                return None
            person = PersonRow(**row)
            roles = membership.roles_of(connection, [person.id]).get(person.id, ())
        if click and seen < now - _NOTED_EVERY:
            self._note(secret, now)
        return SessionOwner(person, roles)

    def close(self, secret: str) -> None:
        with self.store.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == hash_of(secret)))

    def close_all(self, person: str) -> None:
        with self.store.begin() as connection:
            connection.execute(all_of(person))

    def of(self, person: str, secret: str) -> list[OpenSession]:
        """Those that are not over, latest first; `secret` is that of the browser that asks."""
        now = self._now()
        query = (
            select(sessions)
            .where(sessions.c.person == person)
            .where(sessions.c.created_at >= now - LONGEST, sessions.c.seen_at >= now - IDLE)
            .order_by(sessions.c.seen_at.desc(), sessions.c.hash)
        )
        with self.store.read() as connection:
            return [
                OpenSession(row.created_at, row.seen_at, row.hash == hash_of(secret))
                for row in connection.execute(query)
            ]

    def _note(self, secret: str, now: datetime) -> None:
        """Whoever only reads is not refused because it fails."""
        change = update(sessions).where(sessions.c.hash == hash_of(secret)).values(seen_at=now)
        with suppress(StoreError), self.store.begin() as connection:
            connection.execute(change)


def all_of(person: str, *, but: str | None = None) -> Delete:
    """Ends somebody's sessions; `but` is the secret of one that stays."""
    gone = delete(sessions).where(sessions.c.person == person)
    return gone if but is None else gone.where(sessions.c.hash != hash_of(but))
