"""A bank whose every movement goes through the ledger, and books that anyone can add up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session

from musterwerk.saga import effects

metadata = MetaData()
postings = Table(
    "postings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(255), nullable=False),
    Column("cents", Integer, nullable=False),
)


class Crash(Exception):
    """The process dies here."""


class Bank:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        metadata.create_all(engine)
        effects.create_tables(engine)

    def charge(self, session: Session, key: str, cents: int = 500) -> dict[str, int]:
        return effects.do(session, key, {"cents": cents}, lambda: post(session, key, cents))

    def refund(self, session: Session, key: str) -> dict[str, int] | None:
        def take_back(charged: dict[str, int]) -> dict[str, int]:
            return post(session, key, -charged["cents"])

        return effects.undo(session, key, take_back)

    def charge_and_commit(self, key: str, cents: int = 500) -> dict[str, int]:
        with Session(self.engine) as session, session.begin():
            return self.charge(session, key, cents)

    def refund_and_commit(self, key: str) -> dict[str, int] | None:
        with Session(self.engine) as session, session.begin():
            return self.refund(session, key)

    def crash_after(self, work: Callable[[Session], object]) -> None:
        """The work is done, and the process dies before the commit."""
        with suppress(Crash), Session(self.engine) as session, session.begin():
            work(session)
            raise Crash

    def state(self, key: str) -> str | None:
        with Session(self.engine) as session:
            return effects.probe(session, key)

    def booked(self, key: str) -> list[int]:
        """Every movement under the key, in order."""
        with Session(self.engine) as session:
            found = select(postings.c.cents).where(postings.c.key == key).order_by(postings.c.id)
            return list(session.scalars(found))

    def row(self, key: str) -> Any:
        """The ledger's own row, as somebody with a SQL prompt sees it."""
        with Session(self.engine) as session:
            query = select(effects.effects).where(effects.effects.c.key == key)
            return session.execute(query).one_or_none()


def post(session: Session, key: str, cents: int) -> dict[str, int]:
    new = insert(postings).values(key=key, cents=cents).returning(postings.c.id)
    return {"posting": session.scalars(new).one(), "cents": cents}


def never(*_: object) -> Any:
    raise AssertionError("this effect must not run")
