"""Branches: settled together, undone side by side, each in its own order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError

from tests.saga import branching, outcomes
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


async def test_branches_return_what_they_return(start: Start, world: World) -> None:
    result = await (await start(branching.Trip.run)).result()
    assert result == ["charge-result", "ship-result"]
    assert world.names()[0] == "reserve"
    assert "release" not in world.names()


async def test_sibling_still_running_when_one_fails(start: Start, world: World) -> None:
    """asyncio.gather leaves the sibling running: its effect would land after the undo."""
    shipped = world.hold("ship")
    world.fail("charge", refuse("card declined"))
    handle = await start(branching.Trip.run)
    await world.started("ship")
    await until(lambda: "charge" in world.names())
    shipped.set()
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.message == "undone after Refused: card declined"
    assert world.names().index("unship") > world.done.index("ship")
    assert world.of("unship")[0].args == ("O-1", "ship-result")
    assert world.done[-1] == "release"


async def test_each_branch_is_undone_in_its_own_order(start: Start, world: World) -> None:
    """The refund does not wait for a slow unship, nor the other way round."""
    world.fail("confirm", refuse("no mail"))
    unshipped = world.hold("unship")
    handle = await start(branching.Trip.run)
    await until(lambda: "refund" in world.done)
    assert "release" not in world.names()
    unshipped.set()
    await failure_of(handle)
    assert world.done[-1] == "release"


async def test_parallel_undo_waits_for_nothing(start: Start, world: World) -> None:
    world.fail("confirm", refuse("no mail"))
    held = [world.hold(name) for name in ("unship", "refund", "release")]
    handle = await start(branching.Trip.run, "O-1", True)
    await until(lambda: {"unship", "refund", "release"} <= set(world.names()))
    for one in held:
        one.set()
    await failure_of(handle)
    assert sorted(world.done[-3:]) == ["refund", "release", "unship"]


async def test_late_binding_in_a_loop(start: Start, world: World) -> None:
    """Undos made of closures in a loop would all release the last article."""
    await failure_of(await start(branching.Loop.run, "O-1", 3))
    assert sorted(call.args[0] for call in world.of("release")) == ["O-1-1", "O-1-2", "O-1-3"]
    for call in world.of("release"):
        (done,) = [one for one in world.of("reserve") if one.args[0] == call.args[0]]
        assert call.key.business_key == done.key.business_key


async def test_a_branch_undoes_its_own_steps_only(start: Start, world: World) -> None:
    world.fail("ship", refuse("no van"))
    assert await (await start(branching.Fallback.run)).result() == ["charge-result", "by hand"]
    assert "unship" in world.names()
    assert not {"refund", "release"} & set(world.names())


async def test_branches_are_known_after_continue_as_new(start: Start, world: World) -> None:
    """Undone one after the other, a stuck undo of one branch would hold up the other."""
    held = [world.hold(name) for name in ("unship", "refund")]
    handle = await start(branching.BranchesContinued.run)
    await until(lambda: {"unship", "refund"} <= set(world.names()))
    assert "release" not in world.names()
    for one in held:
        one.set()
    await failure_of(handle)
    assert world.done[-1] == "release"
    for do, undo in (("charge", "refund"), ("ship", "unship")):
        assert world.of(do)[0].key.business_key == world.of(undo)[0].key.business_key
        assert world.of(undo)[0].args == ("O-1", f"{do}-result")


@pytest.mark.parametrize("first", [1, 2])
async def test_keys_do_not_depend_on_which_branch_is_faster(
    start: Start, world: World, first: int
) -> None:
    """On a reset the pace may differ; a key that moved would meet other content."""
    gates = {number: asyncio.Event() for number in (1, 2)}

    async def in_turn(call: Call) -> str:
        number = int(call.args[0][-1])
        if number != first:
            await gates[first].wait()
        gates[number].set()
        return "reserved"

    world.on("reserve", in_turn)
    handle = await start(branching.Loop.run, "O-1", 2)
    await failure_of(handle)
    steps = {step["id"]: step["branch"] for step in (await report_of(handle))["steps"]}
    assert steps["charge/1.1:1"] == "1.1"
    assert steps["charge/1.2:1"] == "1.2"
    for number in (1, 2):
        (charge,) = [call for call in world.of("charge") if call.args == (f"O-1-{number}",)]
        assert f"1.{number}" in charge.activity_id


async def test_a_branch_that_catches_its_cancellation_begins_nothing_new(
    start: Start, world: World
) -> None:
    """A second hotel booked after the flight has failed is booked for nothing."""
    shipped = world.hold("ship")
    world.fail("charge", refuse("no flight"))
    handle = await start(branching.StubbornBranch.run)
    await world.started("ship")
    await until(lambda: "charge" in world.names())
    shipped.set()
    await failure_of(handle)
    assert "confirm" not in world.names()
    assert world.done[-1] in ("refund", "unship")


async def test_each_branch_has_its_own_checkpoints(start: Start, world: World) -> None:
    assert await (await start(branching.SameCode.run)).result() == ["O-1-a", "O-1-b"]
    assert sorted(call.args[0] for call in world.of("refund")) == ["O-1-a", "O-1-b"]
    assert "release" not in world.names()


async def test_a_branch_cannot_pass_the_pivot(start: Start, world: World) -> None:
    handle = await start(branching.PivotInBranch.run)
    await until_task_fails(handle)
    assert "do it after gather" in (await task_failures(handle))[0]
    await handle.terminate()


async def test_steps_after_branches_after_the_pivot(start: Start, world: World) -> None:
    """The cancellation waits for the end of the block, also while branches run."""
    shipped = world.hold("ship")
    handle = await start(branching.BranchesForward.run)
    await world.started("ship")
    await handle.cancel()
    await until_cancel_requested(handle)
    shipped.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert {"ship", "charge", "confirm"} <= set(world.done)


async def test_two_undos_of_one_saga_do_not_meet(start: Start, world: World) -> None:
    """The block fails while a task of the user's own is compensating."""
    refunded = world.hold("refund")
    handle = await start(branching.TwoUndos.run)
    await world.started("refund")
    await until_async(lambda: failed_inside(handle))
    assert "release" not in world.names()
    refunded.set()
    await failure_of(handle)
    assert world.names() == ["reserve", "charge", "refund", "release"]


async def failed_inside(handle: WorkflowHandle[Any, Any]) -> bool:
    return (await report_of(handle))["cause"] is not None


async def test_a_bug_in_a_branch_undoes_nothing(start: Start, world: World) -> None:
    handle = await start(branching.BuggyBranch.run)
    await until_task_fails(handle)
    assert "refund" not in world.names()
    await handle.terminate()


async def test_cancellation_reaches_every_branch(start: Start, world: World) -> None:
    held = [world.hold(name) for name in ("charge", "ship")]
    handle = await start(branching.Trip.run)
    await world.started("charge")
    await world.started("ship")
    await handle.cancel()
    await until_cancel_requested(handle)
    for one in held:
        one.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert {"unship", "refund", "release"} <= set(world.done)
    assert "confirm" not in world.names()


async def test_the_report_tells_the_branches_apart(start: Start, world: World) -> None:
    handle = await start(branching.Trip.run)
    await handle.result()
    steps = [(step["id"], step["branch"]) for step in (await report_of(handle))["steps"]]
    assert sorted(steps) == [
        ("charge/1.1:1", "1.1"),
        ("confirm/1.1:1", "1.1"),
        ("reserve/1", ""),
        ("ship/1.2:1", "1.2"),
    ]


async def test_cancellation_while_a_branch_undoes(start: Start, world: World) -> None:
    """The second cancellation meets an undo in a branch; everything is still undone once."""
    world.fail("ship", refuse("no van"))
    unshipped = world.hold("unship")
    handle = await start(branching.Fallback.run)
    await world.started("unship")
    await handle.cancel()
    await until_cancel_requested(handle)
    unshipped.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert [name for name in world.done if name in ("unship", "release")] == ["unship", "release"]


async def test_compensations_without_steps(start: Start, world: World) -> None:
    await failure_of(await start(branching.Added.run))
    assert world.done == ["reserve", "ship", "unship", "refund", "release"]
    assert world.of("refund")[0].args == ("O-1", "by hand")


async def test_local_steps_have_keys_and_undos(start: Start, world: World) -> None:
    seen: list[Call] = []

    async def second_attempt(call: Call) -> str:
        seen.append(call)
        if len(seen) == 1:
            raise RuntimeError("again")
        return "charged"

    world.on("charge", second_attempt)
    await failure_of(await start(outcomes.Local.run))
    first, again, second = seen
    assert first.key == again.key != second.key
    assert [call.key.business_key for call in world.of("refund")] == [
        second.key.business_key,
        first.key.business_key,
    ]


async def test_a_local_undo_that_fails_becomes_a_dead_letter(start: Start, world: World) -> None:
    """Its bare failure would go past everything that waits for an ActivityError."""
    world.fail("refund", refuse("account closed"))
    handle = await start(outcomes.LocalOrder.run)
    await until(lambda: "release" in world.done)
    await until_async(lambda: has_open_letter(handle))
    world.recover("refund")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert "refund" in world.done


async def test_a_local_step_may_be_refused(start: Start, world: World) -> None:
    world.fail("charge", refuse("no funds", "Declined"))
    await failure_of(await start(outcomes.LocalOrder.run))
    assert world.names() == ["reserve", "charge", "release"]


async def test_a_local_step_after_the_pivot_becomes_a_dead_letter(
    start: Start, world: World
) -> None:
    world.fail("confirm", refuse("no mail"))
    handle = await start(outcomes.LocalOrder.run, "O-1", True)
    await until_async(lambda: has_open_letter(handle))
    world.recover("confirm")
    await handle.result()


async def has_open_letter(handle: WorkflowHandle[Any, Any]) -> bool:
    return any(not one["settled"] for one in (await report_of(handle))["dead_letters"])


async def test_an_undo_without_a_timeout_is_found_when_it_is_registered(
    start: Start, world: World
) -> None:
    handle = await start(outcomes.Untimed.run)
    await until_task_fails(handle)
    assert "start_to_close_timeout" in (await task_failures(handle))[0]
    await handle.terminate()
