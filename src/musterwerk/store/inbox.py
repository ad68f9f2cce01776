"""The inbox: what is known of every request, told by its workflow, and searched by people.

A projection: nothing here decides anything, and all of it can be told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from musterwerk.store.approval_tables import (
    acts,
    kept_out,
    notices,
    parties,
    request_details,
    requests,
    seats,
)
from musterwerk.store.audit import AuditLine, append
from musterwerk.store.audit_tables import audit, iso
from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.inbox_pages import InboxPage, Search, find

#: Rows written by one statement, so that none has more parameters than a database takes.
_AT_ONCE = 1000


@dataclass(frozen=True)
class RequestRow:
    """A request as it stands. `status` is the workflow's own word for it, without details.

    `version` counts within one execution; who uses an id again after its end begins at 1, with a
    later `created_at`. `claimed` says whether somebody is on it.
    """

    id: str
    namespace: str
    run_id: str
    subject: str
    requester: str
    state: str
    is_open: bool
    revision: int
    version: int
    created_at: datetime
    expires_at: datetime
    status: dict[str, Any]
    parent: str | None = None
    ended_at: datetime | None = None
    claimed: bool = False


@dataclass(frozen=True)
class NewNotice:
    key: str
    event: str
    to: tuple[str, ...]
    at: datetime
    but: tuple[str, ...] = ()
    actor: str = ""
    text: str = ""


@dataclass(frozen=True)
class NewEntry:
    """One line of a request's story. `number` counts from 1 within one execution."""

    number: int
    at: datetime
    event: str
    actor: str
    channel: str
    on_behalf_of: str | None = None
    digest: str = ""
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    record: str = ""


@dataclass(frozen=True)
class Telling:
    """What a workflow tells of itself at one version.

    `seats` are principals who may decide, `kept_out` persons who may not, or have. `parties`
    are who asked and who voted. `details` need to be told once for each revision. `replies` are
    by act id.
    """

    request: RequestRow
    seats: tuple[str, ...] = ()
    kept_out: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    details: Any = None
    entries: tuple[NewEntry, ...] = ()
    notices: tuple[NewNotice, ...] = ()
    replies: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


@dataclass(frozen=True)
class FoundRequest:
    """`details` are None also where they have not been told."""

    id: str
    namespace: str
    run_id: str
    parent: str | None
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
            _project(connection, [telling])
            _complete(connection, telling, at)
            _notify(connection, telling)
            append(connection, [_line(telling.request, one) for one in telling.entries])

    def clear(self) -> None:
        """Forget all requests; acts, notices and the audit trail stay. Then `fill`."""
        with self.store.begin() as connection:
            for table in (requests, request_details, seats, kept_out, parties):
                connection.execute(delete(table))

    def fill(self, tellings: Iterable[Telling]) -> None:
        """Only how requests stand: nobody is told, and nothing is audited. Newer ones stay."""
        with self.store.begin() as connection:
            _project(connection, list(tellings))

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
        names = ("id", "namespace", "run_id", "parent", "status")
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


def source_of(request_id: str, created_at: datetime, number: int | str) -> str:
    """The audit trail's name of an entry; an id that is used again does not collide."""
    return f"{request_id}@{iso(created_at)}/{number}"


def _project(connection: Connection, tellings: Sequence[Telling]) -> None:
    # In the same order everywhere, so that two who write the same ones cannot deadlock.
    newest: dict[str, Telling] = {}
    for one in sorted(tellings, key=lambda one: (one.request.id, *_age(one.request))):
        newest[one.request.id] = one
    told = list(newest.values())
    for start in range(0, len(told), _AT_ONCE):
        some = told[start : start + _AT_ONCE]
        written = _upsert(connection, some)
        _seat(connection, [one for one in some if one.request.id in written])
        _detail(connection, [one for one in some if one.details is not None])


def _age(row: RequestRow) -> tuple[datetime, int]:
    return row.created_at, row.version


def _upsert(connection: Connection, tellings: Sequence[Telling]) -> set[str]:
    """The ids of those that were newer than what was there; their rows are locked."""
    row = insert(connection, requests)
    names = [column.name for column in requests.columns]
    row = row.on_conflict_do_update(
        index_elements=["id"],
        set_={name: row.excluded[name] for name in names if name != "id"},
        where=_later(requests.c.created_at, requests.c.version, row.excluded, "version"),
    ).returning(requests.c.id)
    values = [{name: getattr(one.request, name) for name in names} for one in tellings]
    return set(connection.execute(row, values).scalars())


def _later(created_at: Any, number: Any, given: Any, name: str) -> ColumnElement[bool]:
    return or_(
        created_at < given.created_at,
        and_(created_at == given.created_at, number < given[name]),
    )


def _seat(connection: Connection, tellings: Sequence[Telling]) -> None:
    ids = [one.request.id for one in tellings]
    rows: dict[Any, list[dict[str, Any]]] = {seats: [], kept_out: [], parties: []}
    for one in tellings:
        row = one.request
        if row.is_open:
            there = {"request_id": row.id, "expires_at": row.expires_at, "claimed": row.claimed}
            rows[seats] += [there | {"principal": who} for who in dict.fromkeys(one.seats)]
            out = dict.fromkeys(one.kept_out)
            rows[kept_out] += [{"request_id": row.id, "person": who} for who in out]
        elif row.ended_at is not None:
            ended = {"request_id": row.id, "ended_at": row.ended_at}
            rows[parties] += [ended | {"person": who} for who in dict.fromkeys(one.parties)]
    for table, new in rows.items():
        connection.execute(delete(table).where(table.c.request_id.in_(ids)))
        if new:
            connection.execute(table.insert(), new)


def _detail(connection: Connection, tellings: Sequence[Telling]) -> None:
    """Of the newest revision, whatever the version that brought them."""
    if not tellings:
        return
    row = insert(connection, request_details)
    row = row.on_conflict_do_update(
        index_elements=["request_id"],
        set_={name: row.excluded[name] for name in ("created_at", "revision", "details")},
        where=_later(
            request_details.c.created_at, request_details.c.revision, row.excluded, "revision"
        ),
    )
    values = [
        {
            "request_id": one.request.id,
            "created_at": one.request.created_at,
            "revision": one.request.revision,
            "details": one.details,
        }
        for one in tellings
    ]
    connection.execute(row, values)


def _complete(connection: Connection, telling: Telling, at: datetime) -> None:
    for act, reply in sorted(telling.replies.items()):
        connection.execute(
            update(acts)
            .where(acts.c.request_id == telling.request.id, acts.c.id == act)
            .where(acts.c.state != "done")
            .values(state="done", reply=reply, updated_at=at)
        )


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
