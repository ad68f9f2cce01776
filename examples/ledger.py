"""A service's memory of what it did, for examples without a database.

With a database use `musterwerk.saga.effects`, which keeps this in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from musterwerk.errors import EffectUndone
from musterwerk.saga import step_key


@dataclass
class Ledger:
    """By business key. For async activities of one process: nothing here awaits."""

    done: dict[str, str] = field(default_factory=dict[str, str])
    undone: dict[str, str | None] = field(default_factory=dict[str, str | None])

    def do(self, effect: Callable[[], str]) -> str:
        """Once per step, whatever is retried. Raises EffectUndone after the undo."""
        key = step_key().business_key
        if key in self.undone:
            raise EffectUndone("the undo of this step came first")
        if key not in self.done:
            self.done[key] = effect()
        return self.done[key]

    def undo(self, effect: Callable[[str], object]) -> None:
        """Once per step, with what it had done; of nothing, so that it will never be done."""
        key = step_key().business_key
        if key in self.undone:
            return
        result = self.done.get(key)
        if result is not None:
            effect(result)
        self.undone[key] = result
