"""What a worker of ours runs, on a task queue of its own.

So that a user's worker neither collides with our workflows nor needs our database and mail
server. Needs `pip install "musterwerk[worker]"`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import URL
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.backlink import Backlink
from musterwerk.approvals.notices.sending import NoticeSender
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.errors import AuditError, StoreError
from musterwerk.notify import Settings
from musterwerk.saga import TASK_QUEUE
from musterwerk.saga.letterbox.activities import LetterboxActivities
from musterwerk.saga.letterbox.workflow import DeadLetterWorkflow
from musterwerk.schedules.ledger.activities import MonitorActivities
from musterwerk.schedules.ledger.starting import keep_watching
from musterwerk.schedules.ledger.workflow import ScheduleMonitorWorkflow
from musterwerk.store import DeadLetterTable, Store, database_url
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.checkpoints import Checkpointer
from musterwerk.store.ledger_pruning import DAYS, ledger_days

# By default the SDK hashes the code of every loaded module, which takes longer than the rest.
_BUILD = f"musterwerk-{version('musterwerk')}"

#: How often it is looked whether the audit trail has grown enough for a checkpoint.
_SEAL_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerOptions:
    """`check_every`: how often an open letter looks whether its workflow is still there.

    `audit` is where checkpoints of the audit trail are written; None for who makes them elsewhere.
    `ledger_days`: how long due times of schedules are kept.
    """

    database: URL
    notify: Settings = field(default_factory=Settings)
    task_queue: str = TASK_QUEUE
    check_every: timedelta = timedelta(hours=1)
    audit: AuditFolder | None = None
    ledger_days: int = DAYS

    @classmethod
    def from_environment(cls, data: Path, environ: Mapping[str, str] = os.environ) -> WorkerOptions:
        """Raises `UsageError` that says which variable is wrong and what is expected."""
        return cls(
            database_url(data, environ),
            Settings.from_environment(environ),
            audit=AuditFolder.from_environment(data, environ),
            ledger_days=ledger_days(environ),
        )


def local_worker(client: Client, store: Store, *, task_queue: str = TASK_QUEUE) -> Worker:
    """Approvals only, in this process: for tests, under virtual time too. Nobody is written to."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[ApprovalWorkflow],
        activities=ApprovalActivities(store).all(),
        workflow_runner=UnsandboxedWorkflowRunner(),
        build_id=_BUILD,
    )


async def serve(client: Client, options: WorkerOptions, ready: Callable[[str], object]) -> None:
    """Work until cancelled. `ready` is told in words what is served.

    A database that does not answer is no reason not to start: letters and decisions wait for it,
    and people are alerted meanwhile. One of a newer version is: raises `StoreError`.
    """
    store = Store(options.database)
    away = await _prepare(store)
    letters = LetterboxActivities(
        client, DeadLetterTable(store), options.notify, check_every=options.check_every
    )
    sender = NoticeSender(store, options.notify)
    backlink = Backlink(options.notify.console)
    await backlink.prepare(client)
    approvals = ApprovalActivities(store, told=sender.wake, backlink=backlink)
    keep = timedelta(days=options.ledger_days)
    monitor = MonitorActivities(client, store, options.notify, keep=keep)
    try:
        async with (
            Worker(
                client,
                task_queue=options.task_queue,
                workflows=[DeadLetterWorkflow, ApprovalWorkflow, ScheduleMonitorWorkflow],
                activities=[*letters.all(), *approvals.all(), *monitor.all()],
                # They are our own, and approvals are tested inside the sandbox. Here it would take
                # a quarter of the CPU, most of it to enter and leave once for every payload.
                workflow_runner=UnsandboxedWorkflowRunner(),
                build_id=_BUILD,
                max_concurrent_activities=20,
                # So long does each request of a killed worker wait before another one has it.
                sticky_queue_schedule_to_start_timeout=timedelta(milliseconds=500),
                # By default the SDK holds heartbeats back for 80 % of their timeout.
                max_heartbeat_throttle_interval=timedelta(milliseconds=500),
                graceful_shutdown_timeout=timedelta(seconds=5),
            ),
            asyncio.TaskGroup() as background,
        ):
            background.create_task(sender.run())
            background.create_task(keep_watching(client, options.task_queue))
            if options.audit is not None:
                background.create_task(_seal(Checkpointer(store, options.audit)))
            ready(_served(client, options, store, away))
            if backlink.flaw:
                _log.warning("Temporal's list does not lead to the console: %s", backlink.flaw)
    finally:
        store.close()


async def _seal(checkpoints: Checkpointer) -> None:
    """Sign the audit trail from time to time. What keeps it from that is told once."""
    told = ""
    while True:
        try:
            await asyncio.to_thread(checkpoints.maybe, datetime.now(UTC))
            told = ""
        except (AuditError, StoreError) as error:
            if str(error) != told:
                _log.warning("the audit trail cannot be sealed: %s", error)
            told = str(error)
        await asyncio.sleep(_SEAL_SECONDS)


async def _prepare(store: Store) -> str | None:
    """Why the database cannot be used for now; None if it can."""
    try:
        await asyncio.to_thread(store.prepare)
    except StoreError as error:
        if not error.temporary:
            raise
        return str(error)
    return None


def _served(client: Client, options: WorkerOptions, store: Store, away: str | None) -> str:
    names = [target.name for target in options.notify.targets]
    lines = [
        "Serves approvals, dead letters of sagas and the ledger of schedules on the task queue "
        f"{options.task_queue!r} of {client.service_client.config.target_host}, namespace "
        f"{client.namespace!r}.",
        f"Database: {store}" + (f" (away: {away})" if away else ""),
        f"Mail to people: {_mail(options.notify)}",
        f"Alerts: {', '.join(names) or 'none are configured (see MUSTERWERK_ALERT_MAIL)'}",
    ]
    return "\n".join(lines)


def _mail(settings: Settings) -> str:
    if settings.server is None:
        return "off (see MUSTERWERK_SMTP)"
    if settings.console is None:
        return "on, without links (see MUSTERWERK_CONSOLE_URL)"
    return f"on, with links to {settings.console}"
