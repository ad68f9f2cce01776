"""The audit trail on both databases: one chain, whoever appends, and it reads as it was written."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text

from musterwerk.approvals.state import Entry
from musterwerk.canonical import canonical
from musterwerk.errors import StoreError
from musterwerk.store import Store
from musterwerk.store.audit import AuditLine, AuditTrail, Filter, Head, append
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.audit_tables import iso
from musterwerk.store.auditing import verify
from musterwerk.store.auditing.stories import seal_of
from tests.databases import Database
from tests.store.trails import START, open_store, other, put, retained, story


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    opened = open_store(database)
    yield opened
    opened.close()


def test_lines_read_as_they_were_written(store: Store) -> None:
    berlin = datetime(2026, 3, 1, 13, 0, 0, 7, tzinfo=timezone(timedelta(hours=1)))
    data = {"float": 0.1 + 0.2, "tiny": 5e-324, "big": 10**30, "text": "\0\ud800 \u20ac", "z": -0.0}
    line = AuditLine("a", berlin, None, "asked", "anna", "mail", "bob", "d", data)
    put(store, line)
    (kept,) = AuditTrail(store).lines()
    assert (kept.seq, kept.previous, kept.at.utcoffset()) == (1, "", timedelta(0))
    assert AuditLine(**{name: getattr(kept, name) for name in vars(line)}) == line
    assert AuditTrail(store).head() == Head(1, kept.hash)


def test_what_no_database_takes_is_replaced_before_it_is_hashed(
    store: Store, tmp_path: Path
) -> None:
    put(store, replace(other("a"), actor="an\0na\ud800", data={"nan": math.nan, "inf": math.inf}))
    (kept,) = AuditTrail(store).lines()
    assert kept.actor == "an\ufffdna?"
    assert math.isnan(kept.data["nan"])
    assert verify(store, AuditFolder(tmp_path)).ok


def test_the_same_line_twice_is_kept_once_as_it_was_first(store: Store, tmp_path: Path) -> None:
    put(store, other("a"), other("b"), replace(other("a"), actor="eve"))
    put(store, replace(other("b"), actor="eve"), other("c"))
    put(store)
    assert [(one.seq, one.source, one.actor) for one in AuditTrail(store).lines()] == [
        (1, "people/a", "root"),
        (2, "people/b", "root"),
        (3, "people/c", "root"),
    ]
    assert verify(store, AuditFolder(tmp_path)).ok


def test_a_transaction_rolled_back_leaves_no_gap(store: Store, tmp_path: Path) -> None:
    put(store, other("a"))

    def fail() -> None:
        with store.begin() as connection:
            append(connection, [other("b")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    put(store, other("c"))
    assert [one.seq for one in AuditTrail(store).lines()] == [1, 2]
    assert verify(store, AuditFolder(tmp_path)).ok


def test_appends_side_by_side_make_one_chain(store: Store, tmp_path: Path) -> None:
    started = threading.Barrier(4)

    def work(name: str) -> None:
        started.wait()
        for number in range(15):
            put(store, other(f"{name}/{number}"), other(f"same/{number}"))

    threads = [threading.Thread(target=work, args=[str(number)]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(store, AuditFolder(tmp_path))
    assert (verdict.lines, verdict.deviation) == (4 * 15 + 15, None)


def test_more_lines_than_a_statement_takes(store: Store, tmp_path: Path) -> None:
    put(store, *(other(str(number)) for number in range(1300)))
    put(store, *(other(str(number)) for number in range(1400)))
    assert verify(store, AuditFolder(tmp_path)).lines == 1400


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE musterwerk_audit SET actor = 'eve'",
        "DELETE FROM musterwerk_audit",
        "TRUNCATE musterwerk_audit",
    ],
)
def test_the_database_refuses_changes(store: Store, statement: str) -> None:
    if statement.startswith("TRUNCATE") and store.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    put(store, other("a"))
    with pytest.raises(StoreError, match="append-only"), store.begin() as connection:
        connection.execute(text(statement))
    assert len(AuditTrail(store).lines()) == 1


def test_lines_can_be_looked_for(store: Store) -> None:
    trail = AuditTrail(store)
    put(store, *story(1, 5), *story(2, 5), other("a"))
    assert [one.seq for one in trail.lines(only=Filter("refund:2@x"))] == [6, 7, 8, 9, 10]
    assert [one.seq for one in trail.lines(only=Filter(actor="anna 2"))] == [2, 7]
    assert [one.seq for one in trail.lines(only=Filter(event="person added"))] == [11]
    assert [one.seq for one in trail.lines(after=3, limit=2)] == [4, 5]
    window = Filter(since=trail.lines()[6].at, until=trail.lines()[8].at)
    assert [one.seq for one in trail.lines(only=window)] == [7, 8]


@pytest.mark.parametrize("at", [START, START.replace(microsecond=0)])
def test_the_verifier_computes_the_record_of_an_entry_as_the_workflow_does(at: datetime) -> None:
    entry = Entry(number=3, at=at, event="comment", actor="a", channel="c", data={"x": "\0\u20ac"})
    line = entry.model_dump() | {"at": iso(at)}
    assert seal_of("before", 3, line, entry.data) == entry.seal("before")


def test_hashes_are_as_the_page_for_auditors_says() -> None:
    assert canonical({"b": [1.0, None], "a": "\u20ac"}) == b'{"a":"\\u20ac","b":[1.0,null]}'
    assert iso(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00.000000+00:00"


def test_entries_that_overtook_each_other_are_no_deviation_but_a_missing_one_is(
    store: Store, tmp_path: Path
) -> None:
    lines = story(1, 6)
    put(store, *lines[:2], *lines[4:], *lines[2:3])
    gap = verify(store, AuditFolder(tmp_path)).deviation
    assert gap is not None
    assert (gap.seq, "entry 4 of the request refund:1@x" in gap.what) == (3, True)
    put(store, lines[3])
    assert verify(store, AuditFolder(tmp_path)).ok


def test_an_entry_forged_with_a_chain_computed_anew_breaks_the_record_of_its_request(
    store: Store, tmp_path: Path
) -> None:
    first, second, third = story(1, 3)
    put(store, first, replace(second, actor="eve"), third)
    found = verify(store, AuditFolder(tmp_path)).deviation
    assert found is not None
    assert (found.seq, "entry 2" in found.what) == (2, True)


def test_what_temporal_retains_is_compared(store: Store, tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path)
    put(store, *story(1, 6), *story(2, 4))

    def against(*known: object) -> bool:
        verdict = verify(store, folder, executions=lambda: known)  # pyright: ignore[reportArgumentType]
        assert verdict.executions == len(known)
        return verdict.ok

    assert against(retained(1, 6), retained(2, 4))
    # Closed, and entries are missing, too many, or others.
    assert not against(retained(1, 7))
    assert not against(retained(1, 5))
    assert not against(replace(retained(1, 6), record="0" * 64))
    # Open: the trail may have more than when we asked, but neither fewer nor others.
    assert against(retained(1, 5, may_grow=True))
    assert not against(retained(1, 8, may_grow=True))
    assert not against(retained(3, 2, may_grow=True))
    assert not against(replace(retained(1, 5, may_grow=True), record="0" * 64))
    # The same id used again is another execution.
    assert not against(retained(1, 6), replace(retained(1, 6), started_at=START))
