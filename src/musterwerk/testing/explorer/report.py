"""What an exploration says in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from musterwerk.testing.explorer.course import Violation
from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.simulator.outcome import Outcome


@dataclass(frozen=True)
class Counterexample:
    """The fewest faults under which something that has to hold does not."""

    faults: Sequence[Fault]
    violations: Sequence[Violation]
    timeline: Sequence[str]
    outcome: Outcome

    def __str__(self) -> str:
        what = "\n".join(f"  {one.invariant}: {one.message}" for one in self.violations)
        faults = "\n".join(f"  {one}" for one in self.faults) or "  none"
        course = "\n".join(self.timeline)
        return f"violated:\n{what}\nfaults:\n{faults}\nwhat happened:\n{course}"


@dataclass(frozen=True)
class Exploration:
    """`runs` by the number of faults; `points` are the faults that could have happened in any of
    them; `statuses` how often the process ended in which way. Not `exhausted`: time was up, or a
    violation ended the search."""

    process: str
    max_faults: int
    runs: Mapping[int, int]
    points: int
    statuses: Mapping[str, int]
    seconds: float
    exhausted: bool
    counterexample: Counterexample | None

    @property
    def ok(self) -> bool:
        return self.counterexample is None

    def raise_if_violated(self) -> Exploration:
        """Raises AssertionError with the counterexample; gives the report back otherwise."""
        if self.counterexample is not None:
            raise AssertionError(str(self))
        return self

    def as_json(self) -> dict[str, Any]:
        """For machines: names and numbers, the counterexample in words."""
        found = self.counterexample
        return {
            "process": self.process,
            "ok": self.ok,
            "max_faults": self.max_faults,
            "runs": {str(size): count for size, count in self.runs.items()},
            "points": self.points,
            "statuses": dict(self.statuses),
            "seconds": round(self.seconds, 3),
            "exhausted": self.exhausted,
            "counterexample": None
            if found is None
            else {
                "faults": [str(one) for one in found.faults],
                "violations": {one.invariant: one.message for one in found.violations},
                "timeline": [line.strip() for line in found.timeline],
            },
        }

    def __str__(self) -> str:
        total = sum(self.runs.values())
        head = f"{self.process}: {total} runs with up to {max(self.runs)} faults"
        if self.counterexample is not None:
            return f"{head}\n{self.counterexample}"
        if not self.exhausted:
            return f"{head}, not exhausted (asked for: {self.max_faults}); nothing violated so far"
        return f"{head}, all of them; nothing violated"
