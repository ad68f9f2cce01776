"""A check with a question back and an answer of the wrong shape, and one that is refused."""

from __future__ import annotations

from datetime import timedelta

from examples.background_check.workflow import BackgroundCheck, Candidate, Report
from examples.office import QUEUE, Office, play

DAY = timedelta(days=1)
CHECKERS = {
    "vera": {"name": "Vera", "groups": ["checkers"]},
    "ivan": {"name": "Ivan", "groups": ["checkers"]},
}


async def checked(office: Office) -> str:
    check = await office.client.start_workflow(
        BackgroundCheck.run, Candidate("Ada", "1990-12-10"), id="ada", task_queue=QUEUE
    )
    request = await office.asked("check:ada", Report)
    await request.claim(by="vera")  # nobody else does the same work
    await request.request_info("Where did she live before 2020?", by="vera")
    await office.later(2 * DAY)
    await request.inform("In Ulm.", by="recruiting")
    day = (await office.now()).date()
    await request.approve(by="vera", answer={"checked_on": "last week"})  # refused: no date
    await request.approve(by="vera", answer=Report(checked_on=day).model_dump(mode="json"))
    return await office.result(check)


async def refused(office: Office) -> str:
    check = await office.client.start_workflow(
        BackgroundCheck.run, Candidate("Bob", ""), id="bob", task_queue=QUEUE
    )
    request = await office.asked("check:bob", Report)
    await request.reject("nothing can be checked without a date of birth", by="ivan")
    return await office.result(check)


async def main(office: Office) -> None:
    await office.monday()
    await office.people(people=CHECKERS)
    async with office.worker(BackgroundCheck):
        for name, check in (("Ada", checked), ("Bob", refused)):
            print(f"{name}: {await check(office)}")
            await office.story(f"check:{name.lower()}")


if __name__ == "__main__":
    play(main)
