"""What has changed since the last look, and whom that concerns. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select, union_all

from musterwerk.store.approval_tables import parties, requests, seats
from musterwerk.store.audit import head_of
from musterwerk.store.audit_tables import audit
from musterwerk.store.database import Store

#: Mail scanners look at everything; that changes nothing.
_LOOKED = "link_viewed"
#: So many lines of the trail are looked through.
_MOST = 1000


@dataclass(frozen=True)
class News:
    """`requests` have changed; for each the persons and groups whose lists have it.

    With `much` they are only the latest: others have changed, too.
    """

    head: int
    requests: dict[str, frozenset[str]]
    much: bool = False


def since(store: Store, seq: int | None) -> News:
    """What the audit trail has after this line; with None only where it ends."""
    with store.read() as connection:
        head = head_of(connection).seq
        if seq is None or head == seq:
            return News(head, {})
        query = (
            select(audit.c.request_id)
            .where(audit.c.seq > max(seq, head - _MOST), audit.c.request_id.is_not(None))
            .where(audit.c.event != _LOOKED)
            .distinct()
        )
        changed = list(connection.execute(query).scalars())
        return News(head, _concerned(connection, changed), much=head - seq > _MOST)


def _concerned(connection: Connection, changed: list[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    rows = union_all(
        select(seats.c.request_id, seats.c.principal).where(seats.c.request_id.in_(changed)),
        select(parties.c.request_id, parties.c.person).where(parties.c.request_id.in_(changed)),
        select(requests.c.id, requests.c.requester).where(requests.c.id.in_(changed)),
    )
    for request, principal in connection.execute(rows):
        found[request].add(principal)
    return {request: frozenset(who) for request, who in found.items()}
