"""`musterwerk dev` with the order desk in it, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from asyncio import to_thread
from pathlib import Path
from typing import Any

from musterwerk.cli.address import read_dev
from musterwerk.shop.demo.colleague import Colleague
from tests.cli.support import MUSTERWERK, environment, musterwerk
from tests.shop.test_demo import processes_of
from tests.waiting import LIMIT, until_async


async def test_the_desk_takes_orders_as_long_as_dev_runs(tmp_path: Path) -> None:
    """The first thing a newcomer does: start it, order, look at the saga, stop it."""
    data = tmp_path / "data"
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    dev = await asyncio.create_subprocess_exec(
        *(MUSTERWERK, "dev", "--data", data),
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    async def command(*args: str) -> Any:
        done = await to_thread(
            lambda: musterwerk(*args, "--data", str(data), "-o", "json", home=tmp_path)
        )
        assert done.code == 0, done.stderr
        return done.data

    async def shows(order_id: str, status: str) -> bool:
        return (await command("shop", "show", order_id))["status"] == status

    try:
        async with asyncio.timeout(LIMIT):
            while not (data / "dev.json").exists():
                assert dev.returncode is None
                await asyncio.sleep(0.05)
        await command("shop", "order", str(tmp_path / "order.json"))
        await until_async(lambda: shows("first", "fulfilled"), limit=LIMIT)
        (nightly,) = await command("schedules", "list")
        assert nightly["schedule"] == "shop-reconciliation"
        saga = await command("sagas", "show", "order-first")
        assert "reserve_article" in json.dumps(saga)
        (tmp_path / "dear.json").write_text(json.dumps(DEAR))
        await command("shop", "order", str(tmp_path / "dear.json"))
        await until_async(lambda: shows("dear", "awaiting_approval"), limit=LIMIT)
        await approve(data, (await command("people", "token", "mona"))["secret"])
        await until_async(lambda: shows("dear", "fulfilled"), limit=LIMIT)
        dev.send_signal(signal.SIGINT)
        async with asyncio.timeout(LIMIT):
            assert await dev.wait() == 0
    finally:
        if dev.returncode is None:
            dev.kill()  # its reaper ends the rest
    assert processes_of(data) == []


async def approve(data: Path, token: str) -> None:
    running = read_dev(data)
    assert running is not None
    mona = Colleague("mona", token, lambda: running["addresses"]["Console"])
    (waiting,) = await mona.requests(box="mine")
    assert waiting["request_id"] == "order-approval:dear"
    assert (await mona.decide(waiting, "approve", "mona-dear")).verdict == "applied"
    await mona.close()


ORDER = {
    "order_id": "first",
    "customer_id": "C-1",
    "email": "c-1@customers.example",
    "lines": [{"sku": "CD-JAZZ-101", "quantity": 1}],
    "total": {"amount": "12.50", "currency": "EUR"},
}

DEAR = ORDER | {"order_id": "dear", "total": {"amount": "250.00", "currency": "EUR"}}
