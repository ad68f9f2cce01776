"""Tokens: what opens the door, and no longer does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from musterwerk.errors import StoreError, UsageError
from musterwerk.store import PeopleTable, Store, TokenTable
from musterwerk.store.audit import AuditTrail
from musterwerk.store.tokens import TokenOwner

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BY: dict[str, Any] = {"actor": "root", "channel": "cli"}


@pytest.fixture
def tokens(store: Store) -> TokenTable:
    people = PeopleTable(store, now=lambda: NOON)
    people.apply({"people": {"anna": {"roles": ["operator"]}, "ben": {}}}, **BY)
    return TokenTable(store, now=lambda: NOON)


def test_a_token_says_who_and_with_which_roles(tokens: TokenTable) -> None:
    secret = tokens.issue("anna", "laptop", None, **BY)
    assert tokens.person_of(secret, NOON) == TokenOwner("anna", ("operator",))
    assert secret.startswith("mw_")
    assert len(secret) == 46
    for wrong in ("", "mw_", secret[:-1], secret + "x", secret.upper(), "\ud800"):
        assert tokens.person_of(wrong, NOON) is None


def test_the_secret_is_nowhere_in_the_database(tokens: TokenTable, store: Store) -> None:
    """Whoever reads a backup could decide in everybody's name."""
    secret = tokens.issue("anna", "laptop", None, **BY)
    with store.begin() as connection:
        rows = connection.execute(text("SELECT * FROM musterwerk_tokens")).all()
        trail = connection.execute(text("SELECT * FROM musterwerk_audit")).all()
    assert secret.removeprefix("mw_") not in repr((rows, trail))


def test_an_expired_token_opens_nothing(tokens: TokenTable) -> None:
    secret = tokens.issue("anna", "today", NOON + HOUR, **BY)
    assert tokens.person_of(secret, NOON + HOUR - timedelta(microseconds=1)) is not None
    assert tokens.person_of(secret, NOON + HOUR) is None


def test_a_revoked_token_opens_nothing_and_is_revoked_once(
    tokens: TokenTable, store: Store
) -> None:
    kept, gone = (tokens.issue("anna", label, None, **BY) for label in ("kept", "gone"))
    number = next(one.id for one in tokens.list("anna") if one.label == "gone")
    for _ in range(2):
        tokens.revoke(number, **BY)
    assert tokens.person_of(gone, NOON) is None
    assert tokens.person_of(kept, NOON) is not None
    events = [line.event for line in AuditTrail(store).lines()]
    assert events[-3:] == ["token_issued", "token_issued", "token_revoked"]
    with pytest.raises(UsageError, match="there is no token 'x'"):
        tokens.revoke("x", **BY)


def test_who_has_left_cannot_come_back_with_a_token(tokens: TokenTable, store: Store) -> None:
    secret = tokens.issue("anna", "laptop", None, **BY)
    PeopleTable(store).deactivate("anna", **BY)
    assert tokens.person_of(secret, NOON) is None
    with pytest.raises(UsageError, match="nobody is known as 'anna', or they have left"):
        tokens.issue("anna", "another", None, **BY)


def test_a_use_that_cannot_be_noted_opens_all_the_same(
    tokens: TokenTable, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is busy writing would refuse everybody who only reads."""
    secret = tokens.issue("anna", "laptop", None, **BY)

    def busy(_: Store) -> Any:
        raise StoreError("locked", temporary=True)

    monkeypatch.setattr(Store, "begin", busy)
    assert tokens.person_of(secret, NOON) == TokenOwner("anna", ("operator",))
    monkeypatch.undo()
    assert tokens.list("anna")[0].last_used_at is None


def test_the_list_says_when_a_token_was_last_used(tokens: TokenTable) -> None:
    """To the minute: a write for every request would cost more than the request."""
    secret = tokens.issue("anna", "laptop", None, **BY)
    tokens.issue("ben", "phone", None, **BY)
    assert [one.last_used_at for one in tokens.list()] == [None, None]
    for seconds in (0, 59, 61):
        tokens.person_of(secret, NOON + timedelta(seconds=seconds))
    assert [one.last_used_at for one in tokens.list("anna")] == [NOON + timedelta(seconds=61)]
