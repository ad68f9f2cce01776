"""A worker of the order desk, as a process: `python -m musterwerk.shop.worker`.

It stops when its stdin ends, so it never outlives whoever started it, or at SIGTERM. Both let
running activities finish.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import httpx
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from musterwerk.errors import MusterwerkError
from musterwerk.runtime.connection import Target
from musterwerk.runtime.exits import leave
from musterwerk.shop.activities import ShopActivities
from musterwerk.shop.bookkeeping import BookkeepingActivities
from musterwerk.shop.gateway import Gateway, ServiceUrls
from musterwerk.shop.names import TASK_QUEUE
from musterwerk.shop.reconciliation import ReconciliationWorkflow
from musterwerk.shop.services.process import log_to_stderr, on_end_of_stdin
from musterwerk.shop.workflow import OrderFulfillmentWorkflow

# Our modules keep no state between workflows, so that not every order needs a copy of them.
_RESTRICTIONS = SandboxRestrictions.default.with_passthrough_modules("musterwerk")

# By default the SDK hashes the code of every loaded module, which takes longer than all the rest
# of the start.
_BUILD = f"musterwerk-{version('musterwerk')}"

#: A killed worker's workflows move to another one after this long.
STICKY_TIMEOUT = timedelta(seconds=2)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="musterwerk.shop.worker", description=__doc__)
    parser.add_argument("--address", help="the Temporal server; by default, the environment's")
    parser.add_argument("--namespace")
    parser.add_argument(
        "--isolated", action="store_true", help="ignore the environment and Temporal's profiles"
    )
    parser.add_argument("--urls", required=True, help="the services' addresses: JSON or a file")
    parser.add_argument("--task-queue", default=TASK_QUEUE)
    parser.add_argument("--max-cached-workflows", type=int, default=1000)
    return parser.parse_args(arguments)


def service_urls(value: str) -> ServiceUrls:
    text = value if value.lstrip().startswith("{") else Path(value).read_text("utf-8")
    return ServiceUrls(**json.loads(text))


async def run(options: argparse.Namespace) -> None:
    target = Target(options.address, options.namespace, isolated=options.isolated)
    client = await target.connect(patience=30)
    async with httpx.AsyncClient() as http:
        gateway = Gateway(http, service_urls(options.urls))
        activities = ShopActivities(gateway)
        bookkeeping = BookkeepingActivities(gateway)
        async with Worker(
            client,
            task_queue=options.task_queue,
            workflows=[OrderFulfillmentWorkflow, ReconciliationWorkflow],
            activities=[*activities.all(), bookkeeping.reconcile_books],
            workflow_runner=SandboxedWorkflowRunner(restrictions=_RESTRICTIONS),
            build_id=_BUILD,
            max_cached_workflows=options.max_cached_workflows,
            max_concurrent_activities=50,
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
            activity_task_poller_behavior=PollerBehaviorAutoscaling(),
            sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
            graceful_shutdown_timeout=timedelta(seconds=5),
        ):
            logging.getLogger(__name__).info("polling %s", options.task_queue)
            await _told_to_stop()


async def _told_to_stop() -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    on_end_of_stdin(lambda: loop.call_soon_threadsafe(told.set))
    await told.wait()


def main() -> None:
    log_to_stderr()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for every request
    options = parse()
    try:
        asyncio.run(run(options))
    except MusterwerkError as error:
        logging.getLogger(__name__).error("%s", error)
        leave(1)
    leave(0)


if __name__ == "__main__":
    main()
