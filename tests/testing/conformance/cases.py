"""What a case of the conformance suite is, and where it can be run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from musterwerk.testing import Decisions

TASK_QUEUE = "conformance"


class Handle(Protocol):
    """What the handles of simulator and client have in common."""

    @property
    def id(self) -> str: ...

    async def signal(self, signal: Any, arg: Any = ...) -> None: ...
    async def query(self, query: Any) -> Any: ...
    async def execute_update(self, update: Any, arg: Any = ...) -> Any: ...
    async def cancel(self) -> None: ...
    async def terminate(self, *, reason: str) -> None: ...


class Stage(Protocol):
    """A running case as seen from outside; `reached` waits for an event of its history."""

    @property
    def handle(self) -> Handle: ...

    async def reached(self, event: str, times: int = 1) -> None: ...


@dataclass(frozen=True)
class Case:
    """`not_on` names engines it cannot run on, with the reason.

    `loose`: when the server starts its workflow tasks is a matter of luck, so that only the other
    events are compared. `decisions` stand in for what a server has and the simulator has not.
    `evicted`: the worker keeps no workflow, so that each task replays it. `failure_types` are those
    of the worker. `own_words`: only how failures begin is compared; the rest every engine words
    itself.
    """

    name: str
    run: Callable[..., Any]
    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]] = ()
    args: Sequence[Any] = ()
    outside: Callable[[Stage], Awaitable[Any]] | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    not_on: dict[str, str] = field(default_factory=dict[str, str])
    loose: bool = False
    decisions: Decisions | None = None
    evicted: bool = False
    failure_types: Sequence[type[BaseException]] = ()
    own_words: bool = False


@dataclass(frozen=True)
class Seen:
    """What is compared: how it ended, with what, and the events of each run under its id."""

    status: str
    result: object
    failure: list[str]
    outside: object
    events: list[list[str]]
