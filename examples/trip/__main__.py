"""A trip whose first hotel has no parking, and one for which there is no hotel at all."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from examples.running import play
from examples.trip.agency import Agency
from examples.trip.workflow import BookTrip, Wish


async def main(client: Client, folder: Path) -> None:
    agency = Agency(
        {
            "flight to Rome": 5,
            "small car": 5,
            "room in Roma": 2,
            "room in Vista": 1,
            "parking at Vista": 1,
        }
    )
    hotels = ["Roma", "Vista"]
    async with Worker(
        client, task_queue="trip", workflows=[BookTrip], activities=agency.activities()
    ):
        for traveller in ("Ada", "Bob"):
            wish = Wish(traveller, "flight to Rome", hotels, "small car")
            try:
                trip = await client.execute_workflow(
                    BookTrip.run, wish, id=f"trip of {traveller}", task_queue="trip"
                )
                print(f"{traveller}: {trip.flight}, {trip.room}, {trip.car}")
            except WorkflowFailureError as failure:
                print(f"{traveller}: {failure.cause}")
            print("    given back:", [what for who, what in agency.cancelled if who == traveller])


if __name__ == "__main__":
    play(main)
