"""The simulator held to the real thing: one suite of cases, on it and on two servers."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from musterwerk.testing import Natural, Task, TaskStart
from tests.testing.conformance.cases import Case
from tests.testing.conformance.engines import seen_of, serve, simulate
from tests.testing.conformance.suite import CASES

_SERVER = Path(sys.executable).with_name("temporal-test-server")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(_SERVER)
    ) as environment:
        yield environment


def on(engine: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case", [case for case in CASES if engine not in case.not_on], ids=lambda case: case.name
    )


@on("server")
async def test_server(case: Case, client: Client) -> None:
    outcome, answer = simulate(case)
    assert seen_of(case, outcome, answer) == await serve(case, client, loose=case.loose)


class Forgetful(Natural):
    """The workflow is evicted before every task."""

    def task_starts(self, task: Task) -> TaskStart:
        return TaskStart(evict=True)


@on("replay")
async def test_replay(case: Case) -> None:
    """Temporal's own Replayer takes the history of every run; and so does eviction at any task."""
    outcome, answer = simulate(case)
    replayer = Replayer(workflows=case.workflows, workflow_runner=UnsandboxedWorkflowRunner())
    for run in outcome.runs:
        await replayer.replay_workflow(run.history)
    again, answer_again = simulate(case, Forgetful())
    assert seen_of(case, again, answer_again) == seen_of(case, outcome, answer)
    assert again.problems == ()
