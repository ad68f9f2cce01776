"""Inside a workflow: whether a schedule started it, and for which due time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from musterwerk.schedules.attributes import DUE, STARTED_BY

_SPANS = [timedelta(days=days) for days in (1, 8, 32, 367, 1_462)]


@dataclass(frozen=True)
class ScheduledRun:
    """`due` is when it was to start, in UTC, however late it began; for a run triggered by hand it
    is when that was."""

    schedule: str
    due: datetime

    @property
    def key(self) -> str:
        """An idempotency key: the same for every attempt at this run, and for no other due time.
        Runs triggered by hand within one second share it, as they share their workflow id."""
        return f"{self.schedule}@{self.due:%Y-%m-%dT%H:%M:%SZ}"

    def previous(self) -> datetime | None:
        """The due time before, by what was declared when this run was started. None where there was
        none in four years, where a workflow has replaced its memo, or where no `apply` of ours made
        the schedule. Only in its workflow."""
        # Looked for only where it is wanted: whoever does not want it need not load the rules.
        with workflow.unsafe.imports_passed_through():
            from musterwerk.schedules.compiling import compile_when
            from musterwerk.schedules.mark import MARK, UNREADABLE, Told
            from musterwerk.schedules.meaning import as_meant
            from musterwerk.schedules.server_rules import fires
        given = workflow.memo_value(MARK, None, type_hint=dict[str, Any])
        if given is None:
            return None
        try:
            told = Told.read(given)
        except UNREADABLE:
            return None
        # Holidays bring libraries that look at clock and language when they are loaded; what they
        # tell of a year is always the same.
        with workflow.unsafe.sandbox_unrestricted(), workflow.unsafe.imports_passed_through():
            spec = compile_when(told.when, told.as_of).spec
            for span in _SPANS:
                times = list(fires(spec, self.due - span, self.due - timedelta(seconds=1)))
                if times := as_meant(told.when, times):
                    return times[-1]
        return None


def current() -> ScheduledRun | None:
    """None where no schedule started this workflow. It stays the same after continue-as-new."""
    found = workflow.info().typed_search_attributes
    name, due = found.get(STARTED_BY), found.get(DUE)
    return None if name is None or due is None else ScheduledRun(name, due)
