"""The world: an account, part of which is set aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import activity

from examples.ledger import Ledger


class Bank:
    def __init__(self, cents: int) -> None:
        self.cents = cents
        self.held = 0
        self.paid: list[tuple[str, int]] = []
        self._ledger = Ledger()

    def activities(self) -> list[Callable[..., Any]]:
        return [self.hold, self.free, self.pay]

    @activity.defn
    async def hold(self, cents: int) -> str:
        return self._ledger.do(lambda: self._hold(cents))

    @activity.defn
    async def free(self, cents: int, held: str | None) -> None:
        self._ledger.undo(lambda _: self._hold(-cents))

    @activity.defn
    async def pay(self, payee: str, cents: int) -> str:
        return self._ledger.do(lambda: self._pay(payee, cents))

    def _hold(self, cents: int) -> str:
        self.held += cents
        return f"{cents} cents"

    def _pay(self, payee: str, cents: int) -> str:
        self.held -= cents
        self.cents -= cents
        self.paid.append((payee, cents))
        return f"paid to {payee}"
