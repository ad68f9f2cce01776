"""One wish that is granted, one that HR refuses, and one that nobody looks at."""

from __future__ import annotations

from datetime import timedelta

from examples.leave.workflow import Leave, Wish
from examples.office import QUEUE, Office, play

DAY = timedelta(days=1)


async def company(office: Office) -> None:
    """Lena leads the team and is away for two weeks; Ben stands in for her."""
    today = await office.now()
    await office.people(
        people={
            "nora": {"name": "Nora"},
            "otto": {"name": "Otto"},
            "lena": {"name": "Lena"},
            "ben": {"name": "Ben"},
            "hanna": {"name": "Hanna", "groups": ["hr"]},
        },
        absences=[
            {"person": "lena", "from": today, "until": today + 14 * DAY, "substitute": "ben"}
        ],
    )


async def granted(office: Office) -> str:
    wish = await office.client.start_workflow(
        Leave.run, Wish("nora", "lena", "2027-08-02", "2027-08-13"), id="nora", task_queue=QUEUE
    )
    request = await office.asked("leave:nora:2027-08-02")
    await office.later(3 * DAY)  # Ben is reminded
    await request.approve(by="ben")
    await request.approve(by="hanna")
    return await office.result(wish)


async def refused(office: Office) -> str:
    wish = await office.client.start_workflow(
        Leave.run, Wish("otto", "lena", "2027-08-09", "2027-08-13"), id="otto", task_queue=QUEUE
    )
    request = await office.asked("leave:otto:2027-08-09")
    await request.approve(by="ben", reason="fine with us")
    await office.later(DAY)
    await request.reject("no days left in this year", by="hanna")
    return await office.result(wish)


async def forgotten(office: Office) -> str:
    wish = await office.client.start_workflow(
        Leave.run, Wish("nora", "lena", "2027-12-27", "2027-12-31"), id="nobody", task_queue=QUEUE
    )
    await office.asked("leave:nora:2027-12-27")
    await office.later(30 * DAY)
    return await office.result(wish)


async def main(office: Office) -> None:
    await office.monday()
    await company(office)
    async with office.worker(Leave):
        for title, wish, id in (
            ("Nora in August", granted, "leave:nora:2027-08-02"),
            ("Otto in August", refused, "leave:otto:2027-08-09"),
            ("Nora in December", forgotten, "leave:nora:2027-12-27"),
        ):
            print(f"{title}: {await wish(office)}")
            await office.story(id)


if __name__ == "__main__":
    play(main)
