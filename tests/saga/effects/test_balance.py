"""Whatever happens in whatever order, the bank's books balance."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from musterwerk.errors import EffectUndone, KeyReused
from musterwerk.saga import effects
from tests.saga.effects.bank import Bank, Crash, post

Books = dict[str, list[int]]
States = dict[str, str | None]

OPERATIONS = ["charge", "charge another amount", "charge is declined", "refund", "refund fails"]
KEYS = ["a", "b", "c"]
operations = st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(KEYS))
transactions = st.lists(
    st.tuples(st.lists(operations, min_size=1, max_size=3), st.sampled_from(["commit", "crash"])),
    max_size=12,
)
example = itertools.count()


def declined(*_: object) -> Any:
    raise Crash


def attempt(bank: Bank, session: Session, name: str, key: str) -> str | None:
    """Run it for real; the name of the error it ends with."""
    real: dict[str, Callable[[], object]] = {
        "charge": lambda: bank.charge(session, key),
        "charge another amount": lambda: bank.charge(session, key, 700),
        "charge is declined": lambda: effects.do(session, key, {"cents": 500}, declined),
        "refund": lambda: bank.refund(session, key),
        "refund fails": lambda: effects.undo(session, key, lambda done: half_way(session, key)),
    }
    try:
        real[name]()
    except (Crash, EffectUndone, KeyReused) as error:
        return type(error).__name__
    return None


def half_way(session: Session, key: str) -> Any:
    post(session, key, -1)
    raise Crash


def expect(books: Books, states: States, name: str, key: str) -> str | None:
    """The same by the rules, on plain dictionaries."""
    state, booked = states[key], books[key]
    if name.startswith("charge"):
        cents = 700 if "another" in name else 500
        if state in ("undone", "tombstone"):
            return "EffectUndone"
        if state == "done":
            return None if booked == [cents] else "KeyReused"
        if "declined" in name:
            return "Crash"
        states[key], books[key] = "done", [cents]
    elif state is None:
        states[key] = "tombstone"
    elif state == "done":
        if "fails" in name:
            return "Crash"
        states[key], books[key] = "undone", [booked[0], -booked[0]]
    return None


def replay(bank: Bank, sequence: list[tuple[list[tuple[str, str]], str]]) -> None:
    run = f"{next(example)}-"  # every example has keys of its own in the same database
    books: Books = {key: [] for key in KEYS}
    states: States = dict.fromkeys(KEYS)
    for steps, ending in sequence:
        new_books, new_states = dict(books), dict(states)
        with Session(bank.engine) as session:
            for name, key in steps:
                found = attempt(bank, session, name, run + key)
                assert found == expect(new_books, new_states, name, key), (name, key)
            if ending == "commit":
                session.commit()
                books, states = new_books, new_states
        for key in KEYS:
            check(bank.booked(run + key), bank.state(run + key))
            assert bank.booked(run + key) == books[key]
            assert bank.state(run + key) == states[key]


def check(booked: list[int], state: str | None) -> None:
    """The promise itself, without the model."""
    assert len([cents for cents in booked if cents > 0]) <= 1
    assert len([cents for cents in booked if cents < 0]) <= 1
    assert (sum(booked) > 0) == (state == "done")
    assert not booked or state in ("done", "undone")


@settings(
    max_examples=40,
    deadline=None,
    # One database for all examples is meant: their keys differ.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sequence=transactions)
def test_any_sequence_of_steps_undos_and_crashes_balances(
    bank: Bank, sequence: list[tuple[list[tuple[str, str]], str]]
) -> None:
    replay(bank, sequence)
