"""Effects that happen once, are undone once, and are refused once their undo has been here.

An activity or service wraps `do` around what it changes in its own database and `undo` around
what takes that back. The record of it is written in the same transaction as the change, so
neither can exist without the other.

Needs SQLAlchemy: `pip install "musterwerk[effects]"`.
"""

from __future__ import annotations

from musterwerk.saga.effects.ledger import State, do, probe, recorded, undo
from musterwerk.saga.effects.table import create_tables, effects, metadata
from musterwerk.saga.effects.transaction import sqlite_begin_immediate

__all__ = [
    "State",
    "create_tables",
    "do",
    "effects",
    "metadata",
    "probe",
    "recorded",
    "sqlite_begin_immediate",
    "undo",
]
