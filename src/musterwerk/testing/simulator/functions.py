"""The activity functions of a worker, by name."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from temporalio.activity import _Definition as ActivityDefinition

from musterwerk.errors import SimulationError


class Function(NamedTuple):
    """A registered activity: what to call, and what its decorator has found out about it."""

    call: Callable[..., Any]
    given: ActivityDefinition


class Activities:
    """The registered activities, by name. One worker serves every task queue."""

    def __init__(self, functions: Sequence[Callable[..., Any]]) -> None:
        self._by_name: dict[str | None, Callable[..., Any]] = {}
        self._found: dict[str, Function] = {}
        for function in functions:
            name = _definition(function).name
            if name in self._by_name:
                raise SimulationError(f"Two activities are named {name}")
            self._by_name[name] = function

    def find(self, name: str) -> Function:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._registered(name)
        return found

    def _registered(self, name: str) -> Function:
        function = self._by_name.get(name) or self._by_name.get(None)
        if function is None:
            known = ", ".join(sorted(key for key in self._by_name if key)) or "none"
            raise SimulationError(
                f"Activity {name} is not registered (known: {known}): add it to `activities`, or to"
                " what `activities()` of the world gives"
            )
        return Function(function, _definition(function))


def _definition(function: Callable[..., Any]) -> ActivityDefinition:
    """As it was made with the function. Temporal would copy it for each method of each world."""
    given = getattr(function, "__temporal_activity_definition", None)
    if isinstance(given, ActivityDefinition):
        return given
    if inspect.isclass(function):
        raise SimulationError(f"{function!r} is a class: register an instance's methods")
    return ActivityDefinition.must_from_callable(function)
