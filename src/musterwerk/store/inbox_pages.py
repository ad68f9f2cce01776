"""Searching the inbox, a page at a time, quickly however much there is."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    exists,
    literal,
    select,
    tuple_,
    union_all,
)

from musterwerk.errors import UsageError
from musterwerk.store.approval_tables import ASKED_BACK, kept_out, parties, requests, seats
from musterwerk.store.membership import Place
from musterwerk.store.tables import CleanText, UtcDateTime

Box = Literal["mine", "unassigned", "questions", "waiting", "involved", "all", "decided"]
#: Those that are seen from somebody's places.
_FROM_PLACES = ("mine", "unassigned", "questions", "waiting", "involved")
MAX_LIMIT = 200


@dataclass(frozen=True)
class Search:
    """What is looked for.

    "mine" is what `person` may decide now from one of their `places`, "unassigned" what nobody
    of them has claimed. "questions" are put back to them as the requester, or to whom they stand
    in for; "waiting" is "mine" and these. "involved" is what they are asked, whether or not they
    may or have, and what they asked for. "all" are all open requests, "decided" all that have
    ended; with `party` those that any of these principals asked for, was asked to decide, or
    voted on. Open ones come by deadline, ended ones latest first. `after` is `next` of the page
    before.
    """

    box: Box
    person: str = ""
    places: tuple[Place, ...] = ()
    party: tuple[str, ...] | None = None
    state: str | None = None
    requester: str | None = None
    text: str | None = None
    expires_before: datetime | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class InboxPage:
    """What the workflows say of the requests, without details. `next` is None on the last."""

    statuses: tuple[dict[str, Any], ...]
    next: str | None = None


def find(connection: Connection, search: Search) -> InboxPage:
    limit = max(1, min(search.limit, MAX_LIMIT))
    after = None if search.after is None else _read_key(search.after)
    if search.box in _FROM_PLACES:
        query = _mine(search, after, limit + 1)
    elif search.box == "all":
        query = _open(search, after, limit + 1)
    else:
        query = _decided(search, after, limit + 1)
    if query is None:
        return InboxPage(())
    rows = connection.execute(query).all()
    more = len(rows) > limit
    shown = rows[:limit]
    last = _key(shown[-1].sorted_by, shown[-1].id) if more else None
    return InboxPage(tuple(row.status for row in shown), last)


def states(connection: Connection) -> tuple[str, ...]:
    """Those that some request has; for messages, as it looks at all of them."""
    query = select(requests.c.state).distinct().order_by(requests.c.state)
    return tuple(connection.execute(query).scalars())


def has_asked(connection: Connection, requester: str) -> bool:
    query = select(requests.c.id).where(requests.c.requester == requester).limit(1)
    return connection.execute(query).first() is not None


def _mine(
    search: Search, after: tuple[datetime, str] | None, limit: int
) -> Select[Any, Any, Any] | None:
    """One short index range for each place, merged: the first of all are among their first."""
    ranges: list[Subquery] = []
    if search.box != "questions":
        places = dict.fromkeys(_strongest(search))
        ranges += [_seats_of(place, search, after, limit).subquery() for place in places]
    if search.box in ("questions", "waiting"):
        ranges += [one.subquery() for one in _asked_back(search, after, limit)]
    if search.box == "involved" and search.requester in (None, search.person):
        own = _open(replace(search, requester=search.person), after, limit)
        at = requests.c.expires_at.label("sorted_by")
        ranges.append(own.with_only_columns(requests.c.id, at).subquery())
    if not ranges:
        return None
    merged = union_all(*(select(one) for one in ranges)).subquery()
    first = select(merged).distinct().order_by(merged.c.sorted_by, merged.c.id).limit(limit)
    found = first.subquery()
    return (
        select(found.c.id, found.c.sorted_by, requests.c.status)
        .join(requests, requests.c.id == found.c.id)
        .order_by(found.c.sorted_by, found.c.id)
    )


def _asked_back(
    search: Search, after: tuple[datetime, str] | None, limit: int
) -> Iterator[Select[Any, Any]]:
    """All of them are open: what has ended asks nobody."""
    at = requests.c.expires_at.label("sorted_by")
    for person in dict.fromkeys((search.person, *(place.holder for place in search.places))):
        if search.requester in (None, person):
            own = replace(search, requester=person)
            query = _by_deadline(own, after, limit).where(ASKED_BACK)
            yield query.with_only_columns(requests.c.id, at)


def _strongest(search: Search) -> Iterator[Place]:
    """In somebody else's place only where the person is not there themselves."""
    own = {one.principal for one in search.places if one.holder == search.person}
    for place in search.places:
        if place.holder == search.person or place.principal not in own:
            yield place


def _seats_of(
    place: Place, search: Search, after: tuple[datetime, str] | None, limit: int
) -> Select[Any, Any]:
    at, key = seats.c.expires_at, seats.c.request_id
    query = select(key.label("id"), at.label("sorted_by")).where(
        seats.c.principal == place.principal
    )
    keep_out = () if search.box == "involved" else (search.person, place.holder)
    for person in dict.fromkeys(keep_out):
        out = kept_out.c.request_id == key, kept_out.c.person == person
        query = query.where(~exists().where(*out))
    if search.box == "unassigned":
        query = query.where(seats.c.claimed.is_(False))
    if after is not None:
        query = query.where(_beyond(at, key, after))
    if search.expires_before is not None:
        query = query.where(at < search.expires_before)
    if wanted := list(_wanted(search)):
        query = query.join(requests, requests.c.id == key).where(*wanted)
    return query.order_by(at, key).limit(limit)


def _open(search: Search, after: tuple[datetime, str] | None, limit: int) -> Select[Any, Any, Any]:
    return _by_deadline(search, after, limit).where(requests.c.is_open.is_(True))


def _by_deadline(
    search: Search, after: tuple[datetime, str] | None, limit: int
) -> Select[Any, Any, Any]:
    at, key = requests.c.expires_at, requests.c.id
    query = select(key, at.label("sorted_by"), requests.c.status).where(*_wanted(search))
    if search.expires_before is not None:
        query = query.where(at < search.expires_before)
    if after is not None:
        query = query.where(_beyond(at, key, after))
    return query.order_by(at, key).limit(limit)


def _decided(
    search: Search, after: tuple[datetime, str] | None, limit: int
) -> Select[Any, Any, Any]:
    at, key = requests.c.ended_at, requests.c.id
    query = select(key, at.label("sorted_by"), requests.c.status)
    if search.party is not None:
        ranges = [_ended_of(one, search, after, limit) for one in dict.fromkeys(search.party)]
        merged = union_all(*(select(one.subquery()) for one in ranges)).subquery()
        found = select(merged.c.id).distinct().subquery()
        query = query.join(found, found.c.id == key)
    query = query.where(requests.c.is_open.is_(False), *_wanted(search))
    if after is not None:
        query = query.where(_place(at, key) < _values(after))
    return query.order_by(at.desc(), key.desc()).limit(limit)


def _ended_of(
    party: str, search: Search, after: tuple[datetime, str] | None, limit: int
) -> Select[Any, Any]:
    """One short range of the index; the first of all are among the first of each."""
    at, key = parties.c.ended_at, parties.c.request_id
    query = select(key.label("id"), at.label("sorted_by")).where(parties.c.person == party)
    if after is not None:
        query = query.where(_place(at, key) < _values(after))
    if wanted := list(_wanted(search)):
        query = query.join(requests, requests.c.id == key).where(*wanted)
    return query.order_by(at.desc(), key.desc()).limit(limit)


def _wanted(search: Search) -> Iterator[ColumnElement[bool]]:
    if search.state is not None:
        yield requests.c.state == search.state
    if search.requester is not None:
        yield requests.c.requester == search.requester
    if search.text:
        yield requests.c.subject.icontains(search.text, autoescape=True)


def _beyond(at: Any, key: Any, after: tuple[datetime, str]) -> ColumnElement[bool]:
    return _place(at, key) > _values(after)


def _place(at: Any, key: Any) -> Any:
    return tuple_(at, key)


def _values(after: tuple[datetime, str]) -> Any:
    return tuple_(literal(after[0], UtcDateTime), literal(after[1], CleanText))


def _key(at: datetime, request_id: str) -> str:
    plain = json.dumps([at.isoformat(), request_id], separators=(",", ":"))
    return urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _read_key(given: str) -> tuple[datetime, str]:
    try:
        at, request_id = json.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))
        found = datetime.fromisoformat(at)
        found = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{given[:80]!r} is no place in a list; begin without it") from error
    if found.tzinfo is None or not isinstance(request_id, str):
        raise UsageError(f"{given[:80]!r} is no place in a list; begin without it")
    return found, request_id
