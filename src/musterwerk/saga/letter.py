"""The letter that a saga sends, and how it was settled: the wire between a saga and a letterbox.

Plain JSON, because the sender may run another version of Musterwerk, or none that has a letterbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from temporalio.exceptions import ApplicationError

from musterwerk.saga.model import ACTIONS

#: The workflow that takes one letter, and its signal.
WORKFLOW = "musterwerk.DeadLetter"
SETTLED = "settled"

T = TypeVar("T")


@dataclass(frozen=True)
class Letter:
    """Something a saga has to do and cannot. `since` is ISO 8601 with a zone.

    `kind`, `actions` and `retried` are as in the saga's `DeadLetter`.
    """

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
    kind: str = ""
    actions: list[str] = field(default_factory=lambda: list[str](ACTIONS))
    retried: bool = True

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Letter:
        """What is more than we know is left out; what is missing fails for good."""
        usual = "undo" if given.get("direction") == "undo" else "forward"
        return _read(cls, {"kind": usual, **given})

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

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_KINDS: dict[str, Any] = {"str": str, "int": int, "bool": bool, "list[str]": list}
_TIMES = ("since", "settled_at", "at")


def _read(kind: type[T], given: Mapping[str, Any]) -> T:
    found: dict[str, Any] = {}
    for one in fields(kind):  # pyright: ignore[reportArgumentType] - all are dataclasses
        if one.name not in given and _optional(one):
            continue
        value: Any = given.get(one.name)
        if not isinstance(value, _KINDS.get(str(one.type), object)):
            raise _flawed(kind, f"{one.name} is {value!r}")
        if one.name == "actions" and not all(isinstance(x, str) for x in value):
            raise _flawed(kind, f"{one.name} is {value!r}")
        if one.name in _TIMES and not _is_time(str(value)):
            raise _flawed(kind, f"{one.name} is {value!r}, and no time with a zone")
        found[one.name] = value
    return kind(**found)


def _optional(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _flawed(kind: type[Any], what: str) -> ApplicationError:
    return ApplicationError(
        f"this is no {kind.__name__} of a saga: {what}", type="NotADeadLetter", non_retryable=True
    )
