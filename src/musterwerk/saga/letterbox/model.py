"""The letter that a saga sends, and how it was settled: the wire between the two.

Plain JSON, because the sender may run another version of Musterwerk, or none that has this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from temporalio.exceptions import ApplicationError

from musterwerk.saga.post import SETTLED as SETTLED
from musterwerk.saga.post import WORKFLOW as WORKFLOW

# Activities by name: the workflow imports none of the code that does I/O.
PLAN = "musterwerk.plan_dead_letter"
RECORD = "musterwerk.record_dead_letter"
SETTLE = "musterwerk.settle_dead_letter"
ALERT = "musterwerk.alert_of_dead_letter"
NOTE = "musterwerk.note_alert"
OWNER = "musterwerk.owner_of_dead_letter"

T = TypeVar("T")


@dataclass(frozen=True)
class Letter:
    """Something a saga has to do and cannot. `since` is ISO 8601 with a zone."""

    id: str
    namespace: str
    workflow_id: str
    run_id: str
    workflow_type: str
    task_queue: str
    saga: str
    step: str
    direction: str
    activity: str
    error: str
    since: str
    attempts: int

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Letter:
        """What is more than we know is left out; what is missing fails for good."""
        return _read(cls, given)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Resolution:
    """Who settled it and how: `retry`, `skip`, `done`, `overtaken`, or `terminated` by us."""

    action: str
    by: str
    reason: str
    at: str


@dataclass(frozen=True)
class Settlement:
    """How a letter came to its end. Without a resolution a later attempt succeeded."""

    attempts: int
    error: str
    settled_at: str
    resolution: Resolution | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Settlement:
        resolution = given.get("resolution")
        if resolution is not None:
            given = {**given, "resolution": _read(Resolution, resolution)}
        return _read(cls, given)


@dataclass(frozen=True)
class Plan:
    """What the worker's settings say: whom to tell, and how often to look after the owner."""

    targets: list[str]
    check_seconds: float


@dataclass(frozen=True)
class Sent:
    """An alert that went out; `noted` if the database knows. `at` is ISO 8601 with a zone."""

    letter_id: str
    target: str
    at: str
    noted: bool


_KINDS = {"str": str, "int": int}
_TIMES = ("since", "settled_at", "at")


def _read(kind: type[T], given: Mapping[str, Any]) -> T:
    found: dict[str, Any] = {}
    for field in fields(kind):  # pyright: ignore[reportArgumentType] - all are dataclasses
        if field.name not in given and field.default is not MISSING:
            continue
        value = given.get(field.name)
        if not isinstance(value, _KINDS.get(str(field.type), object)):
            raise _flawed(kind, f"{field.name} is {value!r}")
        if field.name in _TIMES and not _is_time(str(value)):
            raise _flawed(kind, f"{field.name} is {value!r}, and no time with a zone")
        found[field.name] = value
    return kind(**found)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _flawed(kind: type[Any], what: str) -> ApplicationError:
    return ApplicationError(
        f"this is no {kind.__name__} of a saga: {what}", type="NotADeadLetter", non_retryable=True
    )
