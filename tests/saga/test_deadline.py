"""A deadline inside the workflow: the server's own timeout would end it without an undo."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError

from musterwerk.errors import SagaUsageError
from musterwerk.saga.deadline import absolute
from tests.saga import outcomes
from tests.saga.conftest import Start, failure_of, until_cancel_requested
from tests.saga.world import World
from tests.waiting import until_async


async def test_what_is_not_done_in_time_is_undone(start: Start, world: World) -> None:
    handle = await start(outcomes.Deadline.run, "O-1", 0.3)
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert isinstance(err.cause, ApplicationError)
    assert err.cause.type == "SagaDeadlineExceeded"
    assert world.names() == ["charge", "refund"]
    assert (await handle.describe()).status == WorkflowExecutionStatus.FAILED


async def test_what_is_done_in_time_is_left_alone(start: Start, world: World) -> None:
    handle = await start(outcomes.Deadline.run, "O-1", 3600)
    await handle.signal("go")
    assert await handle.result() == "confirm-result"


async def test_a_step_that_cannot_stop_does_not_hide_it(start: Start, world: World) -> None:
    charged = world.hold("charge")
    handle = await start(outcomes.Deadline.run, "O-1", 0.3)
    await world.started("charge")

    async def fired() -> bool:
        return any(
            [
                event.HasField("activity_task_cancel_requested_event_attributes")
                async for event in handle.fetch_history_events()
            ]
        )

    await until_async(fired)
    charged.set()
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert isinstance(err.cause, ApplicationError)
    assert err.cause.type == "SagaDeadlineExceeded"
    assert world.of("refund")[0].args == ("O-1", "charge-result")


async def test_code_that_catches_everything_does_not_hide_it(start: Start, world: World) -> None:
    """`except Exception: compensate_to(...)` would go on to the next carrier, too late."""
    shipped = world.hold("ship")
    handle = await start(outcomes.Carriers.run)
    await world.started("ship")

    async def fired() -> bool:
        return any(
            [
                event.HasField("activity_task_cancel_requested_event_attributes")
                async for event in handle.fetch_history_events()
            ]
        )

    await until_async(fired)
    shipped.set()
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert isinstance(err.cause, ApplicationError)
    assert err.cause.type == "SagaDeadlineExceeded"
    assert world.names() == ["reserve", "ship", "unship", "release"]


async def test_the_pivot_ends_it(start: Start, world: World) -> None:
    """What has left the house is not called back because it is late."""
    handle = await start(outcomes.Deadline.run, "O-1", 0.5, True)
    await world.started("charge")
    start_of_it = (await handle.describe()).start_time

    async def later() -> bool:
        await handle.query("saga_report")
        return datetime.now(start_of_it.tzinfo) - start_of_it > timedelta(seconds=1)

    await until_async(later)
    await handle.signal("go")
    assert await handle.result() == "confirm-result"


async def test_cancellation_before_the_deadline_stays_one(start: Start, world: World) -> None:
    handle = await start(outcomes.Deadline.run, "O-1", 3600)
    await world.started("charge")
    await handle.cancel()
    await until_cancel_requested(handle)
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED


async def test_continue_as_new_gives_no_more_time(start: Start, world: World) -> None:
    err = await failure_of(await start(outcomes.DeadlineContinued.run))
    assert isinstance(err, ApplicationError)
    assert isinstance(err.cause, ApplicationError)
    assert err.cause.type == "SagaDeadlineExceeded"
    assert world.names() == ["charge", "refund"]


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(seconds=-1)])
def test_a_deadline_that_is_over_at_once_is_refused(wrong: timedelta) -> None:
    with pytest.raises(SagaUsageError, match="in the future"):
        absolute(wrong)


def test_a_deadline_without_a_zone_is_refused() -> None:
    """Nine o'clock where?"""
    with pytest.raises(SagaUsageError, match="time zone"):
        absolute(datetime(2026, 1, 1, 9))  # noqa: DTZ001 - that is the point
