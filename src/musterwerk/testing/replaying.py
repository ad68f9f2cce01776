"""Would this code go on with those runs? Temporal's own Replayer knows."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import Interceptor, Plugin, Replayer, WorkflowRunner
from temporalio.workflow import NondeterminismError

from musterwerk.testing.histories import Histories, RecordedHistory, all_of, beginning

_SHOWN = 10
_CHANGED = (
    "The order of a running workflow's steps cannot be changed under it. Keep the old way for runs"
    ' that began with it: `if workflow.patched("what changed"):` the new code, `else:` the old.'
)
_RAISED = (
    "Where the code raised something else, the message says what: replay needs every workflow class"
    " and the options of your worker, such as data_converter and interceptors."
)


class ReplayOptions(TypedDict, total=False):
    """As of your worker."""

    data_converter: DataConverter
    interceptors: Sequence[Interceptor]
    plugins: Sequence[Plugin]
    namespace: str
    workflow_runner: WorkflowRunner
    unsandboxed_workflow_runner: WorkflowRunner
    workflow_failure_exception_types: Sequence[type[BaseException]]


@dataclass(frozen=True)
class ReplayFailure:
    """A run that would be stuck. `message` is Temporal's; `nondeterministic` where the code takes
    another course than the run has taken, rather than raising something."""

    workflow_type: str
    workflow_id: str
    run_id: str
    path: Path | None
    message: str
    nondeterministic: bool

    def __str__(self) -> str:
        where = self.path or f"run {self.run_id}"
        return f"{self.workflow_type} {self.workflow_id} ({where}): {self.message}"


@dataclass(frozen=True)
class ReplayReport:
    count: int
    failures: tuple[ReplayFailure, ...]

    @property
    def ok(self) -> bool:
        return not self.failures

    def raise_if_failed(self) -> ReplayReport:
        """Raises AssertionError."""
        if not self.ok:
            raise AssertionError(str(self))
        return self

    def __str__(self) -> str:
        if self.ok:
            return f"{self.count} runs replay with this code."
        lines = [f"{len(self.failures)} of {self.count} runs would be stuck with this code:"]
        lines += [f"  {failure}" for failure in self.failures[:_SHOWN]]
        if len(self.failures) > _SHOWN:
            lines.append(f"  and {len(self.failures) - _SHOWN} more")
        kinds = {failure.nondeterministic for failure in self.failures}
        lines += [_CHANGED] * (True in kinds) + [_RAISED] * (False in kinds)
        return "\n".join(lines)


class ReplayFixture(Protocol):
    """The fixture `replay`: a relative folder is looked for beside the test's file, and the test
    fails where a run does not replay."""

    async def __call__(
        self, histories: Histories, *, workflows: Sequence[type], **options: Unpack[ReplayOptions]
    ) -> ReplayReport: ...


async def replay(
    histories: Histories, *, workflows: Sequence[type], **options: Unpack[ReplayOptions]
) -> ReplayReport:
    """Run the workflows' code over runs that it, or older code, has made.

    `histories` is a folder of recorded ones, or the histories themselves: an upgrade check is to
    replay those of the old code with the new one. The options are those of Temporal's Replayer.

    Raises UsageError where there is no history, or one is not whole.
    """
    given = all_of(histories)
    failures: list[ReplayFailure] = []

    async def one_by_one() -> AsyncIterator[WorkflowHistory]:
        for number, history in enumerate(given, 1):
            _progress(number, len(given))
            yield history

    replayer = Replayer(workflows=workflows, **options)
    async with replayer.workflow_replay_iterator(one_by_one()) as results:
        async for result in results:
            if result.replay_failure is not None:
                failures.append(_failure(result.history, result.replay_failure))
    return ReplayReport(len(given), tuple(failures))


def _failure(history: WorkflowHistory, error: Exception) -> ReplayFailure:
    started = beginning(history)
    return ReplayFailure(
        workflow_type=started.workflow_type.name,
        workflow_id=history.workflow_id,
        run_id=started.original_execution_run_id,
        path=history.path if isinstance(history, RecordedHistory) else None,
        message=_message(str(error)),
        nondeterministic=isinstance(error, NondeterminismError),
    )


def _message(text: str) -> str:
    """Temporal's own words, of a failure that Temporal's core prints as Rust does."""
    said = _quoted("message", text)
    if said is None:
        return text
    kind = _quoted("r#type", text)
    return f"{kind}: {said}" if kind else said


def _quoted(field: str, text: str) -> str | None:
    found = re.search(rf'\b{field}: "((?:[^"\\]|\\.)*)"', text)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else None


def _progress(number: int, count: int) -> None:
    if sys.stderr.isatty() and count > 1:
        end = "\n" if number == count else ""
        sys.stderr.write(f"\rreplaying {number} of {count}{end}")
        sys.stderr.flush()
