"""Sessions and passwords, on each database: who is logged in, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from musterwerk.store import PeopleTable, Store
from musterwerk.store.passwords import PasswordTable
from musterwerk.store.sessions import IDLE, LONGEST, SessionTable

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(store: Store) -> Clock:
    people = {"people": {"anna": {"roles": ["operator"]}, "ben": {}}}
    PeopleTable(store, now=lambda: NOON).apply(people, actor="root", channel="cli")
    return Clock()


@pytest.fixture
def sessions(store: Store, clock: Clock) -> SessionTable:
    return SessionTable(store, now=clock)


def test_a_secret_opens_its_session_and_no_other_does(sessions: SessionTable) -> None:
    secret = sessions.open("anna")
    found = sessions.owner(secret)
    assert found is not None
    assert (found.person.id, found.roles) == ("anna", ("operator",))
    for wrong in ("", secret[:-1], secret.upper(), "\ud800"):
        assert sessions.owner(wrong) is None


def test_it_ends_without_a_click_and_in_any_case(sessions: SessionTable, clock: Clock) -> None:
    """A browser left in a library would stay logged in."""
    idle, busy = sessions.open("anna"), sessions.open("anna")
    while clock.now < NOON + LONGEST - IDLE:
        clock.now += IDLE / 2
        assert sessions.owner(busy)
    assert sessions.owner(idle) is None
    clock.now = NOON + LONGEST + timedelta(seconds=1)
    assert sessions.owner(busy) is None


def test_the_secret_is_nowhere_in_the_database(sessions: SessionTable, store: Store) -> None:
    secret = sessions.open("anna")
    with store.read() as connection:
        rows = connection.execute(text("SELECT * FROM musterwerk_sessions")).all()
    assert len(rows) == 1
    assert secret not in str(rows)


def test_a_new_password_ends_the_other_sessions(
    sessions: SessionTable, store: Store, clock: Clock
) -> None:
    """Whoever had stolen the old one would stay."""
    mine, stolen, of_ben = (sessions.open(one) for one in ("anna", "anna", "ben"))
    passwords = PasswordTable(store, now=clock)
    passwords.put("anna", "a hash", actor="anna", channel="console", but=mine)
    assert passwords.hash_of("anna") == "a hash"
    assert [bool(sessions.owner(one)) for one in (mine, stolen, of_ben)] == [True, False, True]
