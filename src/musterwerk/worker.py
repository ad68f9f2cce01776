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
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import URL
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from musterwerk.errors import StoreError
from musterwerk.notify import Settings
from musterwerk.saga import TASK_QUEUE
from musterwerk.saga.letterbox.activities import LetterboxActivities
from musterwerk.saga.letterbox.workflow import DeadLetterWorkflow
from musterwerk.store import DeadLetterTable, Store, database_url

# Our modules keep no state between workflows, so that none of them needs a copy.
_RESTRICTIONS = SandboxRestrictions.default.with_passthrough_modules("musterwerk")

# By default the SDK hashes the code of every loaded module, which takes longer than the rest.
_BUILD = f"musterwerk-{version('musterwerk')}"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerOptions:
    """`check_every`: how often an open letter looks whether its workflow is still there."""

    database: URL
    notify: Settings = field(default_factory=Settings)
    task_queue: str = TASK_QUEUE
    check_every: timedelta = timedelta(hours=1)

    @classmethod
    def from_environment(cls, data: Path, environ: Mapping[str, str] = os.environ) -> WorkerOptions:
        """Raises `UsageError` that says which variable is wrong and what is expected."""
        return cls(database_url(data, environ), Settings.from_environment(environ))


async def serve(client: Client, options: WorkerOptions, ready: Callable[[str], object]) -> None:
    """Work until cancelled. `ready` is told in words what is served.

    A database that does not answer is no reason not to start: letters wait for it, and people
    are alerted meanwhile. One of a newer version is: raises `StoreError`.
    """
    store = Store(options.database)
    away = await _prepare(store)
    letters = LetterboxActivities(
        client, DeadLetterTable(store), options.notify, check_every=options.check_every
    )
    try:
        async with Worker(
            client,
            task_queue=options.task_queue,
            workflows=[DeadLetterWorkflow],
            activities=letters.all(),
            workflow_runner=SandboxedWorkflowRunner(restrictions=_RESTRICTIONS),
            build_id=_BUILD,
            max_concurrent_activities=20,
            graceful_shutdown_timeout=timedelta(seconds=5),
        ):
            ready(_served(client, options, store, away))
            await asyncio.Event().wait()
    finally:
        store.close()


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
        f"Serves dead letters of sagas on the task queue {options.task_queue!r} of "
        f"{client.service_client.config.target_host}, namespace {client.namespace!r}.",
        f"Database: {store}" + (f" (away: {away})" if away else ""),
        f"Alerts: {', '.join(names) or 'none are configured (see MUSTERWERK_ALERT_MAIL)'}",
    ]
    return "\n".join(lines)
