"""What is wrong with a declared schedule: in which field, and what to write instead."""

from __future__ import annotations

from musterwerk.errors import UsageError


class ScheduleMistake(UsageError):
    """`field` is that of `When` or `Schedule`, such as "cron"."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
