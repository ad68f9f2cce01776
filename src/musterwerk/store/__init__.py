"""Musterwerk's own database: SQLite by default, PostgreSQL where it is configured.

Knows SQL and its tables, and nothing of Temporal. Calls block; in async code use a thread.
Needs `pip install "musterwerk[store]"`.
"""

from __future__ import annotations

from musterwerk.store.address import database_url
from musterwerk.store.database import Store
from musterwerk.store.deadletters import DeadLetterTable, LetterRow
from musterwerk.store.inbox import InboxTable
from musterwerk.store.people import PeopleTable

__all__ = ["DeadLetterTable", "InboxTable", "LetterRow", "PeopleTable", "Store", "database_url"]
