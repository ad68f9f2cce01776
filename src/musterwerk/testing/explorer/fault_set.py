"""The faults of one run at their places: which happens, with which others the set could grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from musterwerk.testing.explorer.faults import AT_THE_END, Fault, Kind
from musterwerk.testing.explorer.landings import Landings
from musterwerk.testing.explorer.places import Place
from musterwerk.testing.simulator.decisions import Attempt, Message, Task

Possible: TypeAlias = Callable[[Fault], bool]


class FaultSet:
    """`offers` are the faults that were possible after the last of this set had happened: with each
    of them the set grows to another one. `met` are those of the set that found their place.
    `journal` has all that happened in order. `arrivals` are the messages that have not come.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        arrivals: Sequence[Message],
        *,
        possible: Possible | None,
        grow: bool,
    ) -> None:
        self.offers: list[Fault] = []
        self.met: set[Fault] = set()
        self.journal: list[Fault | Attempt | Task] = []
        self.arrivals = {str(one): one for one in arrivals}
        self.landings = Landings(faults)
        self._size = len(faults)
        self._by_place: dict[Place, list[Fault]] = {}
        for one in faults:
            place = (one.workflow, one.step, one.occurrence, one.attempt)
            self._by_place.setdefault(place, []).append(one)
        self._possible = possible
        self._grow = grow

    @property
    def all_met(self) -> bool:
        return len(self.met) == self._size

    def choose(self, place: Place, kinds: Sequence[Kind]) -> Fault | None:
        """What happens here; if nothing does, all these kinds could have."""
        for one in self._by_place.get(place, ()):
            if one.kind in kinds:
                self.meet(one)
                return one
        if self._grow:
            for kind in kinds:
                self.offer(Fault(*place, kind, AT_THE_END if kind == "zombie" else ""))
        return None

    def arriving(self, place: Place, kind: Kind) -> tuple[Message, ...]:
        """What arrives here. What has arrived once is not offered again."""
        found = [one for one in self._by_place.get(place, ()) if one.kind == kind]
        for fault in found:
            self.meet(fault)
        sent = tuple(self.arrivals.pop(one.detail) for one in found)
        if self._grow:
            for name in self.arrivals:
                self.offer(Fault(*place, kind, name))
        return sent

    def meet(self, fault: Fault) -> None:
        """It happens. What was possible before it was so for a smaller set."""
        if fault not in self.met:
            self.met.add(fault)
            self.journal.append(fault)
            self.offers.clear()
            self.landings.possible.clear()

    def offer(self, fault: Fault) -> None:
        if self._possible is None or self._possible(fault):
            self.offers.append(fault)
