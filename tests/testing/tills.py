"""A till that is sound: worlds with a flaw, and with more to do, are made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from temporalio import activity
from temporalio.exceptions import ApplicationError

from musterwerk.testing import Effects


class Till:
    """It knows what was paid, and takes no more what was paid back."""

    def __enter__(self) -> Self:
        self.effects = Effects()
        self.paid: set[str] = set()
        self.undone: set[str] = set()
        return self

    def __exit__(self, *_: object) -> None: ...

    @activity.defn
    async def pay(self, order: str) -> None:
        if order in self.undone:
            raise ApplicationError("undone", non_retryable=True)
        if order not in self.paid:
            self.paid.add(order)
            self.effects.do("pay", order)

    @activity.defn
    async def pay_back(self, order: str, _: None = None) -> None:
        self.undone.add(order)
        self.effects.undo("pay", order, found=order in self.paid)
        self.paid.discard(order)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pay, self.pay_back]
