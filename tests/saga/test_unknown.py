"""Lost outcomes: nobody knows whether the effect landed, and what is done about it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from musterwerk.saga import Action, Resolve
from tests.saga import outcomes
from tests.saga.conftest import Start, failure_of, report_of, until_cancel_requested
from tests.saga.world import Call, World, refuse
from tests.waiting import until, until_async

# An update that finds no cached workflow now and then waits out a whole workflow task (10 s).
CACHED = pytest.mark.parametrize("start", [1000], ids=["cached"], indirect=True)


def lose(world: World, times: int = 1000, then: Exception | None = None) -> list[Call]:
    """The charge's answer gets lost so many times."""
    calls: list[Call] = []

    async def behave(call: Call) -> str:
        calls.append(call)
        if len(calls) <= times:
            raise RuntimeError("the answer is lost")
        if then is not None:
            raise then
        return "late charge"

    world.on("charge", behave)
    return calls


async def has_letter(handle: WorkflowHandle[Any, Any]) -> None:
    async def open_letter() -> bool:
        letters = (await report_of(handle))["dead_letters"]
        return any(not letter["settled"] for letter in letters)

    await until_async(open_letter)


async def resolve(
    handle: WorkflowHandle[Any, Any], action: Action, result: Any = None, step: str = "charge/1"
) -> None:
    update: Any = handle  # the SDK's overloads are partially unknown to strict checking
    answer = Resolve(step=step, action=action, by="Ada", reason="asked them", result=result)
    await update.execute_update("saga_resolve", answer)


async def test_compensate_is_the_default(start: Start, world: World) -> None:
    lose(world)
    await failure_of(await start(outcomes.Unknown.run, "O-1", "compensate"))
    assert world.of("refund")[0].args == ("O-1", None)
    assert world.done[-1] == "release"


async def test_probe_finds_the_effect(start: Start, world: World) -> None:
    """The customer has paid and only the answer was lost: the order goes on."""
    lose(world)

    async def landed(call: Call) -> str:
        return "found"

    world.on("find_charge", landed)
    handle = await start(outcomes.Unknown.run, "O-1", "probe")
    assert await handle.result() == "found"
    assert "refund" not in world.names()
    (probe,) = world.of("find_charge")
    assert probe.key.business_key == world.of("charge")[0].key.business_key
    assert probe.key.direction == "probe"
    (_, charge) = (await report_of(handle))["steps"]
    assert (charge["status"], charge["error"]) == ("done", None)


async def test_probe_finds_nothing(start: Start, world: World) -> None:
    """It may still land: the step is undone as well, so that it finds its tombstone."""
    lose(world)

    async def nothing(call: Call) -> None:
        return None

    world.on("find_charge", nothing)
    err = await failure_of(await start(outcomes.Unknown.run, "O-1", "probe"))
    assert isinstance(err, ApplicationError)
    assert err.message == "undone after RuntimeError: the answer is lost"
    assert world.names()[-2:] == ["refund", "release"]


async def test_probe_without_an_answer_undoes(start: Start, world: World) -> None:
    lose(world)
    world.fail("find_charge", RuntimeError("away, too"))
    await failure_of(await start(outcomes.Unknown.run, "O-1", "probe"))
    assert len(world.of("find_charge")) == 2
    assert world.names()[-2:] == ["refund", "release"]


async def test_refused_steps_are_not_probed(start: Start, world: World) -> None:
    """A refusal is an answer."""
    world.fail("charge", refuse("no funds", "Declined"))
    await failure_of(await start(outcomes.Unknown.run, "O-1", "probe"))
    assert world.names() == ["reserve", "charge", "release"]


async def test_retry_goes_on_under_the_same_key(start: Start, world: World) -> None:
    calls = lose(world, times=4)
    handle = await start(outcomes.Unknown.run, "O-1", "retry")
    assert await handle.result() == "late charge"
    assert len({call.key for call in calls}) == 1
    (letter,) = (await report_of(handle))["dead_letters"]
    assert letter["settled"]
    assert letter["resolution"] is None


async def test_refusal_after_a_lost_attempt_is_still_undone(start: Start, world: World) -> None:
    """The lost one may have landed, whatever the next one says."""
    lose(world, times=1, then=refuse("no funds", "Declined"))
    await failure_of(await start(outcomes.Unknown.run, "O-1", "retry"))
    assert world.names()[-2:] == ["refund", "release"]


async def test_cancellation_ends_the_question(start: Start, world: World) -> None:
    """A saga that waits for an operator must not be out of reach for a cancellation."""
    lose(world)
    handle = await start(outcomes.Unknown.run, "O-1", "escalate", False)
    await has_letter(handle)
    await handle.cancel()
    await until_cancel_requested(handle)
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.names()[-2:] == ["refund", "release"]
    (letter,) = (await report_of(handle))["dead_letters"]
    assert letter["settled"]
    assert letter["resolution"]["action"] == "overtaken"


async def test_nobody_is_asked_after_a_cancellation(start: Start, world: World) -> None:
    """A step that cannot stop takes the one cancellation with it, and then its outcome is lost."""
    charged = asyncio.Event()

    async def lost(call: Call) -> str:
        await asyncio.shield(charged.wait())
        raise RuntimeError("the answer is lost")

    world.on("charge", lost)
    handle = await start(outcomes.Unknown.run, "O-1", "escalate", False)
    await world.started("charge")
    await handle.cancel()
    await until_cancel_requested(handle)
    charged.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.names()[-2:] == ["refund", "release"]
    assert (await report_of(handle))["dead_letters"] == []


@CACHED
async def test_cancellation_survives_a_skipped_step(start: Start, world: World) -> None:
    """Absorbed while the step could not be done, and still raised when the block ends."""
    world.fail("ship", refuse("no van"))
    handle = await start(outcomes.Caught.run)
    await has_letter(handle)
    await handle.cancel()
    await until_cancel_requested(handle)
    await resolve(handle, "skip", step="ship/1")
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.done == ["confirm"]


@CACHED
async def test_escalate_asks_and_does_not_try_again(start: Start, world: World) -> None:
    lose(world)
    handle = await start(outcomes.Unknown.run, "O-1", "escalate", False)
    await has_letter(handle)
    await resolve(handle, "done", "by phone")
    assert await handle.result() == "by phone"
    assert len(world.of("charge")) == 1
    assert "refund" not in world.names()


@CACHED
async def test_skipping_an_unknown_step_undoes_it_too(start: Start, world: World) -> None:
    lose(world)
    handle = await start(outcomes.Unknown.run, "O-1", "escalate", False)
    await has_letter(handle)
    await resolve(handle, "skip")
    await failure_of(handle)
    assert world.names()[-2:] == ["refund", "release"]


@CACHED
async def test_an_operator_may_have_it_tried_again(start: Start, world: World) -> None:
    lose(world, times=1)
    handle = await start(outcomes.Unknown.run, "O-1", "escalate", False)
    await has_letter(handle)
    await resolve(handle, "retry")
    assert await handle.result() == "late charge"
    await until(lambda: len(world.of("charge")) == 2)


@CACHED
async def test_a_result_of_another_type_is_refused(start: Start, world: World) -> None:
    """It would come back as a bug in the workflow's code, far from whoever typed it."""
    lose(world)
    handle = await start(outcomes.Unknown.run, "O-1", "escalate", False)
    await has_letter(handle)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await resolve(handle, "done", {"not": "a string"})
    assert "returns something else" in str(refused.value.cause)
    await resolve(handle, "skip")
    await failure_of(handle)
