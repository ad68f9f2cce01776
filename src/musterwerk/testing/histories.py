"""Recorded histories: JSON files as Temporal's CLI and `WorkflowHistory.to_json` write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import WorkflowHistory

from musterwerk.errors import UsageError

Histories = str | Path | Iterable[WorkflowHistory]


@dataclass(frozen=True)
class RecordedHistory(WorkflowHistory):
    path: Path


def write_history(path: str | Path, history: WorkflowHistory) -> Path:
    """Write one run to a file, whose folder is made and whose former content is replaced."""
    path = Path(path)
    if path.suffix != ".json":
        raise UsageError(f"{path}: a recorded history's name ends in .json, or it is not found")
    flaw = _flaw(history)
    if flaw:
        raise UsageError(f"{path}: what is to be written {flaw}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(history.to_json() + "\n", encoding="utf-8")
    return path


def read_histories(folder: str | Path) -> list[RecordedHistory]:
    """Every .json file in a folder and the folders below, in the order of their names; or one file.

    Raises UsageError where there is none, or a file is no history.
    """
    folder = Path(folder)
    if not folder.exists():
        raise UsageError(f"there is no folder {folder} with recorded histories")
    paths = sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]
    if not paths:
        raise UsageError(
            f"{folder} has no recorded history (*.json): write some there with write_history, or"
            " with `temporal workflow show --workflow-id ID --output json`"
        )
    return [_read(path) for path in paths]


def all_of(histories: Histories) -> list[WorkflowHistory]:
    """Those of a folder, or those given, which must be whole and at least one."""
    if isinstance(histories, str | Path):
        return list(read_histories(histories))
    given = list(histories)
    if not given:
        raise UsageError("no history was given to replay: that would prove nothing")
    for history in given:
        flaw = _flaw(history)
        if flaw:
            raise UsageError(f"the history of {history.workflow_id} {flaw}")
    return given


def beginning(history: WorkflowHistory) -> WorkflowExecutionStartedEventAttributes:
    return history.events[0].workflow_execution_started_event_attributes


def _read(path: Path) -> RecordedHistory:
    try:
        history = WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))
    except Exception as error:  # whatever else may be in a file
        raise UsageError(
            f"{path} is no history of a workflow ({error}): remove it, or keep it elsewhere"
        ) from error
    flaw = _flaw(history)
    if flaw:
        raise UsageError(f"{path} is no history of a workflow: it {flaw}")
    # A workflow may act by its own id, such as for its children.
    identity = beginning(history).workflow_id or path.stem
    return RecordedHistory(identity, history.events, path)


def _flaw(history: WorkflowHistory) -> str | None:
    """What is wrong with it. Temporal's Replayer would wait for ever for what is missing."""
    if not history.events:
        return "has no events"
    if not history.events[0].HasField("workflow_execution_started_event_attributes"):
        return "does not begin with the start of a workflow"
    for number, event in enumerate(history.events, 1):
        if event.event_id != number:
            return f"has event {event.event_id} in the place of event {number}"
    return None
