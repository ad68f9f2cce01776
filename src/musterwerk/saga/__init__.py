"""Sagas: steps, their undos, checkpoints, the pivot, and the keys that make them happen once.

Nothing here needs Pydantic or a database. `musterwerk.saga.effects`, which does, is imported
by who uses it.
"""

from __future__ import annotations

from musterwerk.saga.children import ChildOptions
from musterwerk.saga.keys import StepKey, step_key
from musterwerk.saga.model import Action, Resolve, RunOptions, StepOptions, UndoRetry
from musterwerk.saga.post import TASK_QUEUE
from musterwerk.saga.shield import uncancellable
from musterwerk.saga.workflow import Saga

__all__ = [
    "TASK_QUEUE",
    "Action",
    "ChildOptions",
    "Resolve",
    "RunOptions",
    "Saga",
    "StepKey",
    "StepOptions",
    "UndoRetry",
    "step_key",
    "uncancellable",
]
