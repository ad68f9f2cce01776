"""Mail's one table, and the life of a message in it.

A message cannot be sent and recorded in one transaction, so its row is committed first, as
`sending`. After the attempt it is `sent`; or it is deleted, if it was certainly not delivered and
may be tried again; or it is `unclear`, and then it is never sent again.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import CheckConstraint, Column, MetaData, String, Table, delete, insert, select
from sqlalchemy import update as sql_update

from musterwerk.shop.services.database import Database, now

Ended = Literal["sent", "unclear"]

metadata = MetaData()

messages = Table(
    "messages",
    metadata,
    Column("key", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("kind", String, CheckConstraint("kind IN ('confirmation', 'failure')"), nullable=False),
    Column("recipient", String, nullable=False),
    Column("language", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column(
        "state", String, CheckConstraint("state IN ('sending', 'sent', 'unclear')"), nullable=False
    ),
    Column("message_id", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("changed_at", String, nullable=False),
)


class Outbox:
    """Who may send which message."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, key: str, fingerprint: str, values: dict[str, str]) -> Ended | None:
        """Take the message for sending, and return None; or say how it stands with it.

        Only one request per key is under way at a time (`OneAtATime`). So a row that says
        `sending` belongs to a process that died while it sent: nobody knows, and nobody will.

        Raises LookupError where the key stands for another message.
        """
        with self._database.transaction() as session:
            found = session.execute(select(messages).where(messages.c.key == key)).one_or_none()
            if found is None:
                session.execute(
                    insert(messages).values(
                        key=key,
                        fingerprint=fingerprint,
                        state="sending",
                        created_at=now(),
                        changed_at=now(),
                        **values,
                    )
                )
                return None
            if found.fingerprint != fingerprint:
                raise LookupError(key)
        if found.state == "sending":
            self.settle(key, "unclear")
            return "unclear"
        return found.state

    def settle(self, key: str, state: Ended) -> None:
        with self._database.transaction() as session:
            session.execute(
                sql_update(messages)
                .where(messages.c.key == key, messages.c.state == "sending")
                .values(state=state, changed_at=now())
            )

    def release(self, key: str) -> None:
        """It was certainly not delivered: the next request may try again."""
        with self._database.transaction() as session:
            session.execute(
                delete(messages).where(messages.c.key == key, messages.c.state == "sending")
            )
