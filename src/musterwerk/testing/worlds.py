"""What the tools that run activities need of a user's world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from musterwerk.errors import UsageError


class World(Protocol):
    """What activities act on. Made fresh each time, entered as a context manager, and left."""

    def activities(self) -> Sequence[Callable[..., Any]]: ...


def activities_of(world: World) -> Sequence[Callable[..., Any]]:
    """Raises UsageError where it has none to give."""
    if not callable(getattr(world, "activities", None)):
        raise UsageError(
            f"the world {type(world).__name__} has no method activities(): add one that returns"
            " the activities to call, such as [self.charge, self.refund]"
        )
    return world.activities()
