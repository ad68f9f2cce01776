"""What people did, on its way to the workflow: kept before it is sent, until it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from musterwerk.errors import UsageError
from musterwerk.store.approval_tables import acts
from musterwerk.store.database import Store
from musterwerk.store.dialects import insert

#: It may or may not have arrived; Temporal has it; the workflow has answered.
ActState = Literal["sending", "recorded", "done"]
_ORDER: dict[str, int] = {"sending": 0, "recorded": 1, "done": 2}


@dataclass(frozen=True)
class ActRow:
    """`id` is taken once for each request. `reply` is there when `state` is "done". `attempts`
    counts those that brought nothing; the next one is due at `due_at`.
    """

    request_id: str
    id: str
    person: str
    act: dict[str, Any]
    state: str
    reply: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    attempts: int


def keep_act(
    connection: Connection,
    act_id: str,
    request_id: str,
    person: str,
    act: dict[str, Any],
    now: datetime,
) -> ActRow:
    """`ActTable.put` in the caller's transaction."""
    values = {
        "request_id": request_id,
        "id": act_id,
        "person": person,
        "act": act,
        "state": "sending",
        "created_at": now,
        "updated_at": now,
        "due_at": now,
        "attempts": 0,
    }
    row = insert(connection, acts).values(values)
    connection.execute(row.on_conflict_do_nothing(index_elements=["request_id", "id"]))
    query = select(acts).where(acts.c.request_id == request_id, acts.c.id == act_id)
    kept = ActRow(**connection.execute(query).mappings().one())
    if kept.person != person:
        raise UsageError(f"the id {act_id!r} was used by somebody else; take a new one")
    return kept


class ActTable:
    def __init__(self, store: Store) -> None:
        self.store = store

    def put(
        self, act_id: str, request_id: str, person: str, act: dict[str, Any], now: datetime
    ) -> ActRow:
        """As it is kept: an act with this id that is there already stays as it is.

        Raises `UsageError` where that one is somebody else's.
        """
        with self.store.begin() as connection:
            return keep_act(connection, act_id, request_id, person, act, now)

    def state(
        self,
        act_id: str,
        request_id: str,
        state: ActState,
        now: datetime,
        reply: dict[str, Any] | None = None,
    ) -> None:
        """Never back: what the workflow has answered stays answered."""
        earlier = [name for name, order in _ORDER.items() if order < _ORDER[state]]
        values: dict[str, Any] = {"state": state, "updated_at": now, "due_at": now}
        if reply is not None:
            values["reply"] = reply
        with self.store.begin() as connection:
            connection.execute(
                update(acts)
                .where(acts.c.request_id == request_id, acts.c.id == act_id)
                .where(acts.c.state.in_(earlier))
                .values(values)
            )

    def tried(self, act_id: str, request_id: str, due_at: datetime) -> None:
        """It is as it was; it is looked at again from `due_at`, by anybody."""
        with self.store.begin() as connection:
            connection.execute(
                update(acts)
                .where(acts.c.request_id == request_id, acts.c.id == act_id)
                .where(acts.c.state != "done")
                .values(due_at=due_at, attempts=acts.c.attempts + 1)
            )

    def pending(self, due_before: datetime, limit: int = 100) -> list[ActRow]:
        """Not answered, and due before then. First come those that were tried least often, then
        the longest due: however many are stuck, one that is not has its turn.
        """
        query = (
            select(acts)
            .where(acts.c.state.in_(["sending", "recorded"]), acts.c.due_at < due_before)
            .order_by(acts.c.attempts, acts.c.due_at, acts.c.request_id, acts.c.id)
            .limit(limit)
        )
        with self.store.read() as connection:
            return [ActRow(**row) for row in connection.execute(query).mappings()]

    def get(self, act_id: str, request_id: str) -> ActRow | None:
        query = select(acts).where(acts.c.request_id == request_id, acts.c.id == act_id)
        with self.store.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else ActRow(**row)

    def on_their_way(self, person: str) -> frozenset[str]:
        """The requests on which the workflow has not answered this person yet."""
        waiting = acts.c.state.in_(["sending", "recorded"]), acts.c.person == person
        with self.store.read() as connection:
            query = select(acts.c.request_id).where(*waiting).distinct().limit(1000)
            return frozenset(connection.execute(query).scalars())
