"""Settling dead letters from outside: `musterwerk.saga.client.resolve`."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from musterwerk.errors import MusterwerkError, ResolutionRefused, UsageError
from musterwerk.saga import Resolve
from musterwerk.saga.client import resolve
from tests.saga import workflows
from tests.saga.conftest import Start, failure_of
from tests.saga.test_dead_letters import stuck
from tests.saga.world import Call, World, refuse

pytestmark = pytest.mark.parametrize("start", [1000], ids=["cached"], indirect=True)


def done(by: str, **more: Any) -> Resolve:
    given: dict[str, Any] = {"step": "charge/1", "action": "done", "reason": "by hand"}
    return Resolve(by=by, **(given | more))


async def test_two_operators_at_once(start: Start, world: World, client: Client) -> None:
    """Both would believe that it was their word that counted."""
    handle = await stuck(start, world)
    answers = await asyncio.gather(
        resolve(client, handle.id, done("Ada")),
        resolve(client, handle.id, done("Bob", action="skip")),
        return_exceptions=True,
    )
    (taken,) = [one for one in answers if isinstance(one, dict)]
    (refused,) = [one for one in answers if isinstance(one, ResolutionRefused)]
    winner = taken["answers"][-1]["by"]
    assert winner in ("Ada", "Bob")
    assert winner in str(refused)
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.details[0]["dead_letters"][0]["resolution"]["by"] == winner


async def test_who_comes_too_late_is_told_who_was_first(
    start: Start, world: World, client: Client
) -> None:
    handle = await stuck(start, world)
    await resolve(client, handle.id, done("Ada"))
    await failure_of(handle)
    with pytest.raises(ResolutionRefused, match=r"already: done by Ada at .* because: by hand"):
        await resolve(client, handle.id, done("Bob"))


async def test_while_the_undo_is_being_tried_again(
    start: Start, world: World, client: Client
) -> None:
    """The operator would have to hit the pause between two rounds."""
    handle = await stuck(start, world)
    running, release = asyncio.Event(), asyncio.Event()

    async def slow(_: Call) -> None:
        running.set()
        await release.wait()
        raise refuse("account still closed")

    world.on("refund", slow)
    await resolve(client, handle.id, done("Ada", action="retry"))
    await running.wait()
    told = await resolve(client, handle.id, done("Bob"))
    assert told["settled"] is False
    with pytest.raises(ResolutionRefused, match="Bob"):
        await resolve(client, handle.id, done("Cleo"))
    release.set()
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    (letter,) = err.details[0]["dead_letters"]
    assert letter["resolution"]["by"] == "Bob"


async def test_wrong_words_are_refused_before_anything_is_sent(
    start: Start, world: World, client: Client
) -> None:
    handle = await stuck(start, world)
    for wrong in (
        done("Ada", action="burn"),
        done(" "),
        done("Ada", reason=""),
        done("Ada", reason="x" * 2001),  # the failure it ends in would be too large to be sent
        done("Ada", reason="\udcff"),
        done("Ada", result=["\ud800"]),
    ):
        with pytest.raises(UsageError):
            await resolve(client, handle.id, wrong)
    with pytest.raises(ResolutionRefused, match=r"no saga named 'other' here; there is saga"):
        await resolve(client, handle.id, done("Ada", saga="other"))
    with pytest.raises(ResolutionRefused, match=r"'reserve/1' .*has no dead letter"):
        await resolve(client, handle.id, done("Ada", step="reserve/1"))
    with pytest.raises(MusterwerkError, match="no such workflow"):
        await resolve(client, "never-was", done("Ada"))
    await handle.terminate()


async def test_without_a_worker_nothing_is_sent(client: Client, start: Start) -> None:
    """The answer would be taken hours later, when the operator has long done something else."""
    del start
    handle: Any = await client.start_workflow(
        workflows.Stuck.run, "O-1", id=f"order-{uuid.uuid4()}", task_queue=f"none-{uuid.uuid4()}"
    )
    with pytest.raises(ResolutionRefused, match=r"nothing was changed: .* no worker answers"):
        await resolve(client, handle.id, done("Ada"), rpc_timeout=workflows.LIMIT / 20)
    history = await handle.fetch_history()
    assert not [e for e in history.events if "update" in str(e.WhichOneof("attributes"))]
    await handle.terminate()
