"""An account of effects that a world keeps, and what has to hold of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from musterwerk.errors import UsageError

Entry: TypeAlias = tuple[Literal["do", "undo", "empty-undo"], str, str]


class Effects:
    """What a world's activities have really changed, in order.

    An activity notes an effect when it takes place: not when a call that came again changed
    nothing. `step` and `key` together name it.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def do(self, step: str, key: str) -> None:
        self._entries.append(("do", step, key))

    def undo(self, step: str, key: str, *, found: bool = True) -> None:
        """`step` is the step that is undone. `found=False`: it had not taken effect, so that there
        was nothing to undo; from then on it may not."""
        if found:
            self._entries.append(("undo", step, key))
        elif (step, key) not in self.by_key():
            self._entries.append(("empty-undo", step, key))

    def state(self) -> object:
        """For the world's own `state()`."""
        return tuple(self._entries)

    def by_key(self) -> dict[tuple[str, str], str]:
        """For each step and key what became of it: "do", "do undo", and so on."""
        found: dict[tuple[str, str], list[str]] = {}
        for what, step, key in self._entries:
            found.setdefault((step, key), []).append(what)
        return {name: " ".join(course) for name, course in found.items()}


class KeepsEffects(Protocol):
    effects: Effects


def effects_at_most_once(world: KeepsEffects, _: object) -> None:
    """No step has its effect twice under one key, and no undo either."""
    for (step, key), course in _courses(world).items():
        for what in ("do", "undo"):
            count = course.split().count(what)
            if count > 1:
                raise AssertionError(f"{step} {key}: {what} {count} times ({course})")


def undo_after_do_only(world: KeepsEffects, _: object) -> None:
    """Nothing is given back that was never taken."""
    for (step, key), course in _courses(world).items():
        if course.removeprefix("empty-undo ").startswith("undo"):
            raise AssertionError(f"{step} {key} was undone first ({course})")


def nothing_after_undo(world: KeepsEffects, _: object) -> None:
    """What was undone stays so: a late step has no effect."""
    for (step, key), course in _courses(world).items():
        if "undo do" in course:
            raise AssertionError(f"{step} {key} took effect after its undo ({course})")


#: What holds of every process whose steps and undos know their keys.
EFFECTS: Sequence[Callable[[KeepsEffects, object], None]] = (
    effects_at_most_once,
    undo_after_do_only,
    nothing_after_undo,
)


def _courses(world: KeepsEffects) -> dict[tuple[str, str], str]:
    effects = getattr(world, "effects", None)
    if not isinstance(effects, Effects):
        raise UsageError(
            f"the world {type(world).__name__} keeps no account of its effects: let it have"
            " `self.effects = Effects()`, and its activities call `do` and `undo` of it"
        )
    return effects.by_key()
