"""A busy machine is no deadlock: a worker takes a workflow for one that hangs after two seconds.

It then interrupts whatever the thread does, which may be a callback of Python's own.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.worker._workflow import _WorkflowWorker

from tests.waiting import LIMIT


@pytest.fixture(scope="session", autouse=True)
def _late_deadlocks() -> Iterator[None]:
    begin = _WorkflowWorker.__init__

    def patient(self: Any, **options: Any) -> None:
        begin(self, **options)
        assert self._deadlock_timeout_seconds, "it is named otherwise"
        self._deadlock_timeout_seconds = LIMIT

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_WorkflowWorker, "__init__", patient)
        yield
