"""All runs: which is the newest under an id, and who is told when the last of a chain is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run


class Register:
    """`runs` are all of them, in the order in which they were made."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self._newest: dict[str, Run] = {}
        self._over: dict[str, list[Callable[[Run], object]]] = {}

    def add(self, run: Run) -> None:
        self.runs.append(run)
        self._newest[run.workflow_id] = run

    def newest(self, workflow_id: str) -> Run | None:
        return self._newest.get(workflow_id)

    def running(self, workflow_id: str, run_id: str = "") -> Run | None:
        """The run that takes signals under this id, if it is open and the one that is meant."""
        run = self._newest.get(workflow_id)
        if run is None or run.closed or (run_id and run.run_id != run_id):
            return None
        return run

    def when_over(self, run: Run, tell: Callable[[Run], object]) -> None:
        """Tell of the last run of the chain, once it has ended and none follows."""
        last = last_of(run)
        if last.closed:
            tell(last)
        else:
            self._over.setdefault(last.run_id, []).append(tell)

    def closed(self, run: Run) -> None:
        """Tell those who wait for its end, unless another run follows, for whose end they wait."""
        tell = self._over.pop(run.run_id, [])
        if run.next_run is not None:
            self._over[run.next_run.run_id] = tell
        else:
            for one in tell:
                one(run)

    def forget(self) -> None:
        """Cut the circles in which runs know each other and what they have set going."""
        for run in self.runs:
            run.forget()
        self.runs.clear()
        self._newest.clear()
        self._over.clear()


def last_of(run: Run) -> Run:
    """The newest run of the chain that this one belongs to."""
    while run.next_run is not None:
        run = run.next_run
    return run
