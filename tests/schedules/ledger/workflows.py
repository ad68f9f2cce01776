"""What the ledger's tests schedule."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError


@workflow.defn
class Quick:
    @workflow.run
    async def run(self) -> None: ...


@workflow.defn
class Lasting:
    """Longer than until the next."""

    @workflow.run
    async def run(self, seconds: float) -> None:
        await workflow.sleep(seconds)


@workflow.defn
class Failing:
    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("no")
