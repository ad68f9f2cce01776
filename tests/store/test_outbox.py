"""What is on its way: notices to people, acts to workflows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from musterwerk.errors import UsageError
from musterwerk.store import ActTable, InboxTable, NoticeTable, Store
from musterwerk.store.outbox import NoticeRow
from musterwerk.store.telling import NewNotice
from tests.store.test_inbox import telling

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACT: dict[str, Any] = {"kind": "comment", "text": "fine \0 ü"}


@pytest.fixture
def outbox(store: Store) -> NoticeTable:
    asked = NewNotice("n-1", "asked", ("group:finance", "ben"), NOON, but=("anna",))
    later = NewNotice("n-2", "reminded", ("ben",), NOON + SECOND, actor="rita", text="soon")
    InboxTable(store).write(telling(notices=(later, asked)), NOON)
    return NoticeTable(store)


def keys(found: list[NoticeRow]) -> list[str]:
    return [one.key for one in found]


def test_what_is_due_is_claimed_once(outbox: NoticeTable) -> None:
    """Two workers would send each mail twice."""
    assert outbox.claim(NOON - SECOND, 9, 60) == []
    assert outbox.claim(NOON, 9, 60) == [
        NoticeRow("n-1", "asked", "r-1", ("group:finance", "ben"), ("anna",), "", "", NOON)
    ]
    assert keys(outbox.claim(NOON + SECOND, 9, 60)) == ["n-2"]
    assert outbox.claim(NOON + 60 * SECOND, 9, 60) == []


def test_what_a_dead_worker_claimed_is_due_again(outbox: NoticeTable) -> None:
    assert keys(outbox.claim(NOON + SECOND, 1, 60)) == ["n-1"]
    assert keys(outbox.claim(NOON + 62 * SECOND, 9, 60)) == ["n-1", "n-2"]


def test_a_failure_waits_and_is_told(outbox: NoticeTable) -> None:
    outbox.claim(NOON, 9, 60)
    outbox.failed("n-1", "mail server is away", NOON + 5 * SECOND)
    assert keys(outbox.claim(NOON + 4 * SECOND, 9, 0)) == ["n-2"]
    again = outbox.claim(NOON + 5 * SECOND, 9, 60)[-1]
    assert (again.key, again.attempts, again.last_error) == ("n-1", 1, "mail server is away")


def test_what_is_done_is_never_due_again(outbox: NoticeTable, store: Store) -> None:
    outbox.claim(NOON, 9, 60)
    outbox.done("n-1", NOON)
    outbox.failed("n-1", "a late word", NOON)
    told_again = NewNotice("n-1", "asked", ("ben",), NOON)
    InboxTable(store).write(telling(notices=(told_again,)), NOON)
    assert keys(outbox.claim(NOON + 99 * SECOND, 9, 60)) == ["n-2"]
    assert outbox.waiting() == 1


def test_who_was_told_is_on_record(outbox: NoticeTable) -> None:
    for target in ("mail:ben@example.com", "webhook", "webhook"):
        outbox.mark_sent("n-1", target, NOON)
    assert outbox.sent_to("n-1") == {"mail:ben@example.com", "webhook"}
    assert outbox.sent_to("n-2") == set()


def test_many_claim_at_once(store: Store) -> None:
    """Each notice is one claimer's, and none is left over."""
    names = [f"n-{number:02}" for number in range(40)]
    some = tuple(NewNotice(name, "asked", ("ben",), NOON) for name in names)
    InboxTable(store).write(telling(notices=some), NOON)
    outbox = NoticeTable(store)
    with ThreadPoolExecutor(4) as pool:
        claims = [pool.submit(outbox.claim, NOON, 5, 60) for _ in range(16)]
    assert sorted(key for found in claims for key in keys(found.result())) == names


def test_an_act_is_kept_once(store: Store) -> None:
    """A double click; and an id of a request's own does not collide with another's."""
    acts = ActTable(store)
    first = acts.put("a-1", "r-1", "anna", ACT, NOON)
    assert (first.state, first.act, first.reply) == ("sending", ACT, None)
    acts.state("a-1", "r-1", "done", NOON + SECOND, {"verdict": "applied"})
    again = acts.put("a-1", "r-1", "anna", {"kind": "claim"}, NOON + 2 * SECOND)
    assert (again.act, again.state, again.reply) == (ACT, "done", {"verdict": "applied"})
    assert acts.put("a-1", "r-2", "ben", ACT, NOON).state == "sending"
    with pytest.raises(UsageError, match="'a-1' was used by somebody else"):
        acts.put("a-1", "r-1", "ben", ACT, NOON)


def test_an_act_never_goes_back(store: Store) -> None:
    acts = ActTable(store)
    acts.put("a-1", "r-1", "anna", ACT, NOON)
    acts.state("a-1", "r-1", "done", NOON, {"verdict": "applied"})
    acts.state("a-1", "r-1", "recorded", NOON + SECOND)
    acts.state("a-1", "r-1", "done", NOON + SECOND, {"verdict": "closed"})
    found = acts.get("a-1", "r-1")
    assert found is not None
    assert (found.state, found.reply, found.updated_at) == ("done", {"verdict": "applied"}, NOON)


def test_what_is_pending_comes_oldest_first(store: Store) -> None:
    acts = ActTable(store)
    for number in range(3):
        acts.put(f"a-{number}", "r-1", "anna", ACT, NOON - number * SECOND)
    acts.put("a-3", "r-1", "anna", ACT, NOON - 9 * SECOND)
    acts.state("a-3", "r-1", "done", NOON - 9 * SECOND, {})
    acts.state("a-2", "r-1", "recorded", NOON - 5 * SECOND)
    assert [one.id for one in acts.pending(NOON)] == ["a-2", "a-1"]
    assert [one.id for one in acts.pending(NOON + SECOND, limit=2)] == ["a-2", "a-1"]


def test_acts_that_are_stuck_starve_no_other(store: Store) -> None:
    """A thousand that nobody can apply would be all that the relay ever looks at."""
    acts = ActTable(store)
    for number in range(5):
        acts.put(f"stuck-{number}", "r-1", "anna", ACT, NOON - SECOND)
        acts.tried(f"stuck-{number}", "r-1", NOON + number * SECOND)
    acts.put("new", "r-2", "anna", ACT, NOON)
    assert [one.id for one in acts.pending(NOON + SECOND / 2)] == ["new", "stuck-0"]
    found = acts.pending(NOON + 9 * SECOND, limit=2)
    assert [(one.id, one.attempts) for one in found] == [("new", 0), ("stuck-0", 1)]
