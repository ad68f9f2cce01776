"""The inbox written anew while it is read, and what concerns somebody without being theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from musterwerk.store import InboxTable, Store, database_url
from musterwerk.store.inbox_pages import Search
from musterwerk.store.membership import Place
from tests.store.test_inbox import DAY, ME, NOON, ended, shown, telling, walked


def test_what_concerns_me_is_what_i_am_asked_and_what_i_asked(store: Store) -> None:
    """Who has voted, or is kept out by four eyes, could not look it up again."""
    inbox = InboxTable(store)
    inbox.write(telling("group"), NOON)
    inbox.write(telling("voted", kept_out=("anna",)), NOON)
    inbox.write(telling("own", requester="anna", seats=("group:managers",)), NOON)
    inbox.write(telling("both", requester="anna", expires_at=NOON + 2 * DAY), NOON)
    inbox.write(telling("others", seats=("ben",)), NOON)
    inbox.write(ended("over"), NOON)
    assert shown(inbox, "involved") == ["group", "own", "voted", "both"]
    assert shown(inbox, "involved", requester="rita") == ["group", "voted"]
    assert shown(inbox, "involved", requester="anna") == ["own", "both"]
    assert shown(inbox, "involved", expires_before=NOON + 2 * DAY) == ["group", "own", "voted"]
    assert shown(inbox, "involved", places=()) == ["own", "both"]
    for limit in (1, 2, 3):
        search = Search("involved", "anna", ME, limit=limit)
        assert list(walked(inbox, search)) == ["group", "own", "voted", "both"]


def test_what_waits_for_me_is_what_i_may_decide_and_what_i_am_asked_back(store: Store) -> None:
    """A question to the requester would be in nobody's inbox."""
    inbox = InboxTable(store)
    back: Any = {"state": "info_requested", "seats": ("ben",)}
    inbox.write(telling("asked", requester="anna", **back), NOON)
    inbox.write(telling("absent", requester="carl", expires_at=NOON + 2 * DAY, **back), NOON)
    inbox.write(telling("others", requester="rita", **back), NOON)
    inbox.write(telling("mine"), NOON)
    inbox.write(telling("own", requester="anna", seats=("ben",)), NOON)
    standing_in = (*ME, Place("carl", "carl"))
    assert shown(inbox, "questions", places=()) == ["asked"]
    assert shown(inbox, "questions", places=standing_in) == ["asked", "absent"]
    assert shown(inbox, "questions", places=standing_in, requester="carl") == ["absent"]
    assert shown(inbox, "questions", state="open") == []
    assert shown(inbox, "mine") == ["mine"]
    for limit in (1, 2, 3):
        search = Search("waiting", "anna", standing_in, limit=limit)
        assert list(walked(inbox, search)) == ["asked", "mine", "absent"]


@pytest.mark.parametrize("box", ["questions", "waiting"])
def test_questions_are_found_by_their_index(tmp_path: Path, box: Any) -> None:
    """A service that asks for everything would look through all it has asked, to find one."""
    store = Store(database_url(tmp_path, {}))
    plans: list[str] = []

    def explain(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("SELECT") and "info_requested" in statement:
            raw = connection.connection.driver_connection
            rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.append(" ".join(row[-1] for row in rows))

    store.prepare()
    event.listen(store.engine, "before_cursor_execute", explain)
    InboxTable(store).page(Search(box, "anna", ME))
    store.close()
    (plan,) = plans
    assert "musterwerk_requests_asked_back (requester=?" in plan


def test_what_is_replaced_is_right_again_and_what_is_newer_stays(store: Store) -> None:
    """A workflow that goes on during a rebuild would be set back."""
    inbox = InboxTable(store)
    inbox.write(telling("damaged", 2, details="d"), NOON)
    inbox.write(telling("ahead", 3, seats=("anna",)), NOON)
    with store.begin() as connection:
        for table in ("seats", "request_details"):
            connection.execute(text(f"DELETE FROM musterwerk_{table}"))  # noqa: S608
        connection.execute(text("UPDATE musterwerk_requests SET subject = 'forged'"))
    inbox.replace([telling("damaged", 2, details="d"), telling("ahead", 2), telling("new")])
    damaged = inbox.get("damaged")
    assert damaged is not None
    assert (damaged.version, damaged.details) == (2, "d")
    assert shown(inbox, text="refund") == ["damaged", "new"]
    ahead = inbox.get("ahead")
    assert ahead is not None
    assert ahead.version == 3
    assert sorted(inbox.known()) == [("ahead", True), ("damaged", True), ("new", True)]
