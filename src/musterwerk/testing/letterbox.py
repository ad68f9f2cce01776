"""In place of Musterwerk's own worker, where a process sends dead letters."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from musterwerk.saga.letter import SETTLED, WORKFLOW


@workflow.defn(name=WORKFLOW)
class Letterbox:
    """Stands in for `musterwerk.DeadLetter`: keeps a letter until the saga says it is settled.

    For `workflows` of `explore` and `Simulator`, where a saga has `dead_letters_to`. Nobody is
    told, and nobody answers: a letter whose undo never succeeds stays open.
    """

    def __init__(self) -> None:
        self._settled = False

    @workflow.signal(name=SETTLED)
    def settled(self, given: dict[str, Any]) -> None:
        self._settled = True

    @workflow.run
    async def run(self, given: dict[str, Any], alerted: bool = False) -> None:
        await workflow.wait_condition(lambda: self._settled)
