"""Where in a run something happens, in numbers that are the same in every run of the process."""

from __future__ import annotations

from typing import TypeAlias

from musterwerk.testing.simulator.decisions import Attempt, Task

#: The type of the workflow, of the activity ("" for a task), its occurrence, the attempt or 0.
Place: TypeAlias = tuple[str, str, int, int]


class Places:
    """Counts the activities of one type, and the tasks, through all runs of one workflow type.

    `numbers` are those that were given: by types, then by run and number in it.
    """

    def __init__(self) -> None:
        self.numbers: dict[tuple[str, str], dict[tuple[str, int], int]] = {}

    def of_attempt(self, attempt: Attempt) -> Place:
        kind, step = attempt.workflow_type, attempt.activity_type
        number = self._number(kind, step, attempt.run_id, attempt.occurrence)
        return kind, step, number, attempt.number

    def of_task(self, task: Task) -> Place:
        number = self._number(task.workflow_type, "", task.run_id, task.number)
        return task.workflow_type, "", number, 0

    def _number(self, workflow: str, step: str, run_id: str, occurrence: int) -> int:
        known = self.numbers.setdefault((workflow, step), {})
        return known.setdefault((run_id, occurrence), len(known) + 1)
