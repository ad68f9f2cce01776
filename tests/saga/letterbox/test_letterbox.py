"""`musterwerk.DeadLetter` on a real server, with a real database, mail server and webhook."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from musterwerk.errors import StoreMissing
from musterwerk.saga.letter import Letter
from musterwerk.saga.letterbox import owners
from musterwerk.store import DeadLetterTable, Store, database_url
from musterwerk.worker import WorkerOptions, serve
from tests.cli import desk
from tests.receivers import mail_server, webhook_server
from tests.waiting import until, until_async

Handle = WorkflowHandle[Any, Any]


class Box:
    """A worker of ours with a queue and a database of its own."""

    def __init__(self, client: Client, data: Path) -> None:
        self.client = client
        self.data = data
        self.queue = f"letters-{uuid.uuid4()}"
        self.env: dict[str, str] = {}
        self.table = DeadLetterTable(Store(database_url(data, {}), migrate=False))

    @asynccontextmanager
    async def worker(
        self, env: dict[str, str] | None = None, check_every: timedelta = timedelta(hours=1)
    ) -> AsyncGenerator[str]:
        given = WorkerOptions.from_environment(self.data, env or {})
        options = WorkerOptions(given.database, given.notify, self.queue, check_every)
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve(self.client, options, ready.set_result))
        try:
            yield await ready
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def send(self, **change: Any) -> Handle:
        letter = letter_of(**change)
        return await self.client.start_workflow(
            "musterwerk.DeadLetter", letter, id=letter["id"], task_queue=self.queue
        )

    async def recorded(self, handle: Handle) -> None:
        async def there() -> bool:
            try:
                return handle.id in [one.id for one in self.table.open()]
            except StoreMissing:  # the worker is about to make it
                return False

        await until_async(there)


def letter_of(**change: Any) -> dict[str, Any]:
    return {
        "id": f"letter-{uuid.uuid4()}",
        "namespace": "default",
        "workflow_id": "order 1",
        "run_id": str(uuid.uuid4()),
        "workflow_type": "Order",
        "task_queue": "orders",
        "saga": "payment",
        "step": "charge/1",
        "direction": "undo",
        "activity": "refund",
        "error": "account closed",
        "since": "2026-03-01T12:00:00+00:00",
        "attempts": 3,
    } | change


def settlement(**change: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    how = {"action": "done", "by": "Ada", "reason": "by hand", "at": now}
    return {"attempts": 4, "error": "still", "resolution": how, "settled_at": now} | change


def alerts_by_mail(port: int, to: str = "ops@example.com") -> dict[str, str]:
    return {
        "MUSTERWERK_SMTP": f"smtp://127.0.0.1:{port}",
        "MUSTERWERK_MAIL_FROM": "musterwerk@example.com",
        "MUSTERWERK_ALERT_MAIL": to,
    }


@pytest.fixture
async def box(client: Client, tmp_path: Path) -> AsyncIterator[Box]:
    opened = Box(client, tmp_path)
    yield opened
    opened.table.store.close()


async def test_recorded_and_settled(box: Box) -> None:
    async with box.worker():
        handle = await box.send()
        await box.recorded(handle)
        await handle.signal("settled", {"no": "settlement"})  # ignored
        await handle.signal("settled", settlement())
        await handle.result()
        (kept,) = box.table.settled()
        assert (kept.action, kept.resolved_by, kept.reason) == ("done", "Ada", "by hand")
        assert (kept.attempts, kept.error) == (4, "still")


async def test_settled_by_success_before_a_worker_came(box: Box) -> None:
    """The letter would stay open for ever if nobody served it while its saga lived."""
    handle = await box.send()
    await handle.signal("settled", settlement(resolution=None))
    async with box.worker():
        await handle.result()
        (kept,) = box.table.settled()
        assert (kept.action, kept.resolved_by) == (None, None)
        assert box.table.open() == []


async def test_what_is_no_letter_fails_and_is_not_tried_for_ever(box: Box) -> None:
    async with box.worker():
        handle = await box.send(since="yesterday")
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert "since is 'yesterday'" in caught.value.cause.message


async def test_database_away_and_back(box: Box) -> None:
    """A letter that arises meanwhile would be lost, and people would not be told of it."""
    blocker = box.data / "musterwerk.sqlite"
    blocker.mkdir()  # what SQLite cannot open
    with webhook_server() as hook:
        async with box.worker({"MUSTERWERK_ALERT_WEBHOOK": hook.url}) as said:
            assert "away" in said
            handle = await box.send()
            await until(lambda: len(hook.posts) == 1)
            blocker.rmdir()
            await box.recorded(handle)

            async def noted() -> bool:
                return box.table.sent_at(handle.id, "webhook") is not None

            await until_async(noted)
            await handle.signal("settled", settlement())
            await handle.result()
    assert len(hook.posts) == 1


async def test_mail_says_what_to_do(box: Box) -> None:
    async with mail_server() as server, box.worker(alerts_by_mail(server.port)):
        await box.send(error="closed\nBcc: x@y.z \0")
        await until(lambda: bool(server.mails))
    (mail,) = server.mails
    text = mail.get_content().replace("\r\n", "\n")
    assert mail["Subject"] == "Cannot be undone: charge/1 of order 1"
    assert "The step charge/1 could not be undone: refund fails." in text
    assert "2026-03-01 12:00:00 UTC" in text
    assert "closed" in text
    assert mail["Bcc"] is None
    assert "musterwerk sagas show 'order 1'\n" in text
    command = "musterwerk sagas resolve 'order 1' charge/1 --saga payment"
    for choice in ("retry", "done", "skip"):
        assert f"{command} --{choice} --by NAME --reason TEXT\n" in text


async def test_mail_of_an_unknown_outcome_tells_the_truth(box: Box) -> None:
    """Skipping such a step undoes the whole saga, and nobody tries it again."""
    async with mail_server() as server, box.worker(alerts_by_mail(server.port)):
        handle = await box.send(
            direction="do", kind="unknown", actions=["skip", "done"], retried=False
        )
        await until(lambda: bool(server.mails))
        await box.recorded(handle)
        (kept,) = box.table.open()
    (mail,) = server.mails
    text = mail.get_content().replace("\r\n", "\n")
    assert mail["Subject"] == "Outcome unknown: charge/1 of order 1"
    assert "tried again from time to time" not in text
    assert "undoes the whole saga" in text
    assert "--retry" not in text
    assert "--done --result JSON" in text
    assert (kept.kind, kept.actions) == ("unknown", ["skip", "done"])


async def test_german_mail(box: Box) -> None:
    async with mail_server() as server:
        env = alerts_by_mail(server.port) | {"MUSTERWERK_LANGUAGE": "de"}
        async with box.worker(env):
            await box.send(direction="do", activity="überweisen")
            await until(lambda: bool(server.mails))
    assert server.mails[0]["Subject"] == "Nicht ausführbar: charge/1 von order 1"
    assert "konnte nicht ausgeführt werden: überweisen" in server.mails[0].get_content()


async def test_each_target_is_told_once_over_failures_and_restarts(box: Box) -> None:
    """People would be told again and again, or one broken target would silence the others."""
    async with mail_server() as server:
        with webhook_server() as hook:
            server.refuse = 1
            hook.answers = [500]
            env = alerts_by_mail(server.port, "a@example.com,b@example.com")
            env["MUSTERWERK_ALERT_WEBHOOK"] = hook.url
            async with box.worker(env):
                handle = await box.send()

                async def told() -> bool:
                    names = ("webhook", "mail:a@example.com", "mail:b@example.com")
                    return all(box.table.sent_at(handle.id, name) for name in names)

                await box.recorded(handle)
                await until_async(told)
            async with box.worker(env):
                await handle.signal("settled", settlement())
                await handle.result()
    assert sorted(mail["To"] for mail in server.mails) == ["a@example.com", "b@example.com"]
    (failed, data), (taken, _) = hook.posts
    assert failed == taken
    assert data["id"] == handle.id
    assert {mail["Message-ID"] for mail in server.mails} == {f"<{taken}@example.com>"}


async def test_settled_before_it_could_be_told(box: Box) -> None:
    """A mail server that is away would keep the letter open, and tell of it a week too late."""
    async with box.worker(alerts_by_mail(1)):
        handle = await box.send()
        await box.recorded(handle)
        await handle.signal("settled", settlement())
        await handle.result()
        assert len(box.table.settled()) == 1


async def test_a_terminated_owner_closes_its_letter(box: Box) -> None:
    """The list would show for ever what nobody can settle any more."""
    owner = await box.client.start_workflow(
        "Nobody", id=f"owner-{uuid.uuid4()}", task_queue=f"none-{uuid.uuid4()}"
    )
    run = owner.first_execution_run_id
    async with box.worker(check_every=timedelta(milliseconds=200)):
        handle = await box.send(workflow_id=owner.id, run_id=run)
        await box.recorded(handle)

        async def looked(times: int = 2) -> bool:
            history = await handle.fetch_history()
            done = [e for e in history.events if e.HasField("timer_fired_event_attributes")]
            return len(done) >= times

        await until_async(looked)
        assert [one.id for one in box.table.open()] == [handle.id]
        await owner.terminate("a mistake")
        # The grace for a last word is a minute; a word within it is taken.
        await until_async(lambda: waiting_for_a_word(handle))
        await handle.signal("settled", settlement(resolution=None))
        await handle.result()


async def waiting_for_a_word(handle: Handle) -> bool:
    history = await handle.fetch_history()
    timers = [
        event.timer_started_event_attributes.start_to_fire_timeout.seconds
        for event in history.events
        if event.HasField("timer_started_event_attributes")
    ]
    return 60 in timers


async def test_how_an_owner_ended(box: Box, client: Client) -> None:
    owner = await client.start_workflow(
        "Nobody", id=f"owner-{uuid.uuid4()}", task_queue=f"none-{uuid.uuid4()}"
    )
    run = owner.first_execution_run_id
    letter = Letter.read(letter_of(workflow_id=owner.id, run_id=run))
    assert await owners.ended(client, letter) is None
    await owner.terminate()
    ended = await owners.ended(client, letter)
    assert ended is not None
    assert ended.resolution is not None
    assert ended.resolution.action == "terminated"
    gone = await owners.ended(client, Letter.read(letter_of(workflow_id="never-was")))
    assert gone is not None
    assert gone.resolution is not None
    assert gone.resolution.action == "gone"


async def test_an_owner_that_was_reset_still_has_its_letter(client: Client) -> None:
    """A reset ends the run that wrote the letter; the saga lives on in the next."""
    queue = f"owners-{uuid.uuid4()}"
    owner = await client.start_workflow("NoSaga", id=f"owner-{uuid.uuid4()}", task_queue=queue)
    letter = Letter.read(letter_of(workflow_id=owner.id, run_id=owner.first_execution_run_id))
    async with Worker(client, task_queue=queue, workflows=[desk.NoSaga]):

        async def begun() -> bool:
            return len((await owner.fetch_history()).events) >= 4

        await until_async(begun)
        await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=owner.id, run_id=letter.run_id),
                reason="test",
                request_id=str(uuid.uuid4()),
                workflow_task_finish_event_id=4,
            )
        )
        assert (await owner.describe()).run_id != letter.run_id
        assert await owners.ended(client, letter) is None
        await client.get_workflow_handle(owner.id).terminate()
        ended = await owners.ended(client, letter)
        assert ended is not None
        assert ended.resolution is not None
        assert ended.resolution.action == "terminated"
