"""How requests stand, as tables to be searched: the newest telling of each stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, literal, or_, select, tuple_

from musterwerk.store.approval_tables import (
    kept_out,
    parties,
    request_details,
    requests,
    seats,
)
from musterwerk.store.audit_tables import audit
from musterwerk.store.dialects import insert
from musterwerk.store.tables import UtcDateTime
from musterwerk.store.telling import ASKING, RequestRow, Telling, asked, source_of

#: Rows written by one statement, so that none has more parameters than a database takes.
_AT_ONCE = 1000


def project(connection: Connection, tellings: Sequence[Telling]) -> None:
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


def drop(connection: Connection, tellings: Sequence[Telling]) -> None:
    """What is there of these requests at the same age or older, right or wrong."""
    for row in sorted((one.request for one in tellings), key=lambda row: row.id):
        told = tuple_(literal(row.created_at, UtcDateTime), literal(row.version))
        gone = delete(requests).where(
            requests.c.id == row.id, tuple_(requests.c.created_at, requests.c.version) <= told
        )
        if connection.execute(gone).rowcount:
            connection.execute(
                delete(request_details).where(request_details.c.request_id == row.id)
            )


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
            all_parties = dict.fromkeys((*one.parties, *_asked(connection, one)))
            rows[parties] += [ended | {"person": who} for who in all_parties]
    for table, new in rows.items():
        connection.execute(delete(table).where(table.c.request_id.in_(ids)))
        if new:
            connection.execute(table.insert(), new)


def _asked(connection: Connection, telling: Telling) -> Iterator[str]:
    """By what it tells now and by its story so far, which the audit trail has."""
    row = telling.request
    story = select(audit.c.event, audit.c.data).where(
        audit.c.request_id == row.id,
        audit.c.event.in_(ASKING),
        audit.c.source.startswith(source_of(row.id, row.created_at, ""), autoescape=True),
    )
    for event, data in connection.execute(story):
        yield from asked(event, data)
    for entry in telling.entries:
        yield from asked(entry.event, entry.data)


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
