"""The world: what can be booked, and who has booked it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from examples.ledger import Ledger


class Agency:
    """`free` is how many there are of each thing; what is not in it does not exist."""

    def __init__(self, free: dict[str, int]) -> None:
        self.free = free
        self.bookings: list[tuple[str, str]] = []
        self.cancelled: list[tuple[str, str]] = []
        self._ledger = Ledger()

    def activities(self) -> list[Callable[..., Any]]:
        return [self.book, self.cancel]

    @activity.defn
    async def book(self, what: str, traveller: str) -> str:
        return self._ledger.do(lambda: self._take(what, traveller))

    @activity.defn
    async def cancel(self, what: str, traveller: str, booking: str | None) -> None:
        self._ledger.undo(lambda _: self._give_back(what, traveller))

    def _take(self, what: str, traveller: str) -> str:
        if not self.free.get(what):
            raise ApplicationError(f"no {what} left", type="Full", non_retryable=True)
        self.free[what] -= 1
        self.bookings.append((traveller, what))
        return f"{what} for {traveller}"

    def _give_back(self, what: str, traveller: str) -> None:
        self.free[what] += 1
        self.bookings.remove((traveller, what))
        self.cancelled.append((traveller, what))
