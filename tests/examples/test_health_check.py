"""The health check: a change is told once, also when the run that told it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from examples.clock import Clock, declared
from examples.health_check.__main__ import Service, service, serving
from examples.health_check.checking import Checker
from examples.health_check.workflow import Health, HealthCheckWorkflow
from examples.outbox import Outbox
from temporalio.client import WorkflowFailureError, WorkflowHandle

from musterwerk.notify import Webhook
from musterwerk.schedules import Schedule
from tests.examples.conftest import replay
from tests.receivers import WebhookServer, webhook_server


class Watch:
    """The schedule of the file, of the services of a test."""

    def __init__(self, clock: Clock, schedule: Schedule) -> None:
        self.clock, self.schedule = clock, schedule
        self.last: WorkflowHandle[object, Health] | None = None

    async def look(self) -> Health:
        self.last = await self.clock.trigger(self.schedule, Health)
        return await self.last.result()


@pytest.fixture
def shop() -> Iterator[Service]:
    with service() as one:
        yield one


@pytest.fixture
def hook() -> Iterator[WebhookServer]:
    with webhook_server() as server:
        yield server


@pytest.fixture
async def watch(
    clock: Clock, threads: ThreadPoolExecutor, tmp_path: Path, shop: Service, hook: WebhookServer
) -> AsyncIterator[Watch]:
    outbox = Outbox(tmp_path / "outbox.sqlite", [Webhook(hook.url)])
    schedule = declared("health-check", args=({"shop": shop.url},))
    async with serving(clock.client, threads, Checker(outbox)):
        await clock.apply(schedule)
        yield Watch(clock, schedule)


def told(hook: WebhookServer) -> list[bool]:
    return [body["up"] for _, body in hook.posts]


async def test_down_is_told_once_and_up_again_once(
    watch: Watch, shop: Service, hook: WebhookServer
) -> None:
    assert (await watch.look()).told == []
    shop.status = 503
    down = await watch.look()
    assert (down.told, told(hook)) == (["shop"], [False])
    assert "503" in hook.posts[0][1]["reason"]
    still = await watch.look()
    assert (still.told, still.services) == ([], down.services)
    assert told(hook) == [False]
    shop.status = 200
    assert (await watch.look()).services["shop"].up
    assert told(hook) == [False, True]
    assert (await watch.look()).told == []
    assert told(hook) == [False, True]
    assert len({key for key, _ in hook.posts}) == 2
    assert watch.last is not None
    await replay(watch.last, HealthCheckWorkflow)


async def test_a_run_that_cannot_tell_fails_and_the_next_one_tells(
    watch: Watch, shop: Service, hook: WebhookServer
) -> None:
    """If its state were kept all the same, nobody would ever hear of it."""
    await watch.look()
    shop.status = 503
    hook.answers += [500, 500, 500]
    with pytest.raises(WorkflowFailureError):
        await watch.look()
    assert (await watch.look()).told == ["shop"]
    assert (await watch.look()).told == []
    # Had the receiver taken the first one and lost its answer, it would know the key.
    keys = [key for key, _ in hook.posts]
    assert len(keys) == 4
    assert len(set(keys)) == 1


async def test_one_lost_answer_is_no_outage(
    watch: Watch, shop: Service, hook: WebhookServer
) -> None:
    await watch.look()
    shop.answers = [503, 503]
    assert (await watch.look()).services["shop"].up
    assert told(hook) == []


async def test_nobody_listening_is_down(watch: Watch, hook: WebhookServer) -> None:
    nobody = declared("health-check", args=({"gone": "http://127.0.0.1:9/"},))
    await watch.clock.apply(nobody)
    assert not (await watch.look()).services["gone"].up
    assert hook.posts[0][1]["service"] == "gone"


def test_a_late_check_is_not_made() -> None:
    found = declared("health-check")
    assert (found.overlap, found.pause_on_failure) == ("skip", False)
    assert found.catch_up == timedelta(seconds=10)
    assert found.execution_timeout is not None
    assert found.when.every is not None
    assert found.execution_timeout < found.when.every
