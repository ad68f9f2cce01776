"""Injected faults: each kind has to do what it says, or the demo proves nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from musterwerk.shop import gateway
from musterwerk.shop.services.faults import KINDS, SHARES, FaultPlan
from musterwerk.shop.services.inventory import api as inventory_api
from musterwerk.shop.services.payment import api as payment_api
from tests.shop.services.harness import only, rows, service, slug, wait_until

PATHS = ("/charges", "/charges/refund")
MOVED = "SELECT kind FROM movements"


def charge(order_id: str = "o-1") -> dict[str, Any]:
    money = {"amount": "12.50", "currency": "USD"}
    return {"order_id": order_id, "customer_id": "C-17", "amount": money}


def captured(data: Path) -> int:
    return rows(data / "payment.sqlite", "SELECT count(*) FROM charges")[0][0]


def decisions(plan: FaultPlan) -> list[str | None]:
    found = [
        plan.decide("payment", path, f"o-{order}", nth)
        for path in PATHS
        for order in range(1000)
        for nth in (1, 2)
    ]
    return [fault and fault.kind for fault in found]


def test_the_same_seed_gives_the_same_faults() -> None:
    """Or a run that found a bug could never be run again."""
    assert decisions(FaultPlan(seed=7, rate=0.4)) == decisions(FaultPlan(seed=7, rate=0.4))
    assert decisions(FaultPlan(seed=7, rate=0.4)) != decisions(FaultPlan(seed=8, rate=0.4))


def test_the_rate_and_the_shares_are_kept() -> None:
    found = decisions(FaultPlan(seed=1, rate=0.4))
    faults = [kind for kind in found if kind is not None]
    assert 0.36 < len(faults) / len(found) < 0.44
    for kind in KINDS:
        assert abs(faults.count(kind) / len(faults) - SHARES[kind]) < 0.04
    assert set(decisions(FaultPlan(seed=1))) == {None}


def test_faults_follow_the_order_not_the_key(tmp_path: Path) -> None:
    """Keys are new in every run: a seed that depended on them would repeat nothing."""
    seen: list[list[int]] = []
    for run in ("first", "second"):
        plan = FaultPlan(seed=3, rate=0.5, shares={"fail_before": 1.0})
        with service(payment_api.create(tmp_path / run), plan) as payment:
            seen.append(
                [
                    payment.post("/charges", f"{run}-{n}", charge(f"o-{n}")).status_code
                    for n in range(20)
                ]
            )
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 500}


def test_refuse_is_a_business_refusal_without_effect(tmp_path: Path) -> None:
    with service(payment_api.create(tmp_path), only("refuse")) as payment:
        answer = payment.post("/charges", "k1", charge())
        assert (answer.status_code, slug(answer)) == (402, "card-declined")
        assert captured(tmp_path) == 0
        assert payment.injected() == {"refuse": 1}


def test_undos_are_not_refused(tmp_path: Path) -> None:
    """A bank may decline a charge, never a refund: there it becomes an outage."""
    with service(payment_api.create(tmp_path), only("refuse")) as payment:
        answer = payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"})
        assert (answer.status_code, slug(answer)) == (500, "internal")
        assert payment.injected() == {"fail_before": 1}


def test_fail_before_leaves_nothing(tmp_path: Path) -> None:
    with service(payment_api.create(tmp_path), only("fail_before")) as payment:
        assert payment.post("/charges", "k1", charge()).status_code == 500
        assert captured(tmp_path) == 0


def test_lose_reply_leaves_the_effect_without_an_answer(tmp_path: Path) -> None:
    """In both ways that it happens: an error, and a connection that ends in mid-answer."""
    ways: set[str] = set()
    with service(payment_api.create(tmp_path), only("lose_reply")) as payment:
        for n in range(12):
            try:
                ways.add(str(payment.post("/charges", f"k{n}", charge(f"o-{n}")).status_code))
            except httpx.RemoteProtocolError:
                ways.add("dropped")
            assert captured(tmp_path) == n + 1
    assert ways == {"500", "dropped"}


def test_late_lands_after_the_caller_has_gone(tmp_path: Path) -> None:
    plan = only("late", late=(0.5, 0.6))
    with service(payment_api.create(tmp_path), plan) as payment:
        with pytest.raises(httpx.ReadTimeout):
            payment.post("/charges", "k1", charge(), timeout=0.2)
        assert payment.get("/faults")["in_flight"] == 1
        assert captured(tmp_path) == 0
        wait_until(lambda: payment.get("/faults")["in_flight"] == 0)
        assert captured(tmp_path) == 1


def test_late_may_land_after_the_undo_and_is_refused(tmp_path: Path) -> None:
    """The zombie: its order is undone and told so, and then its charge arrives."""
    late = FaultPlan(rate=0.5, shares={"late": 1.0}, late=(0.5, 0.6))
    order = next(
        name
        for name in (f"o-{n}" for n in range(100))
        if late.decide("payment", "/charges", name, 1)
        and not late.decide("payment", "/charges/refund", name, 1)
    )
    with service(payment_api.create(tmp_path), late) as payment:
        with pytest.raises(httpx.ReadTimeout):
            payment.post("/charges", "k1", charge(order), timeout=0.2)
        undone = payment.post("/charges/refund", "u1", {"order_id": order, "key": "k1"})
        assert undone.status_code == 204
        wait_until(lambda: payment.get("/faults")["in_flight"] == 0)
        assert captured(tmp_path) == 0


def test_late_is_later_than_the_gateway_waits() -> None:
    assert FaultPlan().late[0] > gateway.TIMEOUT


def test_unavailable_takes_the_whole_service_down_for_a_while(tmp_path: Path) -> None:
    plan = FaultPlan(rate=0.02, shares={"unavailable": 1.0}, outage=(0.4, 0.5))

    def met(order: str, requests: int) -> bool:
        seen = range(1, requests + 1)
        return any(plan.decide("payment", "/charges", order, nth) for nth in seen)

    names = [f"o-{n}" for n in range(1000)]
    struck = next(name for name in names if met(name, 1))
    calm = next(name for name in names if not met(name, 100))
    with service(payment_api.create(tmp_path), plan) as payment:
        assert payment.post("/charges", "k1", charge(struck)).status_code == 503
        asked = payment.http.get("/charges/k1")
        assert (asked.status_code, slug(asked)) == (503, "unavailable")
        other = payment.post("/charges", "k2", charge(calm))
        assert (other.status_code, slug(other)) == (503, "unavailable")
        assert other.headers["Retry-After"]
        assert payment.get("/health")["status"] == "ok"
        assert captured(tmp_path) == 0
        wait_until(lambda: payment.post("/charges", "k2", charge(calm)).is_success)
        assert payment.http.get("/charges/k2").is_success
        assert payment.injected() == {"unavailable": 1}


def test_duplicate_is_handled_twice_and_happens_once(tmp_path: Path) -> None:
    """Without the ledger every second unit of the shop would be promised to nobody."""
    made = inventory_api.create(tmp_path, {"CD-1": 100})
    answers: list[int] = []
    with service(made, only("duplicate")) as inventory:
        for n in range(12):
            body = {"order_id": f"o-{n}", "sku": "CD-1", "quantity": 1}
            answers.append(inventory.post("/reservations", f"k{n}", body).status_code)
        assert inventory.get("/stock")[0]["reserved"] == 12
    assert len(rows(tmp_path / "inventory.sqlite", MOVED)) == 12
    # One after the other the second is a replay; at once it is refused as still under way.
    assert set(answers) == {200, 409}


def test_reading_meets_no_fault(tmp_path: Path) -> None:
    with service(inventory_api.create(tmp_path, {"CD-1": 1}), only("fail_before")) as inventory:
        for path in ("/stock", "/health", "/faults"):
            inventory.get(path)
        assert inventory.injected() == {}


def test_requests_under_way_are_counted(tmp_path: Path) -> None:
    """The demo waits for the last straggler by this count before it checks the books."""
    plan = only("late", late=(0.6, 0.7))
    with (
        service(payment_api.create(tmp_path), plan) as payment,
        ThreadPoolExecutor(4) as pool,
    ):
        sent = [pool.submit(payment.post, "/charges", f"k{n}", charge(f"o-{n}")) for n in range(4)]
        wait_until(lambda: payment.get("/faults")["in_flight"] == 4)
        assert all(answer.result().status_code == 200 for answer in sent)
        wait_until(lambda: payment.get("/faults")["in_flight"] == 0)


def test_a_body_without_an_order_is_the_services_business(tmp_path: Path) -> None:
    with service(payment_api.create(tmp_path), FaultPlan(rate=1e-9)) as payment:
        for content in (b"{", b"[]", b"[" * 100_000, b'{"order_id": 5}', b"\xff"):
            answer = payment.http.post(
                "/charges", content=content, headers={"Idempotency-Key": "k1"}
            )
            assert slug(answer) == "invalid"
