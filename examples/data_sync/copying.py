"""The one activity: from one SQLite file to another, page by page.

A page, what is counted and how far it has come are one transaction of the target. So whoever is
killed goes on after the last page, exactly; two attempts at once, one of them given up by Temporal
and still alive, share the pages; and a key that is complete copies nothing any more. To copy a
window anew, because its source was mended, delete its line in `syncs` and start it again.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from temporalio import activity

PAGE = 50
_SECONDS = 30.0  # to wait for others who write to the target

#: `changed_at` are Unix seconds. What is deleted stays as a row that says so, or no sync sees it.
RECORDS = """CREATE TABLE IF NOT EXISTS records
    (dataset TEXT, id TEXT, content TEXT, changed_at INTEGER, PRIMARY KEY (dataset, id))"""
_SYNCS = """CREATE TABLE IF NOT EXISTS syncs
    (key TEXT PRIMARY KEY, last_id TEXT, read INTEGER, inserted INTEGER, updated INTEGER,
     complete INTEGER)"""
_CHANGES = """SELECT id, content, changed_at FROM records
    WHERE dataset = ? AND changed_at >= ? AND changed_at < ? AND id > ? ORDER BY id LIMIT ?"""
_PROGRESS = "SELECT last_id, read, inserted, updated, complete FROM syncs WHERE key = ?"
_Row = tuple[str, str, int]


@dataclass(frozen=True)
class Window:
    """From `start` on, and before `end`."""

    key: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Synced:
    """What was read and neither inserted nor updated was there already, or newer."""

    key: str
    start: datetime
    end: datetime
    read: int
    inserted: int
    updated: int


class Copier:
    def __init__(self, source: Path, target: Path) -> None:
        self._source, self._target = source, target
        with closing(sqlite3.connect(target)) as db, db:
            db.execute(RECORDS)
            db.execute(_SYNCS)

    @activity.defn
    def copy_changes(self, dataset: str, window: Window) -> Synced:
        with (
            closing(sqlite3.connect(f"{self._source.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(self._target, _SECONDS, isolation_level=None)) as target,
        ):
            while not _copy_page(source, target, dataset, window):
                activity.heartbeat()
            _, read, inserted, updated, _ = target.execute(_PROGRESS, (window.key,)).fetchone()
        return Synced(window.key, window.start, window.end, read, inserted, updated)


def _copy_page(
    source: sqlite3.Connection, target: sqlite3.Connection, dataset: str, window: Window
) -> bool:
    """Whether the window is complete."""
    with target:  # commits, or takes all of it back
        target.execute("BEGIN IMMEDIATE")  # from here on no other attempt is at it
        begun = target.execute(_PROGRESS, (window.key,)).fetchone()
        last_id, read, inserted, updated, complete = begun or ("", 0, 0, 0, False)
        if complete:
            return True
        span = int(window.start.timestamp()), int(window.end.timestamp())
        rows = source.execute(_CHANGES, (dataset, *span, last_id, PAGE)).fetchall()
        kinds = [_put(target, dataset, row) for row in rows]
        progress = (
            rows[-1][0] if rows else last_id,
            read + len(rows),
            inserted + kinds.count("inserted"),
            updated + kinds.count("updated"),
            len(rows) < PAGE,
        )
        target.execute(
            "INSERT OR REPLACE INTO syncs VALUES (?, ?, ?, ?, ?, ?)", (window.key, *progress)
        )
    return progress[-1]


def _put(target: sqlite3.Connection, dataset: str, row: _Row) -> str:
    """Only ever newer: windows may be copied side by side, and an old one after a new one."""
    id, content, changed_at = row
    where = dataset, id
    there = target.execute(
        "SELECT changed_at FROM records WHERE (dataset, id) = (?, ?)", where
    ).fetchone()
    if there is None:
        target.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (*where, content, changed_at))
        return "inserted"
    if there[0] >= changed_at:
        return "there"
    target.execute(
        "UPDATE records SET content = ?, changed_at = ? WHERE (dataset, id) = (?, ?)",
        (content, changed_at, *where),
    )
    return "updated"
