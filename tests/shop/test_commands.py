"""`musterwerk shop`: what somebody at a terminal, or their script, gets to see."""

from __future__ import annotations

import json
import subprocess
from asyncio import to_thread
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import MUSTERWERK, Result, environment, musterwerk
from tests.shop.desk import Desk, order

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def shop(desk: Desk, home: Path, *args: str) -> Result:
    url = ("--url", desk.stack.urls["orders"])
    return await to_thread(lambda: musterwerk("shop", *args, *url, home=home))


def write(folder: Path, content: Any) -> str:
    path = folder / "order.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


async def test_an_order_is_placed_once_shown_and_too_late_to_cancel(
    desk: Desk, tmp_path: Path
) -> None:
    file = write(tmp_path, order("typed").model_dump(mode="json"))
    placed = await shop(desk, tmp_path, "order", file, "-o", "json")
    assert placed.code == 0, placed.stderr
    assert placed.data["order_id"] == "typed"
    assert (await shop(desk, tmp_path, "order", file)).code == 0
    await desk.ended("typed")
    assert len(desk.rows("payment", "SELECT * FROM charges WHERE order_id = 'typed'")) == 1
    shown = await shop(desk, tmp_path, "show", "typed", "-o", "json")
    assert shown.data["status"] == "fulfilled"
    assert shown.data["tracking_number"].startswith("MW")
    told = await shop(desk, tmp_path, "show", "typed")
    assert "status: fulfilled" in told.stdout
    late = await shop(desk, tmp_path, "cancel", "typed")
    assert late.code == 1
    assert "fulfilled already" in late.stderr
    assert late.stdout == ""


async def test_an_order_in_a_pipe_is_read_from_stdin(desk: Desk, tmp_path: Path) -> None:
    done = await to_thread(
        subprocess.run,
        [MUSTERWERK, "shop", "order", "-", "--url", desk.stack.urls["orders"]],
        input=order("piped").model_dump_json(),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert (await desk.ended("piped"))["status"] == "fulfilled"


GOOD = order("typo").model_dump(mode="json")


@pytest.mark.parametrize(
    ("content", "mentions"),
    [
        (GOOD | {"total": {"amount": 29.33, "currency": "USD"}}, "total.amount"),
        (GOOD | {"lines": [{"sku": "CD-1", "quantity": 0}]}, "lines.0.quantity"),
        (GOOD | {"lines": [{"sku": "CD-NONE", "quantity": 1}]}, "CD-NONE"),
        ("{order", "JSON"),
    ],
    ids=["float amount", "zero quantity", "unknown article", "not JSON"],
)
async def test_a_bad_order_file_is_wrong_input_and_says_where(
    desk: Desk, tmp_path: Path, content: Any, mentions: str
) -> None:
    done = await shop(desk, tmp_path, "order", write(tmp_path, content))
    assert done.code == 2
    assert mentions in done.stderr
    assert done.stdout == ""
    assert desk.rows("orders", "SELECT * FROM orders WHERE order_id = 'typo'") == []


async def test_other_content_under_the_same_id_is_wrong_input(desk: Desk, tmp_path: Path) -> None:
    await desk.place(order("mine", cents=100))
    file = write(tmp_path, order("mine", cents=200).model_dump(mode="json"))
    done = await shop(desk, tmp_path, "order", file)
    assert done.code == 2
    assert "mine exists already" in done.stderr


async def test_an_unknown_order_and_a_missing_file_are_wrong_input(
    desk: Desk, tmp_path: Path
) -> None:
    assert (await shop(desk, tmp_path, "show", "nobody")).code == 2
    missing = await shop(desk, tmp_path, "order", str(tmp_path / "none.json"))
    assert missing.code == 2
    assert "none.json" in missing.stderr


async def test_without_a_running_desk_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    done = await to_thread(lambda: musterwerk("shop", "show", "any", home=tmp_path))
    assert done.code == 1
    assert "musterwerk dev" in done.stderr
