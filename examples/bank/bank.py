"""The world: a bank with its books in one SQLite file, and what can go wrong on the way to it.

The activities are ordinary functions, run in threads, because SQLite's driver is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from examples.bank.model import Account
from musterwerk.errors import EffectUndone
from musterwerk.saga import effects, step_key

_tables = sa.MetaData()
_accounts = sa.Table(
    "accounts",
    _tables,
    sa.Column("owner", sa.String, primary_key=True),
    sa.Column("cents", sa.Integer, sa.CheckConstraint("cents >= 0"), nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
)


class Line:
    """The line to a bank, between its books and those who ask."""

    def __init__(self) -> None:
        self.lose_next_answer = False
        self.free = threading.Event()
        self.free.set()

    def hold(self) -> None:
        """Requests wait from now on, until `free.set()`."""
        self.free.clear()

    def answer(self) -> None:
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise ApplicationError("connection lost", type="ConnectionLost")


class Bank:
    def __init__(self, file: Path, accounts: dict[str, int]) -> None:
        """`accounts` is what each owner has, in cents."""
        self.line = Line()
        self.refused: list[str] = []  # owners whose movement came after its undo
        self._engine = sa.create_engine(f"sqlite:///{file}")
        _tables.create_all(self._engine)
        effects.create_tables(self._engine)
        rows = [{"owner": o, "cents": c, "closed": False} for o, c in accounts.items()]
        with self._engine.begin() as connection:
            connection.execute(_accounts.insert(), rows)

    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.withdraw,
            self.put_back,
            self.receipt_of_withdrawal,
            self.deposit,
            self.take_back,
            self.receipt_of_deposit,
        ]

    @activity.defn
    def withdraw(self, account: Account, cents: int) -> str:
        return self._do(account, -cents)

    @activity.defn
    def put_back(self, account: Account, cents: int, receipt: str | None) -> None:
        self._undo(account, cents)

    @activity.defn
    def receipt_of_withdrawal(self, account: Account, cents: int) -> str | None:
        return self._receipt()

    @activity.defn
    def deposit(self, account: Account, cents: int) -> str:
        return self._do(account, cents)

    @activity.defn
    def take_back(self, account: Account, cents: int, receipt: str | None) -> None:
        self._undo(account, -cents)

    @activity.defn
    def receipt_of_deposit(self, account: Account, cents: int) -> str | None:
        return self._receipt()

    def close_account(self, owner: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                _accounts.update().where(_accounts.c.owner == owner).values(closed=True)
            )

    def close(self) -> None:
        self._engine.dispose()

    def _do(self, account: Account, cents: int) -> str:
        self.line.free.wait()
        request = {"owner": account.owner, "cents": cents}
        try:
            with Session(self._engine) as session, session.begin():
                receipt = effects.do(
                    session, step_key(), request, lambda: self._move(session, account.owner, cents)
                )
        except EffectUndone:
            self.refused.append(account.owner)
            raise
        self.line.answer()
        return receipt

    def _undo(self, account: Account, cents: int) -> None:
        with Session(self._engine) as session, session.begin():
            effects.undo(session, step_key(), lambda _: self._add(session, account.owner, cents))

    def _receipt(self) -> str | None:
        with Session(self._engine) as session:
            there = effects.probe(session, step_key()) == "done"
        return _receipt() if there else None

    def _move(self, session: Session, owner: str, cents: int) -> str:
        row = session.execute(sa.select(_accounts).where(_accounts.c.owner == owner)).one()
        if row.closed:
            raise ApplicationError(
                f"the account of {owner} is closed", type="AccountClosed", non_retryable=True
            )
        if row.cents + cents < 0:
            raise ApplicationError(
                f"{owner} has only {row.cents} cents", type="NotEnoughMoney", non_retryable=True
            )
        self._add(session, owner, cents)
        return _receipt()

    def _add(self, session: Session, owner: str, cents: int) -> None:
        session.execute(
            _accounts.update()
            .where(_accounts.c.owner == owner)
            .values(cents=_accounts.c.cents + cents)
        )


def _receipt() -> str:
    """The same number whoever asks, the step or its probe: it is made of their common key."""
    return f"receipt-{step_key().business_key[-12:]}"


def balances(file: Path) -> dict[str, int]:
    """What every owner has, read from the bank's file."""
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        rows = connection.execute(sa.select(_accounts.c.owner, _accounts.c.cents)).all()
    engine.dispose()
    return {row.owner: row.cents for row in rows}
