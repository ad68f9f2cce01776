"""Where hand-written sagas are not even tried: groups, branches, two cancellations, late steps."""

from __future__ import annotations

import asyncio
import gc
import uuid
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from musterwerk.errors import EffectUndone, SagaUsageError
from musterwerk.saga import Resolve, UndoRetry, effects, step_key
from tests.saga import edges
from tests.saga.conftest import (
    Start,
    failure_of,
    report_of,
    task_failures,
    until_cancel_requested,
    until_task_fails,
)
from tests.saga.world import Call, World, refuse
from tests.waiting import until, until_async


async def test_failure_in_a_task_group_undoes_everything(start: Start, world: World) -> None:
    """The ExceptionGroup is no bug of the code: its failures are what failed."""
    world.fail("ship", refuse("no van", "OutOfVans"))
    err = await failure_of(await start(edges.Grouped.run))
    assert isinstance(err, ApplicationError)
    assert err.message == "undone after OutOfVans: no van"
    assert {"unship", "refund", "release"} <= set(world.done)


async def test_cancellation_in_a_task_group_undoes_everything(start: Start, world: World) -> None:
    finish = asyncio.Event()

    async def slowly(call: Call) -> str:
        await finish.wait()
        return "shipped"

    world.on("ship", slowly)
    handle = await start(edges.Grouped.run)
    await world.started("ship")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert {"unship", "refund", "release"} <= set(world.done)


async def test_branches_after_the_pivot_all_finish(start: Start, world: World) -> None:
    """gather gives up on a cancellation; what is shipped must still be confirmed."""
    finish = asyncio.Event()

    async def slowly(call: Call) -> str:
        await finish.wait()
        return "confirmed"

    world.on("confirm", slowly)
    handle = await start(edges.ForwardBranches.run)
    await world.started("confirm")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert {"ship", "confirm"} <= set(world.done)
    assert "release" not in world.names()


async def test_leaving_the_block_while_a_step_runs_is_a_bug(start: Start, world: World) -> None:
    """The step's failure and its undo would be nobody's."""
    finish = asyncio.Event()

    async def slowly(call: Call) -> str:
        await finish.wait()
        return "charged"

    world.on("charge", slowly)
    handle = await start(edges.Forgetful.run)
    await until_task_fails(handle)
    assert "await every step" in (await task_failures(handle))[0]
    finish.set()
    await handle.terminate()


async def test_checkpoints_go_with_what_they_mark(start: Start, world: World) -> None:
    tried: list[Call] = []

    async def second_time(call: Call) -> str:
        tried.append(call)
        if len(tried) < 2:
            raise refuse("no van")
        return "shipped"

    world.on("ship", second_time)
    assert await (await start(edges.Rounds.run)).result() == "shipped"
    assert world.names() == ["charge", "ship", "unship", "refund", "charge", "ship"]


async def test_a_task_cancelled_by_the_code_is_a_failure(start: Start, world: World) -> None:
    err = await failure_of(await start(edges.OwnTask.run))
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert world.names() == ["charge", "refund"]


async def test_deadline_inside_and_cancellation_outside(start: Start, world: World) -> None:
    """The second cancellation arrives while the first one is being undone."""
    finish = asyncio.Event()

    async def slowly(call: Call) -> None:
        await finish.wait()

    world.on("refund", slowly)
    handle = await start(edges.Hurried.run)
    await world.started("refund")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert world.done[-2:] == ["refund", "release"]


async def test_compensate_raises_the_cancellation_it_absorbed(start: Start, world: World) -> None:
    finish = asyncio.Event()

    async def slowly(call: Call) -> None:
        await finish.wait()

    world.on("refund", slowly)
    handle = await start(edges.ByHand.run)
    await world.started("refund")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED


async def test_a_skip_is_known_after_continue_as_new(start: Start, world: World) -> None:
    """Money that stayed where it should not must not end as a clean rollback one run later."""
    world.fail("refund", refuse("account closed"))
    handle = await start(edges.SkippedBefore.run)

    async def letters() -> list[Any]:
        return (await report_of(handle))["dead_letters"]

    await until_async(letters)
    update: Any = handle  # the SDK's overloads are partially unknown to strict checking
    skip = Resolve(step="charge/1", action="skip", by="Ada", reason="written off")
    await update.execute_update("saga_resolve", skip)
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensationFailed"
    (letter,) = err.details[0]["dead_letters"]
    assert letter["resolution"]["by"] == "Ada"


async def test_a_worker_that_stops_forgets_its_sagas_quietly(client: Client, world: World) -> None:
    """Their blocks are closed by the garbage collector, when there is no workflow any more."""
    queue = f"forgotten-{uuid.uuid4()}"
    async with Worker(
        client, task_queue=queue, workflows=[edges.Forgotten], activities=world.activities()
    ):
        handle = await client.start_workflow(edges.Forgotten.run, "O-1", id=queue, task_queue=queue)
        await until(lambda: "charge" in world.done)
        await report_of(handle)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
    assert world.done == ["charge"]
    await handle.terminate()


class LateBank:
    """A bank whose charge lands when the test says so, behind the effect ledger or not."""

    def __init__(self, file: Path) -> None:
        self.engine = sa.create_engine(f"sqlite:///{file}")
        effects.create_tables(self.engine)
        self.arrive = asyncio.Event()
        self.landed: list[str] = []

    @activity.defn
    async def late_charge(self, order: str) -> str:
        key = step_key()
        while not self.arrive.is_set():
            try:
                await self.arrive.wait()
            except asyncio.CancelledError:
                activity.logger.info("does not stop, as a request on its way does not")
        try:
            with Session(self.engine) as session, session.begin():
                return effects.do(session, key, {"order": order}, lambda: "charged")
        except EffectUndone as err:
            self.landed.append(err.message)
            raise

    @activity.defn
    async def late_refund(self, order: str, payment: str | None) -> None:
        with Session(self.engine) as session, session.begin():
            effects.undo(session, step_key(), lambda done: None)


@pytest.mark.parametrize("how", ["timeout", "cancellation"])
async def test_zombie_step_after_undo(client: Client, tmp_path: Path, how: str) -> None:
    """The charge lands after its refund: without a tombstone the customer has paid for nothing."""
    bank, queue = LateBank(tmp_path / "bank.sqlite"), f"late-{how}-{tmp_path.name}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[edges.Late],
        activities=[bank.late_charge, bank.late_refund],
    ):
        handle: WorkflowHandle[Any, Any] = await client.start_workflow(
            edges.Late.run,
            args=["O-1", 1.0 if how == "timeout" else 20.0],
            id=queue,
            task_queue=queue,
        )
        if how == "cancellation":

            async def running() -> bool:
                return bool((await handle.describe()).raw_description.pending_activities)

            await until_async(running)
            await handle.cancel()
        await failure_of(handle)
        bank.arrive.set()
        await until(lambda: bool(bank.landed))
    with Session(bank.engine) as session:
        (state,) = session.scalars(sa.select(effects.effects.c.state))
    assert state == "tombstone"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rounds": 0},
        {"pause": timedelta(0)},
        {"slow_pause": timedelta(0)},
        {"slow_pause": timedelta(hours=2)},
    ],
)
def test_an_undo_that_would_never_be_tried_is_refused(wrong: dict[str, Any]) -> None:
    """No rounds would mean: nothing is undone, and it looks as if it were."""
    with pytest.raises(SagaUsageError):
        UndoRetry(**wrong)
