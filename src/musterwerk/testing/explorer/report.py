"""What an exploration says in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from musterwerk.testing.explorer.asked import Asked
from musterwerk.testing.explorer.course import Violation
from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.explorer.found import EQUAL_STATE, Found
from musterwerk.testing.explorer.lines import Coverage
from musterwerk.testing.explorer.reproducing import as_pytest
from musterwerk.testing.explorer.timeline import timeline
from musterwerk.testing.simulator.outcome import Outcome

#: In so many runs some come to equal states.
_MANY = 30


@dataclass(frozen=True)
class Counterexample:
    """The fewest faults under which something that has to hold does not."""

    faults: Sequence[Fault]
    violations: Sequence[Violation]
    timeline: Sequence[str]
    outcome: Outcome
    _asked: Asked

    def as_pytest(self) -> str:
        """A test file that lets the same happen again, for pytest without plugins.

        What it imports has to stand at the top of a module. Where it does not, and for arguments
        that would not come back as they were, the file says what to fill in. It is to be run from
        the current folder, if modules in or below it were imported.
        """
        return as_pytest(self._asked, self.faults, self.violations)

    def __str__(self) -> str:
        what = "\n".join(f"  {one.invariant}: {one.message}" for one in self.violations)
        faults = "\n".join(f"  {one}" for one in self.faults) or "  none"
        course = "\n".join(self.timeline)
        return f"violated:\n{what}\nfaults:\n{faults}\nwhat happened:\n{course}"


@dataclass(frozen=True)
class Exploration:
    """`runs` by the number of faults; `points` are the faults that could have happened in any of
    them, of which `tried` did. `statuses`: how often the process ended in which way. `states` are
    the different ones that runs went on from, where states are merged. `pruned` has, by reason, the
    sets of faults that needed no run, or none to its end. `coverage` is that of the workflow's
    lines by runs with at most one fault; None where a debugger or a measurement was at work. Not
    `exhausted`: time was up, or a violation ended the search, or sets were drawn. `single`: it was
    one run with faults that were given. `first` is what comes of it without faults. `walks` are the
    random sets that were drawn. `hints`: messages that nobody can have understood, and a `state()`
    that is of no use."""

    process: str
    max_faults: int
    runs: Mapping[int, int]
    points: int
    tried: int
    coverage: Coverage | None
    statuses: Mapping[str, int]
    states: int
    pruned: Mapping[str, int]
    seconds: float
    exhausted: bool
    counterexample: Counterexample | None
    single: bool = False
    first: str = ""
    walks: int | None = None
    hints: Sequence[str] = ()

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
            "tried": self.tried,
            "first": self.first,
            "hints": list(self.hints),
            "coverage": None
            if self.coverage is None
            else {**vars(self.coverage), "unseen": list(self.coverage.unseen)},
            "statuses": dict(self.statuses),
            "states": self.states,
            "pruned": dict(self.pruned),
            "seconds": round(self.seconds, 3),
            "exhausted": self.exhausted,
            "counterexample": None
            if found is None
            else {
                "faults": [str(one) for one in found.faults],
                "violations": [vars(one) for one in found.violations],
                "timeline": [line.strip() for line in found.timeline],
                "pytest": found.as_pytest(),
            },
        }

    def __str__(self) -> str:
        total, most = sum(self.runs.values()), max(self.runs)
        faults = "1 fault" if most == 1 else f"{most} faults"
        if self.single:
            head = f"{self.process}: one run with {faults}"
            return f"{head}\n{self.counterexample}" if self.counterexample else f"{head}, all holds"
        head = f"{self.process}: {total} runs with up to {faults}"
        if total == 1:
            head = f"{self.process}: the first run, without any fault"
        if self.counterexample is not None:
            return f"{head}\n{self.counterexample}"
        end = "all of them; nothing violated"
        if self.walks is not None:
            head = f"{self.process}: {self.walks} random sets of up to {faults}, in {total} runs"
            end = "not exhausted; nothing violated so far"
        elif not self.exhausted:
            end = f"not exhausted (asked for: {self.max_faults}); nothing violated so far"
        return "\n".join([f"{head}, {end}", *self.remarks()])

    def remarks(self) -> list[str]:
        """What is worth a look although nothing is violated."""
        found = [f"without faults: {self.first}"]
        if self.coverage is not None and self.coverage.unseen:
            few, more = self.coverage.unseen[:3], len(self.coverage.unseen) - 3
            names = ", ".join(few) + (f" and {more} more" if more > 0 else "")
            count = f"{len(self.coverage.unseen)} of {self.coverage.lines} lines"
            found.append(f"{count} did not run with at most one fault ({names})")
        return [*found, *self.hints]


def report_on(asked: Asked, max_faults: int, found: Found, single: bool) -> Exploration:
    course, counterexample = found.violated, None
    if course is not None:
        assert course.outcome is not None  # noqa: S101 - what was cut short has violated nothing
        story = timeline(course.journal, course.outcome)
        counterexample = Counterexample(
            course.faults, course.violations, story, course.outcome, asked
        )
    return Exploration(
        asked.workflow.__name__, max_faults, dict(found.runs), len(found.points),
        len(found.tried), found.coverage,
        dict(found.statuses), found.states, dict(found.pruned), found.seconds,
        found.exhausted and counterexample is None, counterexample, single,
        found.first, found.walks, [*asked.unheard(found.ids), *_of_no_use(asked, found)],
    )  # fmt: skip


def _of_no_use(asked: Asked, found: Found) -> list[str]:
    """Why no runs were merged, where they should have been."""
    few = found.walks is not None or sum(found.runs.values()) < _MANY
    if few or found.pruned.get(EQUAL_STATE):
        return []
    if found.states:
        why = "no two runs came to equal states: does it give what nothing reads, such as a log?"
    elif hasattr(asked.world, "state"):
        why = (
            "no runs could be compared, for an invariant looks at how an end came about, or"
            " activities leave something running"
        )
    else:
        return []
    return [f"the world's state() is of no use: {why}"]
