"""More schedules than there are on one page of the server's list."""

from __future__ import annotations

from pathlib import Path

import pytest

from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, every
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.control import ours
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer
from tests.waiting import until_async

#: The server gives pages as small as one asks for.
PAGE, COUNT = 100, 250


def declared(count: int, owner: str = "") -> Declaration:
    when = every("1d")
    names = [f"many-{number:04}" for number in range(count)]
    several = (
        Schedule(name, "Idle", task_queue="nobody", when=when, owner=owner) for name in names
    )
    return Declaration("many", "many", tuple(several))


async def test_more_than_a_page_and_then_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of its own: the others' tests list what is there."""
    monkeypatch.setattr("musterwerk.schedules.server._PAGE", PAGE)
    async with EmbeddedServer(tmp_path, ui=False) as running:
        server = ScheduleServer(await connect(running.address, isolated=True))
        told: list[object] = []
        done = await apply_plan(server, await make_plan(server, declared(COUNT)), told.append)
        assert len(told) == len(done) == COUNT
        assert not [one.flaw for one in done if one.flaw]
        assert not (await make_plan(server, declared(COUNT))).work

        async def all_listed() -> bool:
            return len([name async for name in server.names()]) == COUNT

        await until_async(all_listed)
        assert len([one async for one in ours(server)]) == COUNT
        fewer = await make_plan(server, declared(COUNT - 50), prune=True)
        assert {step.kind for step in fewer.work} == {"delete"}
        assert len(fewer.work) == 50
        assert not [one.flaw for one in await apply_plan(server, fewer) if one.flaw]
