"""The services as processes: a demo that leaves one behind has failed."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from musterwerk.shop.services.faults import FaultPlan
from tests.shop.services.harness import SLOW, Process, process

SERVICES = ("inventory", "payment", "shipping", "mail")
MONEY = {"amount": "1.00", "currency": "EUR"}


def arguments(name: str) -> list[str]:
    return ["--smtp", "127.0.0.1:1"] if name == "mail" else []


def healthy(started: Process, name: str) -> bool:
    # The socket listens before the process is there, so this waits and never fails to connect.
    answer = httpx.get(f"{started.url}/health", timeout=SLOW).json()
    return answer == {"status": "ok", "service": name}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_ends_when_its_parent_does(tmp_path: Path, name: str) -> None:
    """A parent that was killed cannot stop its children; the end of their stdin does."""
    with process(f"musterwerk.shop.services.{name}", tmp_path, *arguments(name)) as started:
        assert healthy(started, name)
        assert started.end()[0] == 0
    assert (tmp_path / f"{name}.sqlite").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_ends_at_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with process("musterwerk.shop.services.payment", tmp_path) as started:
        assert healthy(started, "payment")
        started.popen.send_signal(number)
        assert started.popen.wait(SLOW) == 0


def test_a_service_finishes_what_it_has_begun(tmp_path: Path) -> None:
    """A request held back by a fault is still handled when the service is told to stop."""
    plan = FaultPlan(seed=1, rate=1.0)
    late = next(
        order
        for order in (f"o-{n}" for n in range(1000))
        if (fault := plan.decide("payment", "/charges", order, 1)) and fault.kind == "late"
    )
    body = {"order_id": late, "customer_id": "C-1", "amount": MONEY}
    faults = ("--faults", "1", "--seed", "1")
    with process("musterwerk.shop.services.payment", tmp_path, *faults) as started:
        assert healthy(started, "payment")
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{started.url}/charges",
                json=body,
                headers={"Idempotency-Key": "k1"},
                timeout=httpx.Timeout(SLOW, read=0.5),
            )
        assert started.end()[0] == 0
    with closing(sqlite3.connect(tmp_path / "payment.sqlite")) as books:
        assert books.execute("SELECT order_id FROM charges").fetchall() == [(late,)]


def test_the_stock_of_a_new_warehouse_comes_from_a_file(tmp_path: Path) -> None:
    listing = tmp_path / "stock.json"
    listing.write_text(json.dumps({"CD-1": 3}))
    arguments = ("--stock", str(listing))
    with process("musterwerk.shop.services.inventory", tmp_path, *arguments) as started:
        stock = httpx.get(f"{started.url}/stock", timeout=SLOW).json()
    assert stock == [{"sku": "CD-1", "available": 3, "reserved": 0, "shipped": 0}]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("inventory", ["--stock", "/nowhere/stock.json"]),
        ("payment", ["--faults", "2"]),
        ("mail", ["--smtp", "nowhere"]),
    ],
)
def test_wrong_arguments_end_with_2(tmp_path: Path, name: str, wrong: list[str]) -> None:
    with process(f"musterwerk.shop.services.{name}", tmp_path, *wrong) as started:
        code, written = started.end()
    assert code == 2
    assert "error:" in written
    assert "Traceback" not in written


@pytest.mark.parametrize("number", [None, signal.SIGTERM])
def test_the_catching_mail_server_ends(tmp_path: Path, number: signal.Signals | None) -> None:
    with process("musterwerk.shop.smtp", tmp_path) as started:
        greeting = _greeting(started.port)
        assert greeting.startswith(b"220 ")
        if number is not None:
            started.popen.send_signal(number)
            assert started.popen.wait(SLOW) == 0
        else:
            assert started.end()[0] == 0


def _greeting(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=SLOW) as connection:
        return connection.recv(200)
