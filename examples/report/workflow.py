"""The process: count once, then mail what was counted until it is taken."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from examples.due import scheduled

with workflow.unsafe.imports_passed_through():
    from examples.report.books import Report, Reporter, Wanted
    from examples.report.period import Kind

PATIENT = RetryPolicy(maximum_interval=timedelta(minutes=5))


@workflow.defn
class ReportWorkflow:
    @workflow.run
    async def run(self, kind: Kind, zone: str) -> Report:
        """`zone` is that of the schedule."""
        run = scheduled()
        # Counted in a step of its own: every attempt at the mail says the same.
        report = await workflow.execute_activity_method(
            Reporter.build_report,
            Wanted(kind, zone, run.due, run.previous()),
            start_to_close_timeout=timedelta(minutes=10),
            retry_policy=PATIENT,
        )
        await workflow.execute_activity_method(
            Reporter.mail_report,
            args=[run.key, report],
            start_to_close_timeout=timedelta(minutes=2),
            # A mail server may be away for a night. After that somebody is to know: it fails.
            schedule_to_close_timeout=timedelta(hours=20),
            retry_policy=PATIENT,
        )
        return report
