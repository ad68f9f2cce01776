"""Musterwerk's own database: SQLite by default, PostgreSQL where it is configured.

Knows SQL and its tables, and nothing of Temporal. Calls block; in async code use a thread.
Needs `pip install "musterwerk[store]"`.
"""

from __future__ import annotations

from musterwerk.store.act_table import ActTable
from musterwerk.store.address import database_url
from musterwerk.store.database import Store
from musterwerk.store.deadletters import DeadLetterTable, LetterRow
from musterwerk.store.inbox import InboxTable
from musterwerk.store.mail_links import MailLinkTable
from musterwerk.store.outbox import NoticeTable
from musterwerk.store.people import PeopleTable
from musterwerk.store.tokens import TokenTable

__all__ = [
    "ActTable",
    "DeadLetterTable",
    "InboxTable",
    "LetterRow",
    "MailLinkTable",
    "NoticeTable",
    "PeopleTable",
    "Store",
    "TokenTable",
    "database_url",
]
