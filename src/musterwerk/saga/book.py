"""What a saga has registered so far, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from temporalio import activity as temporal_activity

from musterwerk.errors import SagaUsageError
from musterwerk.saga import rules, state
from musterwerk.saga.deadletters import DeadLetters
from musterwerk.saga.model import Branch, SagaStatus, Step
from musterwerk.saga.order import Plan, belongs, undo_plan

#: Of the JSON that is carried over a continue-as-new.
STATE_VERSION = 2


class Checkpoint(NamedTuple):
    name: str
    branch: Branch


class Book:
    """The record of one saga: its steps in order, checkpoints, pivot, status and letters."""

    def __init__(self, name: str, anchor: str) -> None:
        self.name = name
        self.anchor = anchor
        self.status: SagaStatus = "running"
        self.pivot = False
        self.cause: str | None = None
        self.steps: list[Step] = []
        self.checkpoints: dict[Checkpoint, int] = {}  # how many steps there were before
        self.deadline: datetime | None = None
        self.groups: dict[str, int] = {}  # of branches so far, by the branch they are in
        self.letters = DeadLetters()

    def add(self, step: Step) -> Step:
        step.id = rules.step_id(self.steps, step.activity, step.branch)
        self.steps.append(step)
        return step

    def since(self, start: int, branch: Branch = ()) -> list[Step]:
        """The steps registered from this index on, in this branch and those inside it."""
        return [step for step in self.steps[start:] if belongs(step, branch)]

    def to_undo(self, start: int, branch: Branch = (), *, parallel: bool = False) -> Plan:
        """After the pivot there is nothing to undo."""
        return [] if self.pivot else undo_plan(self.since(start, branch), parallel=parallel)

    def confirmable(self) -> list[Step]:
        """Steps that can be repeated to see whether their effect still stands."""
        return [
            step
            for step in self.steps
            if (step.kind, step.status, step.undo_status) == ("activity", "done", "registered")
        ]

    def assert_open(self, doing: str) -> None:
        if self.status not in ("running", "forward"):
            raise SagaUsageError(f"cannot {doing}: the saga {self.name!r} is {self.status}")

    def next_group(self, branch: Branch) -> int:
        """Numbers the groups of branches within each branch, so that keys do not depend on pace."""
        where = "/".join(f"{group}.{number}" for group, number in branch)
        self.groups[where] = self.groups.get(where, 0) + 1
        return self.groups[where]

    def mark(self, name: str, branch: Branch) -> None:
        checkpoint = Checkpoint(name, branch)
        if checkpoint in self.checkpoints:
            raise SagaUsageError(f"checkpoint {name!r} exists already; give each its own name")
        self.checkpoints[checkpoint] = len(self.steps)

    def find(self, name: str, branch: Branch) -> Checkpoint:
        """That of the branch, or else of the nearest one around it."""
        for depth in range(len(branch), -1, -1):
            if (checkpoint := Checkpoint(name, branch[:depth])) in self.checkpoints:
                return checkpoint
        known = ", ".join(one.name for one in self.checkpoints) or "none"
        raise SagaUsageError(f"no checkpoint {name!r} here; there is {known}")

    def drop_checkpoints(self, after: Checkpoint | None, branch: Branch) -> None:
        """Forget those of the branch that were set later (or all): what they mark is undone."""
        every = list(self.checkpoints)
        for one in every[0 if after is None else every.index(after) + 1 :]:
            if one.branch[: len(branch)] == branch:
                del self.checkpoints[one]

    def report(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "status": self.status,
            "pivot": self.pivot,
            "checkpoints": [checkpoint.name for checkpoint in self.checkpoints],
            "cause": self.cause,
            "deadline": self.deadline.isoformat() if self.deadline else None,
            "steps": [step.report() for step in self.steps],
            "dead_letters": [letter.report() for letter in self.letters.all],
        }

    def dump(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "name": self.name,
            "anchor": self.anchor,
            "pivot": self.pivot,
            "checkpoints": {one.name: at for one, at in self.checkpoints.items() if not one.branch},
            "groups": self.groups,
            "deadline": self.deadline.isoformat() if self.deadline else None,
            "steps": [state.dump_step(step) for step in self.steps],
            "dead_letters": self.letters.dump(),
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
        # Branches have ended before a continue-as-new.
        self.checkpoints = {Checkpoint(name, ()): at for name, at in data["checkpoints"].items()}
        self.groups = data["groups"]
        self.deadline = datetime.fromisoformat(data["deadline"]) if data["deadline"] else None
        self.letters.load(data["dead_letters"])
        self.steps = [state.load_step(step) for step in data["steps"]]
        if data["pivot"]:
            self.pivot, self.status = True, "forward"


def name_of(call: Callable[..., Any] | str) -> str:
    """The name under which an activity is registered."""
    return call if isinstance(call, str) else _definition(call)[0]


def result_type_of(call: Callable[..., Any] | str) -> Any:
    """What the activity is declared to return; None where that is not known."""
    return None if isinstance(call, str) else _definition(call)[1]


def _definition(call: Callable[..., Any]) -> tuple[str, Any]:
    definition: Any = temporal_activity._Definition  # pyright: ignore[reportPrivateUsage] - Temporal has no public way
    return definition.get_name_and_result_type(call)
