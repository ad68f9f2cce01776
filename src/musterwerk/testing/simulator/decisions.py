"""What may go one way or another in a run, and who decides it.

The simulator asks at each of these points. `Natural` lets things take their course; a test, or a
search through all that can go wrong, decides otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, Protocol

from musterwerk.testing.simulator.clock import Delivery


@dataclass(frozen=True)
class Attempt:
    """One attempt of one activity. `occurrence` counts the activities of this type in the run;
    `most` is how many attempts its retry policy allows, 0 for any number."""

    workflow_type: str
    workflow_id: str
    run_id: str
    activity_type: str
    activity_id: str
    occurrence: int
    number: int
    local: bool
    most: int = 0


@dataclass(frozen=True)
class Message:
    """What somebody sends: `name` and `args` not for "cancel". `to` is the id of a workflow, such
    as a child; without it, the one that was started. `at`: so long after the start it comes
    anyway, and is no fault."""

    kind: Literal["cancel", "signal", "update"]
    name: str = ""
    args: tuple[Any, ...] = ()
    to: str = ""
    at: timedelta | None = None

    def __str__(self) -> str:
        """How a fault calls it."""
        arguments = ", ".join(repr(one) for one in self.args)
        what = "cancel" if self.kind == "cancel" else f"{self.kind} {self.name}({arguments})"
        return f"{what} to {self.to}" if self.to else what


CANCEL = Message("cancel")


@dataclass(frozen=True)
class Start:
    """How an attempt begins.

    `run=False`: the function is never called; `error` is what the worker reports, and without one
    nothing is ever heard. `late`: the function is called only so much later, whatever has happened
    by then; `held`: only when a report releases it, or nothing else is left to happen. `queued`: no
    worker takes it before. `send`: these messages arrive when the activity has been started.
    `hurry`: a timeout or a next attempt that follows from this comes at once (not in local ones).
    """

    run: bool = True
    error: BaseException | None = None
    late: timedelta = timedelta()
    held: bool = False
    queued: timedelta = timedelta()
    send: tuple[Message, ...] = ()
    hurry: bool = False


@dataclass(frozen=True)
class Report:
    """What becomes of an attempt's reply: `lost`, replaced by an `error`, or neither.

    `send`: these messages arrive just before it. `release`: whatever is held is called now. `hurry`
    is as in `Start`.
    """

    lost: bool = False
    error: BaseException | None = None
    release: bool = False
    send: tuple[Message, ...] = ()
    hurry: bool = False


@dataclass(frozen=True)
class Task:
    """A workflow task that is about to start."""

    workflow_type: str
    workflow_id: str
    run_id: str
    number: int


@dataclass(frozen=True)
class TaskStart:
    """How a task begins: with a workflow that was evicted and is replayed first (`evict`); with
    messages that it learns of in this task (`send`); or in a worker that `dies` before it answers,
    so that another does it again."""

    evict: bool = False
    dies: bool = False
    send: tuple[Message, ...] = ()


@dataclass(frozen=True)
class TaskEnd:
    """What comes as soon as a task is complete, before anything else."""

    send: tuple[Message, ...] = ()


# Who runs one simulation after another is asked about the same again and again.
attempt = lru_cache(maxsize=4096)(Attempt)
task = lru_cache(maxsize=4096)(Task)


class Decisions(Protocol):
    """Asked at every point at which a run may go on in more than one way."""

    def attempt_starts(self, attempt: Attempt) -> Start: ...

    def attempt_ends(self, attempt: Attempt, failed: bool) -> Report: ...

    def order(self, ready: Sequence[Delivery]) -> Sequence[Delivery]:
        """Which of several deliveries at one instant come with the next task, in which order.

        At least one; the others come with a later task.
        """
        ...

    def task_starts(self, task: Task) -> TaskStart: ...

    def task_ends(self, task: Task) -> TaskEnd:
        """Not asked after the last one."""
        ...


class Natural:
    """Everything takes its course: calls are made, replies arrive, in the order they came."""

    _start, _report, _task, _end = Start(), Report(), TaskStart(), TaskEnd()

    def attempt_starts(self, attempt: Attempt) -> Start:
        return self._start

    def attempt_ends(self, attempt: Attempt, failed: bool) -> Report:
        return self._report

    def order(self, ready: Sequence[Delivery]) -> Sequence[Delivery]:
        return ready

    def task_starts(self, task: Task) -> TaskStart:
        return self._task

    def task_ends(self, task: Task) -> TaskEnd:
        return self._end
