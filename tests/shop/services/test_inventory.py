"""The warehouse: whoever oversells, has to disappoint a customer who has paid."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from musterwerk.errors import UsageError
from musterwerk.shop.services.inventory import api as inventory_api
from musterwerk.shop.services.inventory import books
from tests.shop.services.conftest import STOCK
from tests.shop.services.harness import Running, rows, service, slug


def wanted(order_id: str, quantity: int, sku: str = "CD-1") -> dict[str, Any]:
    return {"order_id": order_id, "sku": sku, "quantity": quantity}


def stock(inventory: Running, sku: str) -> tuple[int, int, int]:
    found = next(article for article in inventory.get("/stock") if article["sku"] == sku)
    return found["available"], found["reserved"], found["shipped"]


def test_stock_is_adjusted_never_overwritten(inventory: Running, tmp_path: Path) -> None:
    """An order that releases what it had must not wipe out what others took meanwhile."""
    assert inventory.post("/reservations", "k1", wanted("o-1", 2)).status_code == 200
    before = stock(inventory, "CD-1")
    assert before == (3, 2, 0)

    def reserve_one(n: int) -> httpx.Response:
        return inventory.post("/reservations", f"r{n}", wanted(f"r-{n}", 1))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(reserve_one, range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 5
    released = inventory.post("/reservations/release", "u1", {"order_id": "o-1", "key": "k1"})
    assert released.status_code == 204
    assert stock(inventory, "CD-1") == (2, 3, 0)
    sums = "SELECT sum(available_delta), sum(reserved_delta), sum(shipped_delta) FROM movements"
    assert rows(tmp_path / "inventory.sqlite", sums) == [(-3, 3, 0)]


def test_a_reservation_takes_all_units_or_none(inventory: Running) -> None:
    answer = inventory.post("/reservations", "k1", wanted("o-1", 2, "CD-2"))
    assert (answer.status_code, slug(answer)) == (409, "out-of-stock")
    assert answer.json()["detail"] == "CD-2: 2 wanted, 1 in stock"
    assert stock(inventory, "CD-2") == (1, 0, 0)


def test_an_unknown_article_is_named(inventory: Running) -> None:
    answer = inventory.post("/reservations", "k1", wanted("o-1", 1, "CD-99"))
    assert (answer.status_code, slug(answer)) == (422, "unknown-sku")
    assert "CD-99" in answer.json()["detail"]


def test_issued_goods_have_left_for_good(inventory: Running) -> None:
    """Goods on their way to a customer must not come back on the shelf by a late release."""
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    for key in ("i1", "i1", "i2"):
        assert inventory.post("/reservations/issue", key, {"order_id": "o-1"}).status_code == 204
    assert stock(inventory, "CD-1") == (3, 0, 2)
    late = inventory.post("/reservations/release", "u1", {"order_id": "o-1", "key": "k1"})
    assert (late.status_code, slug(late)) == (409, "already-handed-over")
    assert stock(inventory, "CD-1") == (3, 0, 2)


def test_all_articles_of_an_order_leave_together(inventory: Running, tmp_path: Path) -> None:
    """Half a parcel is what no customer ordered; a released article stays in the house."""
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    inventory.post("/reservations", "k2", wanted("o-1", 1, "CD-2"))
    inventory.post("/reservations", "k3", wanted("o-2", 1))
    for key in ("i1", "i1", "i2"):
        assert inventory.post("/reservations/issue", key, {"order_id": "o-1"}).status_code == 204
    assert (stock(inventory, "CD-1"), stock(inventory, "CD-2")) == ((2, 1, 2), (0, 0, 1))
    states = "SELECT key, state FROM reservations ORDER BY key"
    found = rows(tmp_path / "inventory.sqlite", states)
    assert found == [("k1", "issued"), ("k2", "issued"), ("k3", "reserved")]


def test_an_issue_that_fails_half_way_has_issued_nothing(
    inventory: Running, tmp_path: Path
) -> None:
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    inventory.post("/reservations", "k2", wanted("o-1", 1, "CD-2"))
    with closing(sqlite3.connect(tmp_path / "inventory.sqlite", isolation_level=None)) as hand:
        hand.execute(
            "CREATE TRIGGER jam BEFORE UPDATE ON articles WHEN NEW.sku = 'CD-2'"
            " AND NEW.shipped > 0 BEGIN SELECT RAISE(ABORT, 'jammed'); END"
        )
        failed = inventory.post("/reservations/issue", "i1", {"order_id": "o-1"})
        assert failed.status_code == 500
        assert (stock(inventory, "CD-1"), stock(inventory, "CD-2")) == ((3, 2, 0), (0, 1, 0))
        hand.execute("DROP TRIGGER jam")
    assert inventory.post("/reservations/issue", "i1", {"order_id": "o-1"}).status_code == 204
    assert (stock(inventory, "CD-1"), stock(inventory, "CD-2")) == ((3, 0, 2), (0, 0, 1))


def test_a_release_takes_one_article_of_an_order(inventory: Running) -> None:
    """The branches of an order are undone one by one, and know nothing of each other."""
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    inventory.post("/reservations", "k2", wanted("o-1", 1, "CD-2"))
    released = inventory.post("/reservations/release", "u1", {"order_id": "o-1", "key": "k1"})
    assert released.status_code == 204
    assert (stock(inventory, "CD-1"), stock(inventory, "CD-2")) == ((5, 0, 0), (0, 1, 0))


def test_released_goods_are_not_issued(inventory: Running) -> None:
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    inventory.post("/reservations/release", "u1", {"order_id": "o-1", "key": "k1"})
    named = inventory.post("/reservations/issue", "i1", {"order_id": "o-1", "key": "k1"})
    assert (named.status_code, slug(named)) == (410, "undone")
    found = inventory.post("/reservations/issue", "i2", {"order_id": "o-1"})
    assert (found.status_code, slug(found)) == (404, "not-found")


def test_a_release_that_comes_first_stops_the_reservation(inventory: Running) -> None:
    """A reservation that was held up on its way must not land after its undo and stay forever."""
    first = inventory.post("/reservations/release", "u1", {"order_id": "o-1", "key": "k1"})
    assert first.status_code == 204
    late = inventory.post("/reservations", "k1", wanted("o-1", 2))
    assert (late.status_code, slug(late)) == (410, "undone")
    assert stock(inventory, "CD-1") == (5, 0, 0)


def test_a_release_needs_the_right_order(inventory: Running) -> None:
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    answer = inventory.post("/reservations/release", "u1", {"order_id": "o-2", "key": "k1"})
    assert (answer.status_code, slug(answer)) == (422, "key-reused")
    assert stock(inventory, "CD-1") == (3, 2, 0)


def test_an_order_holds_one_reservation_of_an_article(inventory: Running) -> None:
    inventory.post("/reservations", "k1", wanted("o-1", 1))
    second = inventory.post("/reservations", "k2", wanted("o-1", 1))
    assert (second.status_code, slug(second)) == (409, "order-taken")
    assert inventory.post("/reservations", "k4", wanted("o-1", 1, "CD-2")).status_code == 200
    inventory.post("/reservations/release", "u1", {"order_id": "o-1", "key": "k1"})
    assert inventory.post("/reservations", "k3", wanted("o-1", 1)).status_code == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE articles SET available = -1, reserved = reserved + 1 WHERE sku = 'CD-2'",
        "UPDATE articles SET available = available + 1 WHERE sku = 'CD-1'",
        "INSERT INTO movements (sku, order_id, reservation_id, kind, available_delta,"
        " reserved_delta, shipped_delta, at)"
        " SELECT 'CD-2', order_id, reservation_id, 'reserve', -2, 2, 0, '' FROM reservations",
        "UPDATE movements SET available_delta = 0, reserved_delta = 0",
        "DELETE FROM movements",
    ],
)
def test_the_database_itself_refuses_to_oversell(
    inventory: Running, tmp_path: Path, statement: str
) -> None:
    """Whatever bug or hand writes to the tables: no stock below zero, no unit out of nothing."""
    inventory.post("/reservations", "k1", wanted("o-1", 1))
    with (
        closing(sqlite3.connect(tmp_path / "inventory.sqlite", timeout=10)) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute(statement)


def test_an_existing_warehouse_keeps_its_stock(inventory: Running, tmp_path: Path) -> None:
    """A restart must not fill the shelves again."""
    inventory.post("/reservations", "k1", wanted("o-1", 2))
    with service(inventory_api.create(tmp_path, {**STOCK, "CD-1": 100})) as again:
        assert stock(again, "CD-1") == (3, 2, 0)


@pytest.mark.parametrize("text", ['{"CD-1": -1}', '{"CD-1": 1.5}', '{"a b": 1}', "[]", "{", ""])
def test_a_broken_stock_list_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stock.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"stock\.json"):
        books.read_stock(path)
