"""The server goes away in the middle: what was done is known, and the next apply goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from musterwerk.errors import ServerError
from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import cron
from musterwerk.schedules.applying import Done, apply_plan
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer
from tests.schedules.server.conftest import Desk


async def test_half_applied_is_continued(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path, ui=False) as embedded:
        desk = Desk(ScheduleServer(await connect(embedded.address, isolated=True)))
        several = [desk.schedule(f"s{n}", cron("0 6 * * *")) for n in range(60)]
        plan = await make_plan(desk.server, desk.declared(*several))

        def kill(_: Done) -> None:
            if embedded.process.running:
                embedded.process.kill()

        done = await apply_plan(desk.server, plan, kill)
    failed = [one for one in done if one.flaw]
    assert 0 < len(failed) < 60
    assert all("Temporal's server" in one.flaw for one in failed)
    with pytest.raises(ServerError):
        await desk.plan(*several)
    async with EmbeddedServer(tmp_path, ui=False) as embedded:
        desk.server = ScheduleServer(await connect(embedded.address, isolated=True))
        left = await desk.plan(*several)
        assert 0 < len(left.work) < 60
        await desk.apply(*several)
        assert set((await desk.kinds(*several)).values()) == {"unchanged"}
