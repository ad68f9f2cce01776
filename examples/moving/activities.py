"""The worker's activities, which stay. Their services know an order by its number, as before.

The only change for `Saga` is the last parameter of the undos: a saga calls them with the step's
result as well. Calls without it are still on their way, hence the default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError


class Services:
    """Every booking is a line, and each line comes once, however often it is asked for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.undos_asked: list[str] = []
        self.no_van_for: set[str] = set()

    def activities(self) -> list[Callable[..., Any]]:
        return [self.reserve, self.release, self.charge, self.refund, self.ship]

    @activity.defn
    async def reserve(self, order: str) -> str:
        return self._once(f"reserve {order}")

    @activity.defn
    async def release(self, order: str, reservation: str | None = None) -> None:
        self._back(f"reserve {order}", f"release {order}")

    @activity.defn
    async def charge(self, order: str) -> str:
        return self._once(f"charge {order}")

    @activity.defn
    async def refund(self, order: str, payment: str | None = None) -> None:
        self._back(f"charge {order}", f"refund {order}")

    @activity.defn
    async def ship(self, order: str) -> str:
        if order in self.no_van_for:
            raise ApplicationError("no van", type="NoVan", non_retryable=True)
        return self._once(f"ship {order}")

    def of(self, order: str) -> list[str]:
        return [line.split()[0] for line in self.lines if line.split()[1] == order]

    def _once(self, line: str) -> str:
        if line not in self.lines:
            self.lines.append(line)
        return line

    def _back(self, of: str, line: str) -> None:
        self.undos_asked.append(line)
        if of in self.lines:
            self._once(line)
