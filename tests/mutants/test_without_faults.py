"""Whoever is broken without any fault proves nothing about what looks for faults."""

from __future__ import annotations

import sysconfig
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.mutants.cases import Case
from tests.mutants.catalogue import CORRECT, MUTANTS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Completed:
    result: object
    status: str = "completed"
    failure: BaseException | None = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def virtual_time() -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server, which waits for no timer."""
    server = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(server)
    ) as environment:
        yield environment


@pytest.mark.parametrize("case", [*MUTANTS, *CORRECT], ids=lambda case: case.name)
async def test_it_completes_and_every_invariant_holds(
    case: Case, virtual_time: WorkflowEnvironment
) -> None:
    client, own = virtual_time.client, f"{case.name}-{uuid4().hex[:8]}"
    with case.world() as world:
        async with Worker(
            client,
            task_queue=own,
            workflows=[case.workflow, *case.others],
            activities=world.activities(),
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            result: object = await client.execute_workflow(
                case.run, args=case.args, id=own, task_queue=own
            )
        for invariant in case.invariants:
            invariant(world, Completed(result))


async def test_no_case_is_there_twice() -> None:
    for cases in (MUTANTS, CORRECT):
        assert max(Counter(case.name for case in cases).values()) == 1
    assert not {case.name for case in MUTANTS} & {case.name for case in CORRECT}
    assert min(len(MUTANTS), len(CORRECT)) >= 50
