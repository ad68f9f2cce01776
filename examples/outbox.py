"""Telling people once per key, whoever asks for it how often. Needs `musterwerk[worker]`.

The key is kept in the transaction in which the message is sent: a message that was not taken leaves
no key, and a second attempt waits for the first one and finds its key. One thing nobody can have
with mail: whoever dies after the server took it and before the commit does not know that it did. It
is sent again then, under the same Message-ID, by which a mailbox may know it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from temporalio.exceptions import ApplicationError

from musterwerk.errors import AlertError
from musterwerk.notify import Message
from musterwerk.notify.message import Target

#: Longer than a mail server may take: one waits for the other.
_SECONDS = 60.0


class Outbox:
    """In a file of its own, for it is locked while something is sent. For activities in threads."""

    def __init__(self, file: Path, targets: Iterable[Target]) -> None:
        self._file, self._targets = file, tuple(targets)
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS told (key, target, PRIMARY KEY (key, target))")

    def tell(self, message: Message) -> int:
        """How many were told by this call; 0 where all had been before."""
        told, failed = 0, list[AlertError]()
        for target in self._targets:
            try:
                told += self._tell(target, message)
            except AlertError as error:  # the others are told all the same
                failed.append(error)
        if failed:
            raise ApplicationError("; ".join(map(str, failed)), type="NotTold")
        return told

    def _tell(self, target: Target, message: Message) -> bool:
        told = message.key, target.name
        with closing(sqlite3.connect(self._file, _SECONDS, isolation_level=None)) as db, db:
            db.execute("BEGIN IMMEDIATE")
            if db.execute("SELECT 1 FROM told WHERE (key, target) = (?, ?)", told).fetchone():
                return False
            asyncio.run(target.send(message))
            db.execute("INSERT INTO told VALUES (?, ?)", told)
        return True
