"""Personal links in mails: each shows one request to one person. Only their hashes are kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update

from musterwerk.errors import StoreError
from musterwerk.store.access_tables import mail_links
from musterwerk.store.act_table import keep_act
from musterwerk.store.approval_tables import acts
from musterwerk.store.audit import AuditLine, append
from musterwerk.store.database import Store
from musterwerk.store.secrecy import hash_of

_BYTES = 32
#: Of a link to a request without a deadline.
LIFETIME = timedelta(days=30)
#: So long after its end a link is told from one that never was.
_REMEMBERED = timedelta(days=30)
#: A view is noted this often at most: mail scanners open every link, some of them often.
VIEW_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class Shown:
    """What a mail shows, and its link is for. `notice` is the key of what the mail is about."""

    notice: str
    request_id: str
    revision: int
    digest: str
    expires_at: datetime | None


@dataclass(frozen=True)
class MailLink:
    """`act_id` is the act by which it was used, which may have been refused."""

    hash: str
    notice: str
    person: str
    request_id: str
    revision: int
    digest: str
    created_at: datetime
    expires_at: datetime
    viewed_at: datetime | None = None
    act_id: str | None = None


class MailLinkTable:
    def __init__(self, store: Store) -> None:
        self.store = store

    def issue(self, shown: Shown, persons: Iterable[str], now: datetime) -> dict[str, str]:
        """A new secret for each person. Those they had for the same notice are void, and links
        that ended long ago go."""
        secret_of = {person: secrets.token_urlsafe(_BYTES) for person in persons}
        rows = [
            {
                **vars(shown),
                "expires_at": shown.expires_at or now + LIFETIME,
                "hash": hash_of(secret),
                "person": person,
                "created_at": now,
            }
            for person, secret in secret_of.items()
        ]
        if not rows:
            return {}
        theirs = and_(mail_links.c.notice == shown.notice, mail_links.c.person.in_(secret_of))
        over = mail_links.c.expires_at < now - _REMEMBERED
        with self.store.begin() as connection:
            connection.execute(delete(mail_links).where(or_(theirs, over)))
            connection.execute(mail_links.insert(), rows)
        return secret_of

    def get(self, secret: str) -> MailLink | None:
        """Looked up by its hash: how long that takes tells nothing about secrets that exist."""
        query = select(mail_links).where(mail_links.c.hash == hash_of(secret))
        with self.store.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else MailLink(**row)

    def use(self, link: MailLink, act_id: str, act: dict[str, Any], now: datetime) -> bool:
        """Use the link up for this act, which is kept in the same transaction: a link is never
        used up for nothing. False where it is another act's already, unless that was refused."""
        before = and_(
            acts.c.request_id == mail_links.c.request_id, acts.c.id == mail_links.c.act_id
        )
        query = select(mail_links.c.act_id, acts.c.reply).outerjoin(acts, before)
        query = query.where(mail_links.c.hash == link.hash).with_for_update(of=mail_links)
        with self.store.begin() as connection:
            found = connection.execute(query).one_or_none()
            if found is None:
                return False
            if found.act_id not in (None, act_id) and not _was_refused(found.reply):
                return False
            keep_act(connection, act_id, link.request_id, link.person, act, now)
            change = update(mail_links).where(mail_links.c.hash == link.hash)
            connection.execute(change.values(act_id=act_id))
        return True

    def note_view(self, link: MailLink, at: datetime) -> None:
        """In the audit trail, once an hour. Whoever only looks is not refused because it fails."""
        if link.viewed_at is not None and link.viewed_at > at - VIEW_NOTED_EVERY:
            return
        known = mail_links.c.viewed_at
        due = or_(known.is_(None), known <= at - VIEW_NOTED_EVERY)
        change = update(mail_links).where(mail_links.c.hash == link.hash, due)
        with suppress(StoreError), self.store.begin() as connection:
            if connection.execute(change.values(viewed_at=at)).rowcount:
                append(connection, [_view(link, at)])


def _was_refused(reply: dict[str, Any] | None) -> bool:
    return reply is not None and reply.get("verdict") != "applied"


def _view(link: MailLink, at: datetime) -> AuditLine:
    mark = link.hash[:16]
    return AuditLine(
        source=f"link/{mark}/{at.isoformat()}",
        at=at,
        request_id=link.request_id,
        event="link_viewed",
        actor=link.person,
        channel="mail",
        digest=link.digest,
        data={"link": mark, "notice": link.notice},
    )
