"""Tokens: secrets by which programs and people show who they are. Only their hashes are kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import select, update

from musterwerk.errors import StoreError, UsageError
from musterwerk.store import membership
from musterwerk.store.approval_tables import people, tokens
from musterwerk.store.audit import append
from musterwerk.store.database import Store
from musterwerk.store.people_changes import By, line
from musterwerk.store.secrecy import hash_of

#: Whoever finds one in a log or a file can tell what it is.
PREFIX = "mw_"
_BYTES = 32
#: Where nobody says how long.
LIFETIME = timedelta(days=90)
#: A use is noted this often at most: a write for each request would cost more than the request.
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class TokenOwner:
    person: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class TokenRow:
    id: str
    person: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def _now() -> datetime:
    return datetime.now(UTC)


class TokenTable:
    def __init__(self, store: Store, *, now: Callable[[], datetime] = _now) -> None:
        self.store = store
        self._now = now

    def issue(
        self, person: str, label: str, expires_at: datetime | None, *, actor: str, channel: str
    ) -> str:
        """The secret. It is told this once: nobody can find it out from what is kept."""
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        by = By(actor, channel, self._now())
        row = {
            "id": uuid4().hex,
            "person": person,
            "hash": hash_of(secret),
            "label": label,
            "created_at": by.at,
            "expires_at": expires_at,
        }
        told = {"id": row["id"], "person": person, "label": label}
        told["expires_at"] = None if expires_at is None else expires_at.isoformat()
        known = select(people.c.active).where(people.c.id == person)
        with self.store.begin() as connection:
            if not connection.execute(known).scalar():
                raise UsageError(f"nobody is known as {person!r}, or they have left")
            connection.execute(tokens.insert(), row)
            append(connection, [line(by, "token_issued", told)])
        return secret

    def person_of(self, secret: str, at: datetime) -> TokenOwner | None:
        """None for a token that is unknown, revoked, expired, or of somebody who has left.

        Looked up by its hash: how long that takes tells nothing about secrets that exist.
        """
        query = (
            select(tokens, people.c.active)
            .outerjoin(people, people.c.id == tokens.c.person)
            .where(tokens.c.hash == hash_of(secret))
        )
        with self.store.read() as connection:
            row = connection.execute(query).one_or_none()
            if row is None or not row.active or row.revoked_at is not None:
                return None
            if row.expires_at is not None and row.expires_at <= at:
                return None
            roles = membership.roles_of(connection, [row.person]).get(row.person, ())
        if row.last_used_at is None or row.last_used_at <= at - _NOTED_EVERY:
            self._note_use(row.id, at)
        return TokenOwner(row.person, roles)

    def list(self, person: str | None = None) -> list[TokenRow]:
        """Latest first."""
        query = select(*(tokens.c[name] for name in TokenRow.__dataclass_fields__))
        if person is not None:
            query = query.where(tokens.c.person == person)
        query = query.order_by(tokens.c.created_at.desc(), tokens.c.id)
        with self.store.read() as connection:
            return [TokenRow(**row) for row in connection.execute(query).mappings()]

    def revoke(self, token_id: str, *, actor: str, channel: str) -> None:
        """At once. Again, it changes nothing."""
        by = By(actor, channel, self._now())
        with self.store.begin() as connection:
            query = select(tokens.c.person, tokens.c.revoked_at).where(tokens.c.id == token_id)
            row = connection.execute(query.with_for_update()).one_or_none()
            if row is None:
                raise UsageError(f"there is no token {token_id!r}")
            if row.revoked_at is None:
                change = update(tokens).where(tokens.c.id == token_id)
                connection.execute(change.values(revoked_at=by.at))
                told = {"id": token_id, "person": row.person}
                append(connection, [line(by, "token_revoked", told)])

    def _note_use(self, token_id: str, at: datetime) -> None:
        """For people's information: whoever only reads is not refused because it fails."""
        with suppress(StoreError), self.store.begin() as connection:
            change = update(tokens).where(tokens.c.id == token_id)
            connection.execute(change.values(last_used_at=at))
