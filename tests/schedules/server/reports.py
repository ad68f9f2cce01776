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
class Slow:
    """Takes more than a second."""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(1.2)
