"""People decide, clocks trigger, failures undo: durable business processes on Temporal."""

from __future__ import annotations

from temporalio import workflow

# The library is deterministic and keeps no module state: the workflow sandbox need not load a
# copy of it for every execution.
with workflow.unsafe.imports_passed_through():
    # Named one by one, and in this form (`from musterwerk import errors` would not pass through):
    # a module that the sandbox meets first elsewhere is a copy, and `except SagaCompensated`
    # would not know the original's exception.
    import musterwerk.errors  # pyright: ignore[reportUnusedImport]
    import musterwerk.saga.model  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from musterwerk.saga import Saga

__all__ = ["Saga"]
