"""The demo as its users run it: the command in a process of its own, on a fresh folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mailbox
import os
import re
import signal
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from musterwerk.errors import UsageError
from musterwerk.shop import commands
from tests.cli.support import MUSTERWERK, environment, musterwerk
from tests.shop.services.harness import rows
from tests.waiting import LIMIT, until

ORDERS = 25


def processes_of(data: Path) -> list[str]:
    """Whatever still runs on the data folder, however it was started and by whomever."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(data) in part for part in command):
            found.append(" ".join(command))
    return found


def test_a_small_demo_ends_with_balanced_books_and_no_process(tmp_path: Path) -> None:
    """With failures and a killed worker; its figures are checked against SQL of our own."""
    data, file = tmp_path / "books", tmp_path / "report.json"
    done = musterwerk(
        *("demo", "--orders", str(ORDERS), "--seed", "3", "--faults", "0.3", "--cancel", "0.1"),
        *("--data", str(data), "--report", str(file), "-o", "json"),
        home=tmp_path,
        env={"TEMPORAL_ADDRESS": "127.0.0.1:1"},  # the demo must not go there
    )
    assert done.code == 0, done.stderr
    assert processes_of(data) == []
    report = json.loads(file.read_text())
    assert done.data == report
    assert (report["violations"], report["open"], report["dead_letters"]) == ([], 0, 0)
    assert report["orders"] == ORDERS
    assert report["fulfilled"] + report["failed"] + report["cancelled"] == ORDERS
    assert (report["worker_kills"], report["console_kills"]) == (1, 1)
    assert (report["dead_letter_account"], report["refunds_by_hand"]) == ([], 0)
    assert len(report["faults_injected"]) >= 4
    assert report["data"] == str(data)
    assert (report["seed"], report["faults"]) == (3, 0.3)
    assert report["orders_per_second"] == pytest.approx(ORDERS / report["seconds"], rel=0.01)
    compared = report["reconciliation"]
    assert (compared["orders"], compared["discrepancies"]) == (ORDERS, 0)
    assert compared["runs"] >= 2
    trail = report["audit_trail"]
    assert (trail["intact"], trail["lines"] > trail["sealed"] > 0) == (True, True)
    assert trail["requests_compared"] == sum(report["approvals"].values())
    assert_figures(report, data)
    assert_query_of_the_page_finds_what_is_wrong(data)
    assert_query_of_the_page_finds_what_nobody_released(data)


def assert_figures(report: dict[str, object], data: Path) -> None:
    stock = rows(
        data / "inventory.sqlite",
        "SELECT sum(initial), sum(available), sum(reserved), sum(shipped) FROM articles",
    )[0]
    assert report["stock"] == dict(
        zip(("initial", "available", "reserved", "shipped"), stock, strict=True)
    )
    assert stock[3] > 0
    captured, refunded = rows(
        data / "payment.sqlite",
        "SELECT coalesce(sum(amount_minor), 0),"
        " coalesce(sum(amount_minor) FILTER (WHERE state = 'refunded'), 0) FROM charges",
    )[0]
    shipped = {
        order_id
        for (order_id,) in rows(
            data / "shipping.sqlite", "SELECT order_id FROM shipments WHERE state = 'handed_over'"
        )
    }
    assert len(shipped) == report["fulfilled"]
    prices = rows(data / "orders.sqlite", "SELECT order_id, price_minor FROM orders")
    assert len(prices) == ORDERS
    owed = sum(price for order_id, price in prices if order_id in shipped)
    assert report["money"] == {
        "captured": dollars(captured),
        "refunded": dollars(refunded),
        "kept": dollars(captured - refunded),
        "owed_for_fulfilled": dollars(owed),
        "currency": "USD",
    }
    assert captured - refunded == owed
    mails = Counter(mail["X-Kind"] for mail in mailbox.Maildir(data / "mailbox", create=False))
    assert_approvals(report["approvals"], data, shipped)
    assert report["mails"] == {
        "confirmation": mails["confirmation"],
        "failure": mails["failure"],
    }


def assert_approvals(counts: object, data: Path, shipped: set[str]) -> None:
    """Who decides is drawn by the seed, so that this small run has several ends in it."""
    states = dict(rows(data / "musterwerk.sqlite", "SELECT id, state FROM musterwerk_requests"))
    wanted = dict.fromkeys(("approved", "rejected", "expired", "withdrawn"), 0)
    assert counts == wanted | Counter(states.values())
    assert len(states) >= 3
    noted = rows(
        data / "orders.sqlite",
        "SELECT order_id, request_id FROM releases WHERE request_id IS NOT NULL",
    )
    assert 0.1 * ORDERS <= len(noted) <= 0.2 * ORDERS
    assert states.keys() <= {request_id for _, request_id in noted}
    released = {order_id for order_id, request_id in noted if states.get(request_id) == "approved"}
    assert shipped & {order_id for order_id, _ in noted} <= released


def assert_query_of_the_page_finds_what_is_wrong(data: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "shop.md").read_text("utf-8")
    block = re.search(r"sqlite3 orders.sqlite <<'SQL'\n(.*?)\nSQL\n", page, re.DOTALL)
    assert block is not None
    *attach, query, _ = block[1].split(";")
    with contextlib.chdir(data), closing(sqlite3.connect("orders.sqlite")) as database:
        for statement in attach:
            database.execute(statement)
        assert database.execute(query).fetchall() == []
        database.execute("UPDATE orders SET price_minor = price_minor + 1")
        broken = database.execute(query).fetchall()
        assert len(broken) == database.execute(SHIPPED).fetchone()[0] > 0


def assert_query_of_the_page_finds_what_nobody_released(data: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "shop.md").read_text("utf-8")
    block = re.search(r"```sql\n(-- Orders that were shipped without the.*?)```", page, re.DOTALL)
    assert block is not None
    with contextlib.chdir(data), closing(sqlite3.connect("orders.sqlite")) as database:
        database.execute("ATTACH 'shipping.sqlite' AS shipping")
        database.execute("ATTACH 'musterwerk.sqlite' AS m")
        assert database.execute(block[1]).fetchall() == []
        database.execute("UPDATE releases SET request_id = 'order-approval:' || order_id")
        assert len(database.execute(block[1]).fetchall()) > 0


SHIPPED = "SELECT count(*) FROM shipping.shipments WHERE state = 'handed_over'"


def dollars(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2))


async def test_ctrl_c_ends_the_demo_and_all_its_processes(tmp_path: Path) -> None:
    """Nobody has to look for orphans after changing their mind."""
    data = tmp_path / "books"
    demo = await asyncio.create_subprocess_exec(
        *(MUSTERWERK, "demo", "--orders", "100", "--data", data),
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await until(lambda: demo.returncode is not None or accepted(data) > 0)
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(LIMIT):
            assert await demo.wait() == 130
    finally:
        if demo.returncode is None:
            demo.kill()  # its reaper ends the rest
    assert processes_of(data) == []


def accepted(data: Path) -> int:
    try:
        query = "SELECT count(*) FROM orders WHERE accepted_at IS NOT NULL"
        return rows(data / "orders.sqlite", query)[0][0]
    except sqlite3.OperationalError:  # not there yet
        return 0


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Old books would spoil the audit, and the demo might spoil somebody's folder."""
    (tmp_path / "mine.txt").write_text("keep")
    done = musterwerk("demo", "--data", str(tmp_path), home=tmp_path)
    assert done.code == 2
    assert "not an empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("orders", 0),
        ("orders", 7000),
        ("faults", 1.0),
        ("cancel", 2.0),
        ("workers", 0),
        ("kill_workers", -1),
        ("broken_refunds", 400),
        ("report", Path("/nowhere/report.json")),
    ],
)
def test_impossible_wishes_are_refused_before_anything_starts(
    tmp_path: Path, name: str, value: object
) -> None:
    data = tmp_path / "books"
    with pytest.raises(UsageError, match=str(value)):
        commands.demo(data=data, **{name: value})  # pyright: ignore[reportArgumentType] - any of them
    assert not data.exists()
