"""In which order steps are undone: the mirror image of how they were run.

What ran in sequence is undone in reverse sequence; what ran side by side, in branches of
`Saga.gather`, is undone side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from musterwerk.saga.model import Branch, Step

Plan = list["Step | SideBySide"]


@dataclass
class SideBySide:
    """Branches of which each has an order of its own, and no order between them."""

    branches: list[Plan] = field(default_factory=list[Plan])


def undo_plan(steps: Sequence[Step], *, parallel: bool = False) -> Plan:
    """How to undo the steps of these whose effect may stand.

    Every such step is in the plan once. `parallel` gives up the order between steps.
    """
    standing = [step for step in steps if step.undo_status == "registered"]
    if parallel:
        return [SideBySide([[step] for step in reversed(standing)])] if standing else []
    return _mirrored(standing, 0)


def belongs(step: Step, branch: Branch) -> bool:
    """Whether the step was run in this branch, or in one inside it."""
    return step.branch[: len(branch)] == branch


def every_step(plan: Plan) -> Iterator[Step]:
    for one in plan:
        if isinstance(one, SideBySide):
            for branch in one.branches:
                yield from every_step(branch)
        else:
            yield one


def _mirrored(steps: Sequence[Step], depth: int) -> Plan:
    """A group of branches takes the place of its first step."""
    ordered: list[Step | dict[int, list[Step]]] = []
    groups: dict[int, dict[int, list[Step]]] = {}
    for step in steps:
        if len(step.branch) <= depth:
            ordered.append(step)
            continue
        group, number = step.branch[depth]
        if group not in groups:
            groups[group] = {}
            ordered.append(groups[group])
        groups[group].setdefault(number, []).append(step)
    return [
        SideBySide([_mirrored(branch, depth + 1) for branch in one.values()])
        if isinstance(one, dict)
        else one
        for one in reversed(ordered)
    ]
