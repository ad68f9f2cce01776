"""People decide, clocks trigger, failures undo: durable business processes on Temporal."""

from __future__ import annotations

from temporalio import workflow

# The library is deterministic and keeps no module state: the workflow sandbox need not load a
# copy of it for every execution.
with workflow.unsafe.imports_passed_through():
    # Named one by one: a module the sandbox meets first elsewhere would be a copy, and
    # `except SagaCompensated` would not know the original's exception.
    import musterwerk.errors
    import musterwerk.saga.model  # noqa: F401 - imported for the sandbox, see above
    from musterwerk.saga import Saga

__all__ = ["Saga"]
