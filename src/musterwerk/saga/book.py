"""What a saga has registered so far, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from temporalio import activity as temporal_activity

from musterwerk.errors import SagaUsageError
from musterwerk.saga import rules, state
from musterwerk.saga.deadletters import DeadLetters
from musterwerk.saga.model import SagaStatus, Step

#: Of the JSON that is carried over a continue-as-new.
STATE_VERSION = 1


class Book:
    """The record of one saga: its steps in order, checkpoints, pivot, status and letters."""

    def __init__(self, name: str, anchor: str) -> None:
        self.name = name
        self.anchor = anchor
        self.status: SagaStatus = "running"
        self.pivot = False
        self.cause: str | None = None
        self.steps: list[Step] = []
        self.checkpoints: dict[str, int] = {}
        self.letters = DeadLetters()

    def add(self, step: Step) -> Step:
        step.id = f"{step.activity}/{rules.next_occurrence(self.steps, step.activity)}"
        self.steps.append(step)
        return step

    def to_undo(self, start: int = 0) -> Iterator[Step]:
        return rules.to_undo(self.steps, start)

    def assert_open(self, doing: str) -> None:
        if self.status not in ("running", "forward"):
            raise SagaUsageError(f"cannot {doing}: the saga {self.name!r} is {self.status}")

    def mark(self, checkpoint: str) -> None:
        if checkpoint in self.checkpoints:
            raise SagaUsageError(
                f"checkpoint {checkpoint!r} exists already; give each its own name"
            )
        self.checkpoints[checkpoint] = len(self.steps)

    def since(self, checkpoint: str) -> int:
        """The index of the first step registered after the checkpoint."""
        if checkpoint not in self.checkpoints:
            known = ", ".join(self.checkpoints) or "none"
            raise SagaUsageError(f"no checkpoint {checkpoint!r}; there is {known}")
        return self.checkpoints[checkpoint]

    def drop_checkpoints(self, after: str | None) -> None:
        """Forget those set later (or all): what they stand behind is undone."""
        names = list(self.checkpoints)
        for name in names[0 if after is None else names.index(after) + 1 :]:
            del self.checkpoints[name]

    def report(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "status": self.status,
            "pivot": self.pivot,
            "checkpoints": list(self.checkpoints),
            "cause": self.cause,
            "steps": [step.report() for step in self.steps],
            "dead_letters": [letter.report() for letter in self.letters.all],
        }

    def dump(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "name": self.name,
            "anchor": self.anchor,
            "pivot": self.pivot,
            "checkpoints": dict(self.checkpoints),
            "steps": [state.dump_step(step) for step in self.steps],
        }

    def load(self, data: dict[str, Any]) -> None:
        if data.get("version") != STATE_VERSION:
            raise SagaUsageError(
                f"a saga's state of version {data.get('version')!r} cannot be taken up by this "
                f"release, which writes version {STATE_VERSION}"
            )
        if data.get("name") != self.name:
            raise SagaUsageError(
                f"the state is that of a saga named {data.get('name')!r}, this one is "
                f"{self.name!r}: its undos would run under other keys"
            )
        self.anchor = data["anchor"]
        self.checkpoints = dict(data["checkpoints"])
        self.steps = [state.load_step(step) for step in data["steps"]]
        if data["pivot"]:
            self.pivot, self.status = True, "forward"


def name_of(call: Callable[..., Any] | str) -> str:
    """The name under which an activity is registered."""
    definition: Any = temporal_activity._Definition  # pyright: ignore[reportPrivateUsage] - Temporal has no public way
    name, _ = definition.get_name_and_result_type(call)
    return name
