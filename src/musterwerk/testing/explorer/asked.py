"""What is explored: everything that is the same for all runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, cast

from temporalio.converter import DataConverter
from temporalio.worker import Interceptor
from temporalio.workflow import _Definition

from musterwerk.errors import UsageError
from musterwerk.testing.explorer.faults import FAULT_KINDS, Fault
from musterwerk.testing.simulator.decisions import CANCEL, Message
from musterwerk.testing.simulator.handle import SimulatedHandle
from musterwerk.testing.worlds import World


def _declares(workflow: type, message: Message) -> bool:
    """Or takes whatever comes. A saga's own handlers are made while it runs."""
    definition = _Definition.must_from_class(workflow)
    handlers = definition.signals if message.kind == "signal" else definition.updates
    return message.name in handlers or None in handlers or message.name.startswith("saga_")


#: A run that goes further is said to go on for ever.
MAX_TASKS, HORIZON = 500, timedelta(days=3650)
_KINDS = ("cancel", "signal", "update")

WorldType: TypeAlias = Callable[[], AbstractContextManager[World]]
Invariant: TypeAlias = Callable[[Any, Any], None]
Outside: TypeAlias = Callable[[SimulatedHandle], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """The arguments of `explore` that make a run what it is."""

    run: Callable[..., Awaitable[Any]]
    args: tuple[Any, ...]
    world: WorldType
    invariants: Sequence[Invariant]
    workflows: Sequence[type]
    cancel: bool
    kill: bool
    hurry: bool
    possible: Callable[[Fault], bool] | None
    messages: Sequence[Message]
    always: Sequence[Invariant]
    outside: Outside | None
    may_wait: bool
    seed: int
    data_converter: DataConverter
    interceptors: Sequence[Interceptor]
    max_tasks: int
    horizon: timedelta

    @property
    def arrivals(self) -> Sequence[Message]:
        """What may arrive, each once."""
        may = [one for one in self.messages if one.at is None]
        return (*((CANCEL,) if self.cancel else ()), *may)

    @property
    def expected(self) -> Sequence[Message]:
        """What arrives in every run."""
        return [one for one in self.messages if one.at is not None]

    def unheard(self, ids: Set[str]) -> list[str]:
        """Of each message that nobody can have understood, why. `ids` are of all that ran."""
        found: list[str] = []
        for one in self.messages:
            if one.to and one.to not in ids:
                found.append(f"nobody heard {one}: no workflow had this id")
            elif one.kind != "cancel" and not any(
                _declares(kind, one) for kind in (self.workflow, *self.workflows)
            ):
                found.append(f"no workflow class declares {one}: is it spelled so?")
        return found

    def check(self, only: Sequence[Fault] | None = None) -> None:
        """Raises UsageError where something cannot be meant."""
        if not callable(self.world):
            raise UsageError(
                f"`world` is {self.world!r}: give the class, of which each run has one"
            )
        for one in self.messages:
            if one.kind not in _KINDS:
                raise UsageError(f"`messages` has {one!r}: its kind is one of {', '.join(_KINDS)}")
            args, at = cast("Any", one.args), cast("Any", one.at)
            if not isinstance(args, tuple):
                raise UsageError(f"`messages` has {one!r}: give its arguments as a tuple")
            if at is not None and not isinstance(at, timedelta):
                raise UsageError(f"`messages` has {one!r}: give `at` as a timedelta")
        if self.max_tasks < 1 or self.horizon <= timedelta():
            limits = f"max_tasks is {self.max_tasks}, horizon {self.horizon}"
            raise UsageError(f"{limits}: give how far a run may go before it goes on for ever")
        if self.possible is not None and not callable(self.possible):
            raise UsageError("`possible` is no function of a fault: give one that says yes or no")
        if self.cancel and CANCEL in self.messages:
            raise UsageError("`messages` has a cancellation, which arrives anyway: leave it out")
        labels = [str(one) for one in self.arrivals]
        if len(set(labels)) < len(labels):
            raise UsageError(f"`messages` has one twice, of which each arrives once: {labels}")
        for fault in only or ():
            if fault.kind not in FAULT_KINDS:
                raise UsageError(f"`only` has the kind {fault.kind!r}: see FAULT_KINDS")
            if fault.kind.startswith("arrives") and fault.detail not in labels:
                raise UsageError(f"`only` has {fault.detail!r}, which `messages` has not: {labels}")

    @property
    def workflow(self) -> type:
        """The class of the run method. Raises UsageError where there is none to be found."""
        first, *rest = self.run.__qualname__.split(".")[:-1] or [""]
        scope: Any = getattr(self.run, "__globals__", {}).get(first)
        for name in rest:
            scope = getattr(scope, name, None)
        if not isinstance(scope, type):
            raise UsageError(
                f"{self.run.__qualname__} is no run method of a workflow class of a module: define"
                " the class at the top of a module, and give `explore` its run method, such as"
                " `Order.run`"
            )
        return scope
