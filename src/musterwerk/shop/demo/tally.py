"""Live counts by state, shown as a progress bar on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ENDED = ("fulfilled", "failed", "cancelled")


class Tally:
    """How many of the orders are where. Every change wakes whoever waits for one."""

    def __init__(self, total: int, console: Console) -> None:
        self._total = total
        self._states: dict[str, str] = {}
        self._changed = asyncio.Condition()
        self._console = console
        self._lines_at = 0
        self._progress = Progress(
            TextColumn("[bold]orders"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[counts]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._bar = self._progress.add_task("orders", total=total, counts="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @property
    def counts(self) -> Counter[str]:
        return Counter(self._states.values())

    @property
    def ended(self) -> int:
        return sum(self.counts[state] for state in ENDED)

    def posted_orders(self) -> list[str]:
        return list(self._states)

    def outcomes(self) -> dict[str, str]:
        """What the customers of the ended orders were told."""
        return {order: state for order, state in self._states.items() if state in ENDED}

    def ended_orders(self) -> list[str]:
        return [order for order, state in self._states.items() if state in ENDED]

    async def set(self, order_id: str, state: str) -> None:
        async with self._changed:
            self._states[order_id] = state
            self._changed.notify_all()
        self._show()

    async def until_ended(self, number: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.ended >= number)

    def note(self, message: str) -> None:
        """A line beside the progress, for what the reader should not miss."""
        self._progress.console.print(message, highlight=False)

    def _show(self) -> None:
        counts = ", ".join(f"{number} {state}" for state, number in sorted(self.counts.items()))
        self._progress.update(self._bar, completed=self.ended, counts=counts)
        tenth = 10 * self.ended // self._total
        if not self._console.is_terminal and tenth > self._lines_at:
            self._lines_at = tenth
            self.note(f"{self.ended}/{self._total} orders: {counts}")
