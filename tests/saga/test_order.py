"""The order of undoing: properties over every shape that a saga can have."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from musterwerk.saga.book import Book
from musterwerk.saga.model import Branch, Step, UndoStatus
from musterwerk.saga.order import Plan, SideBySide, every_step, undo_plan

UNDO = st.sampled_from(["none", "registered", "done", "skipped", "resolved", "dead_letter"])


def step(number: int, branch: Branch, undo: Any = "registered") -> Step:
    status: UndoStatus = undo
    return Step(
        id=f"step/{number}",
        activity="step",
        call="step",
        args=[],
        options={},
        undo="undo",
        undo_name="undo",
        undo_options={},
        branch=branch,
        undo_status=status,
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """What a saga may have registered: steps, and groups of branches whose steps interleave."""
    groups = iter(range(1, 1000))

    def sequence(outer: Branch) -> list[Branch]:
        registered: list[Branch] = []
        for _ in range(draw(st.integers(0, 4))):
            if len(outer) < 2 and draw(st.booleans()):
                group = next(groups)
                numbers = range(1, draw(st.integers(1, 3)) + 1)
                registered += interleaved(
                    draw, [sequence((*outer, (group, number))) for number in numbers]
                )
            else:
                registered.append(outer)
        return registered

    return [step(number, branch, draw(UNDO)) for number, branch in enumerate(sequence(()))]


def interleaved(draw: st.DrawFn, branches: list[list[Branch]]) -> list[Branch]:
    """The steps of different branches come in any order, those of one branch in theirs."""
    merged: list[Branch] = []
    waiting = [branch for branch in branches if branch]
    while waiting:
        merged.append(draw(st.sampled_from(waiting)).pop(0))
        waiting = [branch for branch in waiting if branch]
    return merged


def positions(plan: Plan) -> dict[str, int]:
    return {one.id: at for at, one in enumerate(every_step(plan))}


@given(histories(), st.booleans())
def test_each_standing_effect_is_undone_once_and_nothing_else(
    steps: list[Step], parallel: bool
) -> None:
    planned = [one.id for one in every_step(undo_plan(steps, parallel=parallel))]
    assert sorted(planned) == sorted(one.id for one in steps if one.undo_status == "registered")


@given(histories())
def test_in_every_branch_what_came_last_is_undone_first(steps: list[Step]) -> None:
    """Two steps of which one could build on the other: the later goes first."""
    at = positions(undo_plan(steps))
    standing = [one for one in steps if one.id in at]
    for index, earlier in enumerate(standing):
        for later in standing[index + 1 :]:
            if in_sequence(earlier.branch, later.branch):
                assert at[later.id] < at[earlier.id]


def in_sequence(one: Branch, other: Branch) -> bool:
    """Not in sibling branches: then the earlier one had ended before the later one began."""
    common = min(len(one), len(other))
    return one[:common] == other[:common]


@given(st.lists(UNDO))
def test_without_branches_it_is_the_exact_reverse(undos: list[str]) -> None:
    steps = [step(number, (), undo) for number, undo in enumerate(undos)]
    standing = [one for one in steps if one.undo_status == "registered"]
    assert undo_plan(steps) == standing[::-1]


@given(histories())
def test_branches_stand_side_by_side(steps: list[Step]) -> None:
    """No step of a branch waits for one of a sibling: they are in different branches of a plan."""

    def check(plan: Plan, depth: int) -> None:
        for one in plan:
            if isinstance(one, SideBySide):
                seen = [{s.branch[depth] for s in every_step(branch)} for branch in one.branches]
                assert all(len(of_one) == 1 for of_one in seen)
                assert len({next(iter(of_one)) for of_one in seen}) == len(seen)
                for branch in one.branches:
                    check(branch, depth + 1)
            else:
                assert len(one.branch) == depth

    check(undo_plan(steps), 0)


@given(histories(), st.integers(0, 20))
def test_after_the_pivot_there_is_nothing_to_undo(steps: list[Step], start: int) -> None:
    book = Book("saga", "run-1")
    book.steps = steps
    book.pivot = True
    assert book.to_undo(start) == []


@given(histories(), st.integers(0, 20))
def test_what_came_before_the_checkpoint_stays(steps: list[Step], start: int) -> None:
    book = Book("saga", "run-1")
    book.steps = steps
    before = {one.id for one in steps[:start]}
    assert not before & {one.id for one in every_step(book.to_undo(start))}


@given(histories())
def test_compensating_in_a_branch_leaves_the_others_alone(steps: list[Step]) -> None:
    book = Book("saga", "run-1")
    book.steps = steps
    for branch in {one.branch for one in steps}:
        for one in every_step(book.to_undo(0, branch)):
            assert one.branch[: len(branch)] == branch
