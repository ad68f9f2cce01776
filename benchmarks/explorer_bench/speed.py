"""The order of four steps without I/O: in the simulator, and on the server that skips time."""

from __future__ import annotations

import asyncio
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from tests.mutants.cases import Case
from tests.mutants.catalogue import CORRECT

from explorer_bench.finding import explored
from musterwerk.testing import Simulator

_BY_NAME = {case.name: case for case in CORRECT}
ORDER = _BY_NAME["Order-World"]
SAGA = _BY_NAME["SagaOrder-SagaWorld"]


async def measure(runs: int, rounds: int) -> dict[str, Any]:
    """Rounds alternate, so that what else the machine does falls on both. The best ones count."""
    simulated: list[float] = []
    served: list[float] = []
    server = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(server)
    ) as environment:
        for number in range(1, rounds + 1):
            simulated.append(await asyncio.to_thread(_simulated, ORDER, runs))
            served.append(await _served(ORDER, environment, max(1, runs // 20), number))
            sys.stderr.write(
                f"round {number}/{rounds}: {simulated[-1]:.0f} simulated runs a second,"
                f" {served[-1]:.1f} on the time-skipping server\n"
            )
    double = await explored(SAGA, 2)
    double.raise_if_violated()
    return {
        "runs_per_second": round(max(simulated), 1),
        "test_server_runs_per_second": round(max(served), 2),
        "ratio_to_test_server": round(max(simulated) / max(served), 1),
        "k2_seconds": round(double.seconds, 2),
        "k2_runs": sum(double.runs.values()),
        "k2_exhausted": double.exhausted,
    }


def _simulated(case: Case, runs: int) -> float:
    with Simulator(workflows=[case.workflow]) as simulator:
        began = time.perf_counter()
        for _ in range(runs):
            with case.world() as world:
                outcome = simulator.run(case.run, *case.args, activities=world.activities())
                _must_be_shipped(outcome.result)
        return runs / (time.perf_counter() - began)


async def _served(case: Case, environment: WorkflowEnvironment, runs: int, number: int) -> float:
    """One after the other, as in the simulator. The orders have names of their own."""
    client, queue = environment.client, f"orders-{number}"
    with case.world() as world:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[case.workflow],
            activities=world.activities(),
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            began = time.perf_counter()
            for order in (f"{queue}-{index}" for index in range(runs)):
                result: object = await client.execute_workflow(
                    case.run, args=[order], id=order, task_queue=queue
                )
                _must_be_shipped(result)
            return runs / (time.perf_counter() - began)


def _must_be_shipped(result: object) -> None:
    if result != "shipped":
        raise RuntimeError(f"the order ended with {result!r}: nothing was measured")
