"""What the tests' schedules start."""

from __future__ import annotations

from temporalio import workflow

from musterwerk.schedules import current


@workflow.defn
class Report:
    """Says for which due time it runs."""

    @workflow.run
    async def run(self, kind: str = "") -> list[str | None]:
        run = current()
        if run is None:
            return [kind, None, None, None]
        before = run.previous()
        return [kind, run.key, run.due.isoformat(), before.isoformat() if before else None]


@workflow.defn
class Long:
    """Goes on as new once, and says for which due time, and for which one before."""

    @workflow.run
    async def run(self, first: bool = True) -> list[str | None]:
        if first:
            workflow.continue_as_new(False)
        run = current()
        before = run.previous() if run else None
        return ["", run and run.key, run and run.due.isoformat(), before and before.isoformat()]


@workflow.defn
class Slow:
    """Takes more than a second."""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(1.2)
