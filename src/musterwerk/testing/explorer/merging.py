"""Equal states are merged: of two runs that stand alike, only the first goes on."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from musterwerk.errors import UsageError
from musterwerk.testing.explorer.deciding import Deciding
from musterwerk.testing.simulator.outcome import Outcome, RunSeen
from musterwerk.testing.simulator.standing import Standing

#: What two runs that were merged may differ in: how they came to where they stand.
_PAST = frozenset(("calls", "decisions", "__dict__"))
_PAST_OF_A_RUN = frozenset(("history", "events", "tasks", "__dict__"))


class Cut(Exception):
    """The run goes on as another one did."""


class States:
    """The states that were met, each with the number of faults that could still follow.

    A state is what the workflows were told and asked for, what is still to come, which decisions
    are left, and what the world's `state()` gives. A run that comes to a state from which as many
    faults were tried before cannot find anything new: it would only repeat the other.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[bytes, str], list[_Met]] = {}

    def __len__(self) -> int:
        return sum(len(alike) for alike in self._met.values())

    def cutter(
        self, world: Any, deciding: Deciding, standing: Standing, left: int
    ) -> Callable[[], None]:
        """Asked as a workflow task starts. Raises Cut."""

        def cut() -> None:
            own = deciding.state()
            stands = standing.now() if own is not None else None
            if stands is not None:
                self._meet(self._met.setdefault((stands, repr(own)), []), world, left)

        return cut

    def _meet(self, alike: list[_Met], world: Any, left: int) -> None:
        state = world.state()
        for one in alike:
            if one.is_of(state):
                if one.left >= left:
                    raise Cut
                one.left = left
                return
        alike.append(_Met(world, state, left))


class _Met:
    """The state of a world as it was: the world itself goes on."""

    def __init__(self, world: Any, state: object, left: int) -> None:
        self.left = left
        try:
            self._kept = pickle.dumps(state)
        except Exception as error:
            raise UsageError(
                f"{type(world).__name__}.state() cannot be kept: {error}. Let it give values that"
                " can be pickled, such as numbers, text, lists and dictionaries"
            ) from error

    def is_of(self, state: object) -> bool:
        return bool(pickle.loads(self._kept) == state)  # noqa: S301 - kept by ourselves


def can_be_compared(world: Any) -> bool:
    return callable(getattr(world, "state", None))


class Watched(Outcome):
    """An outcome that knows at what somebody looked of what merged runs may differ in."""

    @classmethod
    def of(cls, outcome: Outcome) -> Watched:
        watched = cls(**vars(outcome))
        object.__setattr__(watched, "looked", set())
        runs = [_WatchedRun.of(run, watched) for run in outcome.runs]
        object.__setattr__(watched, "runs", runs)
        return watched

    looked: set[str]

    def __getattribute__(self, name: str) -> Any:
        if name in _PAST:
            self.looked.add(name)
        return super().__getattribute__(name)


class _WatchedRun(RunSeen):
    @classmethod
    def of(cls, run: RunSeen, outcome: Watched) -> _WatchedRun:
        watched = cls(**vars(run))
        object.__setattr__(watched, "outcome", outcome)
        return watched

    outcome: Watched

    def __getattribute__(self, name: str) -> Any:
        if name in _PAST_OF_A_RUN:
            self.outcome.looked.add("history")
        return super().__getattribute__(name)
