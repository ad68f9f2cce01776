"""What a search came to, counted run by run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from musterwerk.testing.explorer.course import Course
from musterwerk.testing.explorer.faults import Fault, as_offered
from musterwerk.testing.explorer.lines import Coverage
from musterwerk.testing.simulator.outcome import Outcome

#: Reasons for which a set of faults needs no run, or not all of one.
UNSEEN = "not seen by the workflow"
UNREACHABLE = "unreachable"
EQUAL_STATE = "equal state"


@dataclass
class Found:
    """What a search came to. `runs` by the number of faults; `pruned` by reason. `points` are the
    faults that could have happened, `tried` those that did."""

    violated: Course | None = None
    runs: Counter[int] = field(default_factory=Counter[int])
    points: set[Fault] = field(default_factory=set[Fault])
    tried: set[Fault] = field(default_factory=set[Fault])
    statuses: Counter[str] = field(default_factory=Counter[str])
    pruned: Counter[str] = field(default_factory=Counter[str])
    states: int = 0
    exhausted: bool = True
    coverage: Coverage | None = None
    seconds: float = 0.0
    first: str = ""
    walks: int | None = None
    ids: set[str] = field(default_factory=set[str])

    def add(self, course: Course) -> None:
        """One run more."""
        self.runs[len(course.faults)] += 1
        self.points.update(course.offers)
        self.tried.update(as_offered(one) for one in course.faults)
        if course.outcome is None:
            self.pruned[EQUAL_STATE] += 1
            return
        self.statuses[course.outcome.status] += 1
        self.ids.update(run.workflow_id for run in course.outcome.runs)
        if not course.faults:
            self.first = _in_words(course.outcome)


def _in_words(outcome: Outcome) -> str:
    if outcome.status == "completed":
        return f"completed, with {outcome.result!r:.100}"
    why = outcome.failure or outcome.task_failure
    return f"{outcome.status}, {why!r:.200}" if why else outcome.status
