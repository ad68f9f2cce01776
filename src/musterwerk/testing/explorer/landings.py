"""When the effects of zombies land: just after an attempt has ended, or at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from musterwerk.testing.explorer.faults import AT_THE_END, Fault
from musterwerk.testing.explorer.places import Place
from musterwerk.testing.simulator.decisions import Attempt


@dataclass(frozen=True)
class Landing:
    """Where a zombie's effect can land: just after an attempt has ended. `unheard`: nobody waits
    for the zombie any more by then."""

    name: str
    after: Attempt
    unheard: bool


class Landings:
    """`possible` are those that were met since the last fault. `unheard` tells whether nobody waits
    for zombies any more."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.possible: list[Landing] = []
        self.unheard: Callable[[], bool] | None = None
        self._zombies = [one for one in faults if one.kind == "zombie"]
        self._wanted = {one.detail for one in self._zombies}
        self._landed: set[str] = set()

    def after(self, place: Place, attempt: Attempt) -> bool:
        """This attempt has ended: whether a zombie's effect lands now."""
        if not self._zombies:
            return False
        name = f"after {place[1]} {place[2]} of {place[0]}, attempt {place[3]}"
        unheard = self.unheard is not None and self.unheard()
        self.possible.append(Landing(name, attempt, unheard))
        lands = name in self._wanted
        if lands:
            self._landed.add(name)
        return lands

    def to_come(self) -> list[str]:
        return sorted(self._wanted - self._landed)

    def missed(self) -> set[Fault]:
        """Zombies that found no call to land after."""
        late = (one for one in self._zombies if one.detail != AT_THE_END)
        return {one for one in late if one.detail not in self._landed}
