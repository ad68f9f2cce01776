"""The trip: side by side forwards and backwards, with a way out inside a branch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from examples.trip.agency import Agency
from examples.trip.workflow import BookTrip, Trip, Wish
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

Book = Callable[[Wish], Awaitable[WorkflowHandle[Any, Trip]]]
WISH = Wish("Ada", "flight", ["Roma", "Vista"], "car")
FREE = {"flight": 1, "car": 1, "room in Roma": 1, "room in Vista": 1, "parking at Vista": 1}


@pytest.fixture
def agency() -> Agency:
    return Agency(dict(FREE))


@pytest.fixture
async def book(plain: Client, fresh: str, agency: Agency) -> AsyncIterator[Book]:
    async def start(wish: Wish) -> WorkflowHandle[Any, Trip]:
        return await plain.start_workflow(BookTrip.run, wish, id=f"trip-{fresh}", task_queue=fresh)

    async with Worker(
        plain, task_queue=fresh, workflows=[BookTrip], activities=agency.activities()
    ):
        yield start


async def test_the_second_hotel_is_taken_and_the_first_given_back(
    book: Book, agency: Agency
) -> None:
    """Flight and car are of other branches: a way out of the hotel's must not cost them."""
    trip = await (await book(WISH)).result()
    assert trip == Trip("flight for Ada", "room in Vista for Ada", "car for Ada")
    assert agency.cancelled == [("Ada", "room in Roma")]
    assert agency.free == dict.fromkeys(FREE, 0) | {"room in Roma": 1}


async def test_without_a_hotel_flight_and_car_are_given_back_side_by_side(
    book: Book, agency: Agency
) -> None:
    agency.free["room in Vista"] = 0
    handle = await book(WISH)
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert "no hotel: Roma, Vista" in str(caught.value.cause)
    assert agency.free == FREE | {"room in Vista": 0}
    assert agency.bookings == []
    # Both undos are begun before either has ended.
    assert await _undos(handle, {"flight", "car"}) == ["begun", "begun", "ended", "ended"]


@pytest.mark.parametrize("gone", ["flight", "car"])
async def test_a_branch_that_fails_stops_the_search_for_a_hotel(
    book: Book, agency: Agency, gone: str
) -> None:
    agency.free[gone] = 0
    handle = await book(WISH)
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert f"no {gone} left" in str(caught.value.cause)
    assert agency.free == FREE | {gone: 0}
    assert ("Ada", "room in Vista") not in agency.cancelled


async def _undos(handle: WorkflowHandle[Any, Trip], of: set[str]) -> list[str]:
    """What happened to the undos of these bookings, in the order of the history."""
    seen: list[str] = []
    mine: set[int] = set()
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            begun = event.activity_task_scheduled_event_attributes
            what = begun.input.payloads[0].data.decode().strip('"')
            if begun.activity_type.name == "cancel" and what in of:
                mine.add(event.event_id)
                seen.append("begun")
        elif (
            event.HasField("activity_task_completed_event_attributes")
            and event.activity_task_completed_event_attributes.scheduled_event_id in mine
        ):
            seen.append("ended")
    return seen
