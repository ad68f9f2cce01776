"""The simulator held to the real thing: one suite of cases, on it and on two servers."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.testing.conformance.cases import Case
from tests.testing.conformance.engines import Forgetful, seen_of, serve, simulate
from tests.testing.conformance.suite import CASES

_SERVER = Path(sys.executable).with_name("temporal-test-server")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(_SERVER)
    ) as environment:
        yield environment


# Where the older server is known not to behave as the newer one, which counts.
_OTHERWISE = {
    "call-start-to-close": "it words its timeouts otherwise, and records no start before them",
    "call-start-to-close-again": "as above",
    "call-schedule-to-close": "as above",
    "call-no-time-for-a-retry": "as above",
    "call-schedule-to-start": "as above",
    "call-heartbeat": "as above",
    "cancel-try_cancel-agree": "it records what becomes of a cancelled activity otherwise",
    "cancel-wait_cancellation_completed-agree": "as above",
    "fails-until-third": "it does not name the run that follows a retry",
    "nondeterminism-retried": "as above",
    "neighbour-missing-cancel": "it never answers a cancel request for a workflow that is not",
}


def on(engine: str) -> pytest.MarkDecorator:
    cases = [case for case in CASES if engine not in case.not_on]
    if engine == "time skipping":
        # Its histories cannot be waited for, so nobody can act from outside at the right moment.
        cases = [one for one in cases if one.outside is None and one.name not in _OTHERWISE]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


@on("server")
async def test_server(case: Case, client: Client) -> None:
    outcome, answer = simulate(case)
    assert seen_of(case, outcome, answer) == await serve(case, client, loose=case.loose)


@on("time skipping")
@pytest.mark.asyncio(loop_scope="module")
async def test_time_skipping(case: Case, time_skipping: WorkflowEnvironment) -> None:
    """The older server orders its workflow tasks otherwise, so that only other events count."""
    loose = dataclasses.replace(case, loose=True)
    outcome, answer = simulate(loose)
    assert seen_of(loose, outcome, answer) == await serve(loose, time_skipping.client, loose=True)


@pytest.mark.parametrize("runner", [None, SandboxedWorkflowRunner()], ids=["plain", "sandboxed"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_eviction(case: Case, runner: WorkflowRunner | None) -> None:
    """Evicted before every task and replayed, the workflow does the same, in the sandbox too."""
    outcome, answer = simulate(case)
    decisions = case.decisions or Forgetful()
    again, answer_again = simulate(case, decisions, runner)
    assert seen_of(case, again, answer_again) == seen_of(case, outcome, answer)
    assert again.problems == ()


async def test_replayer() -> None:
    """Temporal's own Replayer takes the history of every run of every case."""
    outcomes = [simulate(case)[0] for case in CASES if "replayer" not in case.not_on]
    histories = [run.history for outcome in outcomes for run in outcome.runs]

    async def all_of_them() -> AsyncIterator[WorkflowHistory]:
        for history in histories:
            yield history

    workflows = {cls for case in CASES for cls in case.workflows}
    replayer = Replayer(workflows=list(workflows), workflow_runner=UnsandboxedWorkflowRunner())
    results = await replayer.replay_workflows(all_of_them(), raise_on_replay_failure=False)
    assert results.replay_failures == {}
