"""Sagas: steps, their undos, checkpoints, the pivot, and the keys that make them happen once.

Nothing here needs Pydantic or a database. `musterwerk.saga.effects`, which does, is imported
by who uses it.
"""

from __future__ import annotations

from musterwerk.saga.keys import StepKey, step_key
from musterwerk.saga.model import Resolve, StepOptions, UndoRetry
from musterwerk.saga.shield import uncancellable
from musterwerk.saga.workflow import Saga

__all__ = [
    "Resolve",
    "Saga",
    "StepKey",
    "StepOptions",
    "UndoRetry",
    "step_key",
    "uncancellable",
]
