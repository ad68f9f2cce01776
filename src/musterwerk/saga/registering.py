"""What a saga registers, checked before anything is begun: steps, children, bare undos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from musterwerk.errors import SagaUsageError
from musterwerk.saga import rules
from musterwerk.saga.book import Book, name_of
from musterwerk.saga.branches import current_branch
from musterwerk.saga.children import child_name, child_result
from musterwerk.saga.model import RunOptions, Step, StepOptions, UndoRetry

Activity = Callable[..., Any] | str


def register_step(
    book: Book,
    retry: UndoRetry,
    activity: Activity,
    args: tuple[Any, ...],
    undo: Activity | None,
    probe: Activity | None,
    given: RunOptions,
) -> Step:
    options: Any = dict(given)
    own, refusals = options.pop("undo_options", None), options.pop("refusals", ())
    on_unknown = options.pop("on_unknown", "compensate")
    rules.check_place(options)
    rules.check_unknown(on_unknown, probe, pivot=book.pivot)
    undo_options: StepOptions = {}
    if undo is not None:
        _assert_before_pivot(book, undo)
        rules.check_arity(undo, len(args))
        undo_options = rules.undo_options(options, own, retry)
    return book.add(
        Step(
            activity=name_of(activity),
            call=activity,
            args=list(args),
            options=options,
            undo=undo,
            undo_name=None if undo is None else name_of(undo),
            undo_options=undo_options,
            refusals=tuple(refusals),
            on_unknown=on_unknown,
            probe=probe,
            branch=current_branch(),
            undo_status="none" if undo is None else "registered",
        )
    )


def register_child(book: Book, run: Activity, args: tuple[Any, ...], result_type: Any) -> Step:
    if book.pivot:
        raise SagaUsageError(
            "a child that can be undone is run before the pivot; after it, use "
            "workflow.execute_child_workflow"
        )
    return book.add(
        Step(
            activity=child_name(run),
            call=child_name(run),
            args=list(args),
            options={},
            undo=None,
            undo_name=None,
            undo_options={},
            kind="child",
            result_type=result_type or child_result(run),
            branch=current_branch(),
            undo_status="registered",
        )
    )


def register_undo(
    book: Book, retry: UndoRetry, undo: Activity, args: tuple[Any, ...], options: StepOptions
) -> Step:
    """An undo without a step."""
    _assert_before_pivot(book, undo)
    return book.add(
        Step(
            activity=name_of(undo),
            call=undo,
            args=list(args),
            options={},
            undo=undo,
            undo_name=name_of(undo),
            undo_options=rules.undo_options(options, options, retry),
            kind="added",
            branch=current_branch(),
            status="done",
            undo_status="registered",
        )
    )


def _assert_before_pivot(book: Book, undo: Activity) -> None:
    if book.pivot:
        raise SagaUsageError(
            f"the undo {name_of(undo)} would never be called after the pivot; leave it out, or "
            "move its step before pivot()"
        )
