"""The public surface: a name that disappears breaks somebody's workflow."""

from __future__ import annotations

import inspect
import subprocess
import sys

import musterwerk
import musterwerk.approvals
import musterwerk.saga
import musterwerk.schedules
import musterwerk.testing
from musterwerk import Saga, errors
from musterwerk.approvals import ApprovalHandle


def test_names_of_the_package() -> None:
    assert musterwerk.__all__ == ["Saga"]
    assert musterwerk.saga.__all__ == [
        "TASK_QUEUE",
        "Action",
        "ChildOptions",
        "Resolve",
        "RunOptions",
        "Saga",
        "StepKey",
        "StepOptions",
        "UndoRetry",
        "step_key",
        "uncancellable",
    ]


def test_names_of_a_saga() -> None:
    public = {name for name in vars(Saga) if not name.startswith("_")}
    assert public == {
        "add_compensation",
        "checkpoint",
        "compensate",
        "compensate_to",
        "gather",
        "hold",
        "pivot",
        "pivoted",
        "report",
        "run",
        "run_child",
        "state",
    }


def test_names_of_approvals() -> None:
    assert musterwerk.approvals.__all__ == [
        "TASK_QUEUE",
        "ApprovalHandle",
        "ApprovalRequest",
        "Calendar",
        "Decision",
        "Escalation",
        "Level",
        "Policy",
        "Reply",
        "Status",
        "Vote",
        "request",
        "start",
    ]


def test_names_of_schedules() -> None:
    assert musterwerk.schedules.__all__ == [
        "Calendar",
        "Overlap",
        "Retry",
        "Schedule",
        "ScheduledRun",
        "When",
        "apply",
        "at",
        "backfill",
        "cron",
        "current",
        "destroy",
        "every",
        "on",
        "pause",
        "trigger",
        "unpause",
    ]


def test_names_of_testing() -> None:
    assert musterwerk.testing.__all__ == [
        "CANCEL",
        "EFFECTS",
        "FAULT_KINDS",
        "STANDARD",
        "Attempt",
        "BrokenLaw",
        "Call",
        "CallSeen",
        "Counterexample",
        "Coverage",
        "Decisions",
        "Effects",
        "Exploration",
        "Fault",
        "FaultKind",
        "LawReport",
        "Letterbox",
        "Message",
        "Natural",
        "Outcome",
        "RecordedHistory",
        "ReplayFailure",
        "ReplayFixture",
        "ReplayOptions",
        "ReplayReport",
        "Report",
        "RunSeen",
        "SimulatedHandle",
        "Simulator",
        "Start",
        "Task",
        "TaskEnd",
        "TaskStart",
        "Violation",
        "check_laws",
        "effects_at_most_once",
        "explore",
        "no_needless_dead_letter",
        "nothing_after_undo",
        "read_histories",
        "replay",
        "terminal_state_reached",
        "undo_after_do_only",
        "write_history",
    ]


def test_names_of_a_handle() -> None:
    public = {name for name in vars(ApprovalHandle) if not name.startswith("_")}
    assert public == {
        "act",
        "amend",
        "approve",
        "claim",
        "comment",
        "decide",
        "delegate",
        "inform",
        "reject",
        "release",
        "reply",
        "request_info",
        "result",
        "status",
        "withdraw",
    }


def test_every_error_is_in_the_tree() -> None:
    """The tree at the top of errors.py is what people read; it must name every class."""
    classes = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    assert classes
    assert [name for name in classes if name not in (errors.__doc__ or "")] == []


def test_one_import_brings_temporal_alone() -> None:
    """A worker that uses Saga must not load a database driver or a web framework."""
    heavy = ("pydantic", "sqlalchemy", "fastapi", "typer", "rich", "httpx")
    code = f"import sys, musterwerk.saga; print([m for m in {heavy!r} if m in sys.modules])"
    loaded = subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_asking_people_brings_pydantic_and_no_database() -> None:
    """A worker that asks people needs neither our database nor a web framework."""
    heavy = ("sqlalchemy", "fastapi", "typer", "rich", "httpx", "holidays", "jsonschema")
    code = f"import sys, musterwerk.approvals; print([m for m in {heavy!r} if m in sys.modules])"
    loaded = subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
