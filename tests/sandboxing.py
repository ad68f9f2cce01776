"""Every workflow is tried in the sandbox once a session, not once for each worker.

A worker tries each of its workflows when it is made, which costs about 30 ms of computing: the
sixty of the saga tests took two seconds of every single test. The same class under the same
restrictions passes again; one that did not pass is tried anew. How workflows run is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner


@pytest.fixture(scope="session", autouse=True)
def _tried_once() -> Iterator[None]:
    # With the restrictions themselves, so that no other ones are taken for them.
    passed: dict[tuple[type, int], Any] = {}
    prepare = SandboxedWorkflowRunner.prepare_workflow

    def once(self: SandboxedWorkflowRunner, defn: Any) -> None:
        key = (defn.cls, id(self.restrictions))
        if key not in passed:
            prepare(self, defn)
            passed[key] = self.restrictions

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SandboxedWorkflowRunner, "prepare_workflow", once)
        yield
