"""One row of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.mutants.invariants import INVARIANTS, Invariant
from tests.mutants.saga_worlds import SagaWorld
from tests.mutants.worlds import World

Need = Literal["cancel", "kill", "messages"]


@dataclass(frozen=True)
class Message:
    """What somebody may send at any time, once. No process needs it to come to its end."""

    kind: Literal["signal", "update"]
    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A workflow, and the world in which it has a bug or none.

    `faults` is how many faults show the bug, a message counted as one; `needs` is what has to be
    varied for it besides the outcomes of activities. With `hangs` the bug violates no invariant:
    the process never ends, though no undo fails. `others` are workflows that it starts.
    """

    workflow: type[Any]
    world: type[World] | type[SagaWorld] = World
    faults: int = 1
    needs: tuple[Need, ...] = ()
    messages: tuple[Message, ...] = ()
    hangs: bool = False
    args: tuple[Any, ...] = ("O-1",)
    others: tuple[type[Any], ...] = ()
    invariants: tuple[Invariant, ...] = field(default=INVARIANTS)

    @property
    def name(self) -> str:
        return f"{self.workflow.__name__}-{self.world.__name__}"

    @property
    def run(self) -> Any:
        """What `explore` is given."""
        return self.workflow.run
