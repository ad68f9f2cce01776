"""The inbox: what is known of every request, told by its workflow, and searched by people.

A projection: nothing here decides anything, and all of it can be told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select, update

from musterwerk.canonical import content_of
from musterwerk.store.approval_tables import acts, notices, request_details, requests
from musterwerk.store.audit import AuditLine, append
from musterwerk.store.audit_tables import audit
from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.inbox_pages import InboxPage, Search, find
from musterwerk.store.projection import drop, project
from musterwerk.store.telling import NewEntry, RequestRow, Telling, source_of


@dataclass(frozen=True)
class FoundRequest:
    """`details` are None also where they have not been told."""

    id: str
    namespace: str
    run_id: str
    parent: str | None
    state: str
    is_open: bool
    version: int
    created_at: datetime
    status: dict[str, Any]
    details: Any = None


class InboxTable:
    """Written by the workflow's activity, read by people."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def write(self, telling: Telling, at: datetime) -> None:
        """All of it, or nothing. Again it changes nothing; what is late leaves the newer alone.

        Entries, notices and replies count whenever they come: each is there once.
        """
        with self.store.begin() as connection:
            project(connection, [telling])
            _complete(connection, telling, at)
            _notify(connection, telling)
            append(connection, [_line(telling.request, one) for one in telling.entries])

    def replace(self, tellings: Iterable[Telling]) -> None:
        """Only how requests stand: nobody is told, and nothing is audited. Newer ones stay; what
        is there of the same age or older gives way, right or wrong.
        """
        told = list(tellings)
        with self.store.begin() as connection:
            drop(connection, told)
            project(connection, told)

    def known(self) -> list[tuple[str, bool]]:
        """The id of every request, and whether it is open."""
        with self.store.read() as connection:
            rows = connection.execute(select(requests.c.id, requests.c.is_open)).all()
        return [(row.id, row.is_open) for row in rows]

    def page(self, search: Search) -> InboxPage:
        """Raises `UsageError` where `search.after` is not from an earlier page."""
        with self.store.read() as connection:
            return find(connection, search)

    def get(self, request_id: str) -> FoundRequest | None:
        shown = and_(
            request_details.c.request_id == requests.c.id,
            request_details.c.created_at == requests.c.created_at,
            request_details.c.revision == requests.c.revision,
        )
        names = [name for name in FoundRequest.__dataclass_fields__ if name != "details"]
        query = select(*(requests.c[name] for name in names), request_details.c.details)
        query = query.outerjoin(request_details, shown).where(requests.c.id == request_id)
        with self.store.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else FoundRequest(**row)

    def entries(self, request_id: str) -> list[NewEntry]:
        """The story of the request's latest execution so far, from the audit trail."""
        with self.store.read() as connection:
            query = select(requests.c.created_at).where(requests.c.id == request_id)
            created_at = connection.execute(query).scalar_one_or_none()
            if created_at is None:
                return []
            prefix = source_of(request_id, created_at, "")
            lines = select(audit).where(audit.c.request_id == request_id).order_by(audit.c.seq)
            rows = connection.execute(lines).mappings().all()
        story = [_entry(row, prefix) for row in rows if row["source"].startswith(prefix)]
        return sorted(story, key=lambda one: one.number)


def _complete(connection: Connection, telling: Telling, at: datetime) -> None:
    """Told once more, it may be after another act has come by an id: that one waits on."""
    for act, reply in sorted(telling.replies.items()):
        one = and_(
            acts.c.request_id == telling.request.id,
            acts.c.id == act,
            acts.c.person == reply["actor"],
            acts.c.state != "done",
        )
        kept = connection.execute(select(acts.c.act).where(one)).scalar_one_or_none()
        if kept is None or telling.contents.get(act, content := content_of(kept)) != content:
            continue
        done = {"state": "done", "reply": reply, "updated_at": at}
        connection.execute(update(acts).where(one).values(done))


def _notify(connection: Connection, telling: Telling) -> None:
    if telling.notices:
        values = [
            vars(one)
            | {"to": list(one.to), "but": list(one.but), "due_at": one.at, "attempts": 0}
            | {"request_id": telling.request.id}
            for one in telling.notices
        ]
        row = insert(connection, notices).on_conflict_do_nothing(index_elements=["key"])
        connection.execute(row, values)


def _line(request: RequestRow, entry: NewEntry) -> AuditLine:
    rest = {key: value for key, value in vars(entry).items() if key != "number"}
    source = source_of(request.id, request.created_at, entry.number)
    return AuditLine(source=source, request_id=request.id, **rest)


def _entry(row: Mapping[Any, Any], prefix: str) -> NewEntry:
    names = ("at", "event", "actor", "channel", "on_behalf_of", "digest", "data", "record")
    number = int(row["source"].removeprefix(prefix))
    return NewEntry(number=number, **{name: row[name] for name in names})
