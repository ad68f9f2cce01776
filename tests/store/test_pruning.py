"""The SQL of docs/running.md that lets old rows go, as it stands there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from musterwerk.store import ActTable, InboxTable, NoticeTable, Store
from musterwerk.store.audit import AuditTrail
from musterwerk.store.telling import NewNotice
from tests.store.test_inbox import entry, telling

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
OLD, NEW = datetime(2024, 5, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)
TABLES = ("requests", "request_details", "parties", "acts", "notices", "notices_sent")


def test_what_is_old_goes_and_all_else_stays(store: Store) -> None:
    """Somebody would delete what is open, or break the trail."""
    inbox, acts, outbox = InboxTable(store), ActTable(store), NoticeTable(store)
    for name, at, state in (("old", OLD, "approved"), ("new", NEW, "approved"), ("open", OLD, "")):
        notice = NewNotice(f"{name}/1", "asked", ("anna",), at)
        told = telling(name, details=name, parties=("anna",), notices=(notice,))
        told = replace(told, entries=(entry(1),))
        if state:
            request = replace(told.request, state=state, is_open=False, ended_at=at)
            told = replace(told, request=request, seats=())
        acts.put("a", name, "anna", {"kind": "claim"}, at)
        inbox.write(told, at)
        if state:
            acts.state("a", name, "done", at, {})
            outbox.mark_sent(f"{name}/1", "person:anna", at)
            outbox.done(f"{name}/1", at + timedelta(minutes=1))
    (sql,) = re.findall(r"```sql\n(DELETE.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    before = AuditTrail(store).lines()
    with store.begin() as connection:
        for statement in filter(str.strip, sql.split(";")):
            connection.execute(text(statement))
        counts = {
            name: connection.execute(
                text(f"SELECT count(*) FROM musterwerk_{name}")  # noqa: S608 - ours
            ).scalar()
            for name in TABLES
        }
    assert counts == {
        "requests": 2,
        "request_details": 2,
        "parties": 1,
        "acts": 2,
        "notices": 2,
        "notices_sent": 1,
    }
    assert sorted(inbox.known()) == [("new", False), ("open", True)]
    assert AuditTrail(store).lines() == before
