"""do, undo, probe: the life of one effect, from its key to its tombstone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from musterwerk.errors import EffectUndone, KeyReused, UsageError
from musterwerk.saga.effects.content import business_key, encode, fingerprint
from musterwerk.saga.effects.table import effects
from musterwerk.saga.effects.transaction import together

State = Literal["done", "undone", "tombstone"]
T = TypeVar("T")


def do(session: Session, key: str, request: Mapping[str, Any], effect: Callable[[], T]) -> T:
    """Run `effect` in this session's transaction unless it has happened, and return its result.

    A repeat returns the recorded result without running `effect`. `request` is what makes this
    effect this one, the amount and the account for example: the same key with another request
    raises KeyReused. After the undo, whether the effect had happened or not, it raises
    EffectUndone.

    `effect` returns JSON and works on this session without committing it. If it raises, neither
    it nor the record has happened. Nothing is final until the caller commits.
    """
    business = business_key(key, "do")
    seal = fingerprint(request)
    with together(session, business) as connection:
        found = _claim(connection, business, "done", seal)
        if found is None:
            result = effect()
            _record(connection, business, result=encode(result, business, "effect"))
            return result
    if found.state != "done":
        raise EffectUndone(
            f"the effect {business!r} may not happen any more: its undo came "
            + ("first" if found.state == "tombstone" else "after it had been done"),
        )
    if found.fingerprint != seal:
        raise KeyReused(
            f"the key {business!r} stands for an effect with other content; one key, one request"
        )
    return _recorded(found, business)


def undo(session: Session, key: str, effect: Callable[[Any], T]) -> T | None:
    """Take back what was done under `key`, once, by running `effect` with its recorded result.

    If it was never done, leaves a tombstone, so that it never will be, and returns None without
    running `effect`. A repeat returns what the first undo returned. Conditions as for `do`.
    """
    business = business_key(key, "undo")
    with together(session, business) as connection:
        found = _claim(connection, business, "tombstone", None)
        if found is None or found.state == "tombstone":
            return None
        done = _recorded(found, business)
        if found.state == "done":
            result = effect(done)
            encoded = encode(result, business, "undo")
            _record(connection, business, state="undone", undo_result=encoded)
            return result
    return json.loads(found.undo_result)


def probe(session: Session, key: str) -> State | None:
    """What has become of the effect; None if nothing has, so far.

    None is no promise: a step still on its way may land right after. Only `undo` closes the door.
    """
    connection = session.connection(bind_arguments={"clause": effects})
    found = _find(connection, business_key(key))
    return None if found is None else found.state


def recorded(session: Session, key: str) -> Any:
    """The result of an effect that is done, as a repeat would return it; else None.

    This is what the probe of a step answers (`Saga.run`, `on_unknown="probe"`); an effect whose
    result is None cannot be told from one that has not happened, so ask `probe` for those.
    """
    business = business_key(key)
    found = _find(session.connection(bind_arguments={"clause": effects}), business)
    return _recorded(found, business) if found is not None and found.state == "done" else None


def _claim(connection: Connection, key: str, state: State, seal: str | None) -> Row[Any] | None:
    """Take the key, and return None; or return the record of whoever has it.

    The unique key is what orders two transactions: the second waits here until the first has
    been committed (and then finds its record) or rolled back (and then takes the key).
    """
    now = datetime.now(UTC)
    claim = (
        (sqlite if connection.dialect.name == "sqlite" else postgresql)
        .insert(effects)
        .values(key=key, state=state, fingerprint=seal, created_at=now, changed_at=now)
        .on_conflict_do_nothing(index_elements=[effects.c.key])
        .execution_options(preserve_rowcount=True)
    )
    while True:
        if connection.execute(claim).rowcount:
            return None
        found = _find(connection, key, lock=True)
        if found is not None:  # else it was cleaned away in between, and the key is free again
            return found


def _find(connection: Connection, key: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(effects).where(effects.c.key == key)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def _record(connection: Connection, key: str, **values: str) -> None:
    changed = update(effects).where(effects.c.key == key)
    connection.execute(changed.values(changed_at=datetime.now(UTC), **values))


def _recorded(found: Row[Any], key: str) -> Any:
    if found.result is None:
        raise UsageError(
            f"the effect {key!r} has been begun and has no result: it is running in this very "
            "transaction, or something bypassed the session and committed it half way. In the "
            f"second case look at what it left behind, and correct the row in {effects.name}."
        )
    return json.loads(found.result)
