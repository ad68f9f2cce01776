"""What happens next in a simulation, until nothing is left to happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.clock import Entry

if TYPE_CHECKING:
    from musterwerk.testing.simulator.simulation import Simulation


#: So many timers that activities have left behind are waited for in a run: of what repeats itself
#: behind everybody's back there is no end.
_BEHIND = 1_000


class Stepping:
    """`stop_at` tells until when everything happens, as it stands."""

    def __init__(self, simulation: Simulation, stop_at: Callable[[], int]) -> None:
        self._simulation = simulation
        self._stop_at = stop_at
        self._behind = 0

    def go(self) -> Literal["time", "tasks"] | None:
        """Gives "time" or "tasks" where a limit was met."""
        simulation, agenda, loop = self._simulation, self._simulation.agenda, self._simulation.loop
        while True:
            if simulation.calls or simulation.others or loop.leaves_work():
                simulation.settle()
            if simulation.waking:
                if not simulation.tasks_left:
                    return "tasks"
                simulation.tasks_left -= 1
                simulation.waking.popleft().start_task()
            elif agenda.run_due():
                continue
            elif ready := agenda.take_ready():
                for entry in self._chosen(ready):
                    entry.do()
            elif (later := self._next_time()) is None:
                if not simulation.release():
                    return None
            elif later > self._stop_at():
                if not simulation.release():
                    return "time"
            else:
                agenda.now = loop.now = later

    def _next_time(self) -> int | None:
        simulation = self._simulation
        mine = simulation.agenda.next_time()
        awaited = bool(simulation.calls or simulation.others)
        if mine is None and not awaited and simulation.held:
            return None  # what was left behind goes on after them
        theirs = simulation.loop.next_time() if simulation.loop.leaves_work() else None
        if theirs is None or (mine is not None and mine <= theirs):
            return mine
        if not awaited:
            if self._behind == _BEHIND:
                return mine
            self._behind += 1
        return theirs

    def _chosen(self, ready: list[Entry]) -> list[Entry]:
        if len(ready) == 1:
            return ready
        simulation = self._simulation
        by_delivery = {id(entry.delivery): entry for entry in ready}
        offered = [entry.delivery for entry in ready if entry.delivery is not None]
        chosen = simulation.decide("order").order(offered)
        entries = [by_delivery.pop(id(delivery), None) for delivery in chosen]
        picked = [entry for entry in entries if entry is not None]
        if not picked or len(picked) != len(entries):
            raise SimulationError(
                "`order` gave deliveries that it was not asked about, or none at all: return at"
                " least one of those it is given, each once"
            )
        simulation.agenda.put_back([entry for entry in ready if id(entry.delivery) in by_delivery])
        return picked
