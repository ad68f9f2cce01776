"""A run as a readable timeline: what went wrong, what the world did, what the workflow saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.explorer.telling import TaskTold, tasks_of
from musterwerk.testing.simulator.decisions import Attempt, Task
from musterwerk.testing.simulator.outcome import CallSeen

#: Characters of one argument or result in a line.
_LONGEST = 100

if TYPE_CHECKING:
    from musterwerk.testing.simulator.outcome import Outcome, RunSeen


def timeline(journal: Sequence[Fault | Attempt | Task], outcome: Outcome) -> list[str]:
    """One line for each thing in the order in which it happened.

    The journal has faults as they happen, attempts as their functions end, and tasks as they start.
    """
    calls = {one.attempt: one for one in outcome.calls}
    tasks = {run.run_id: _numbered(run) for run in outcome.runs}
    lines: list[str] = []
    for entry in journal:
        if isinstance(entry, Fault):
            lines.append(f"  fault     {entry}")
        elif isinstance(entry, Attempt):
            call = calls.get(entry)
            if call is not None:
                lines.append(f"  world     {_call(call)}")
        else:
            lines += _task(entry, tasks[entry.run_id])
    lines.append(f"  outcome   {outcome.status} after {_span(outcome.duration)}")
    return lines


def _call(call: CallSeen) -> str:
    arguments = ", ".join(_short(one) for one in call.arguments)
    answer = f"-> {_short(call.result)}"
    if call.error is not None:
        answer = f"raised {type(call.error).__name__}: {call.error}"
    again = f", attempt {call.attempt.number}" if call.attempt.number > 1 else ""
    return f"{call.attempt.activity_type}({arguments}){again} {answer}"


def _short(value: object) -> str:
    """Enough of it to know it by."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _numbered(run: RunSeen) -> dict[int, TaskTold]:
    """The tasks of a run by their numbers; the history has not all of them."""
    told = tasks_of(run.history)
    numbers = (number for number in count(1) if number not in run.forgotten)
    return dict(zip(numbers, told, strict=False))


def _task(task: Task, told: Mapping[int, TaskTold]) -> list[str]:
    one = told.get(task.number)
    if one is None:
        return []
    name = f"{task.workflow_type}, task {task.number}"
    lines = [f"  workflow  {name} saw: {'; '.join(one.saw)}"] if one.saw else []
    return [*lines, f"  workflow  {name} asked: {'; '.join(one.asked) or 'nothing'}"]


def _span(length: timedelta) -> str:
    return str(length) if length else "no time"
