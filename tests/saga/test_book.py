"""A saga's record under every sequence of outcomes, drawn by Hypothesis; no server, no clock."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from musterwerk.saga.book import Book
from musterwerk.saga.model import Step, StepStatus, UndoStatus
from musterwerk.saga.order import every_step

#: What may become of a step, and of an undo that was begun.
STEP = st.sampled_from(["done", "failed", "cancelled", "refused"])
_ENDED: list[UndoStatus] = ["done", "skipped", "resolved"]
UNDO = st.sampled_from(_ENDED)


class Sagas(RuleBasedStateMachine):
    """Steps, checkpoints, partial and whole compensations, the pivot, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book("saga", "run-1")
        self.undone: list[str] = []
        self.before_pivot: set[str] = set()
        self.names = 0

    @rule(activity=st.sampled_from("ab"), outcome=STEP)
    def run(self, activity: str, outcome: StepStatus) -> None:
        step = self.book.add(
            Step(
                activity=activity,
                call=activity,
                args=[],
                options={},
                undo=None if self.book.pivot else "undo",
                undo_name=None,
                undo_options={},
                status=outcome,
                undo_status="none" if self.book.pivot or outcome == "refused" else "registered",
            )
        )
        assert [one.id for one in self.book.steps].count(step.id) == 1

    @precondition(lambda self: not self.book.pivot)
    @rule()
    def checkpoint(self) -> None:
        self.names += 1
        self.book.mark(f"checkpoint {self.names}", ())

    @precondition(lambda self: self.book.checkpoints and not self.book.pivot)
    @rule(data=st.data())
    def compensate_to(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(one.name for one in self.book.checkpoints)))
        checkpoint = self.book.find(name, ())
        start = self.book.checkpoints[checkpoint]
        before = [step.undo_status for step in self.book.steps[:start]]
        self._undo(start, data)
        assert [step.undo_status for step in self.book.steps[:start]] == before
        self.book.drop_checkpoints(checkpoint, ())
        assert all(at <= start for at in self.book.checkpoints.values())

    @precondition(lambda self: not self.book.pivot)
    @rule(data=st.data())
    def compensate(self, data: st.DataObject) -> None:
        self._undo(0, data)
        self.book.drop_checkpoints(None, ())

    @precondition(lambda self: not self.book.pivot)
    @rule()
    def pivot(self) -> None:
        self.book.pivot = True
        self.before_pivot = {step.id for step in self.book.steps} - set(self.undone)

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """The end of the block: everything that stands is undone, and then nothing does."""
        self._undo(0, data)
        assert self.book.to_undo(0) == []

    def teardown(self) -> None:
        assert len(self.undone) == len(set(self.undone))
        assert not self.before_pivot & set(self.undone)

    def _undo(self, start: int, data: st.DataObject) -> None:
        registered = [step.id for step in self.book.steps]
        standing = list(every_step(self.book.to_undo(start)))
        positions = [registered.index(step.id) for step in standing]
        assert positions == sorted(positions, reverse=True)
        for step in standing:
            step.undo_status = data.draw(UNDO)
            self.undone.append(step.id)


TestSagas: Any = Sagas.TestCase
