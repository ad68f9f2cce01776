"""The process: three branches, of which one knows a way out of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from musterwerk import Saga

with workflow.unsafe.imports_passed_through():
    from examples.trip.agency import Agency

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Wish:
    traveller: str
    flight: str
    hotels: list[str]  # the first that has a room and a parking space
    car: str


@dataclass(frozen=True)
class Trip:
    flight: str
    room: str
    car: str


@workflow.defn
class BookTrip:
    @workflow.run
    async def run(self, wish: Wish) -> Trip:
        async with Saga() as saga:
            flight, room, car = await saga.gather(
                self._book(saga, wish.flight, wish.traveller),
                self._hotel(saga, wish),
                self._book(saga, wish.car, wish.traveller),
            )
        return Trip(flight, room, car)

    async def _hotel(self, saga: Saga, wish: Wish) -> str:
        saga.checkpoint("no hotel yet")
        for hotel in wish.hotels:
            try:
                room = await self._book(saga, f"room in {hotel}", wish.traveller)
                await self._book(saga, f"parking at {hotel}", wish.traveller)
            except ActivityError as err:
                if is_cancelled_exception(err):  # another branch failed: there is no trip
                    raise
                # Gives back a room without a parking space; the other branches know nothing of it.
                await saga.compensate_to("no hotel yet")
            else:
                return room
        raise ApplicationError(f"no hotel: {', '.join(wish.hotels)}", type="NoHotel")

    async def _book(self, saga: Saga, what: str, traveller: str) -> str:
        return await saga.run(
            Agency.book, what, traveller, undo=Agency.cancel, start_to_close_timeout=MINUTE
        )
