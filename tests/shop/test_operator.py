"""Refunds that get stuck in the demo, and the operator who sees to every one of them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from musterwerk.errors import ServerError, UsageError
from musterwerk.runtime.connection import Target
from musterwerk.shop.demo import operator
from musterwerk.shop.demo.operator import NAME, CommandLine, Operator, Resolved
from musterwerk.shop.demo.plan import DemoOptions, draw
from musterwerk.shop.demo.report import in_words
from musterwerk.shop.demo.run import run
from musterwerk.shop.services.faults import FaultPlan
from musterwerk.shop.services.payment import api as payment_api
from tests.shop.services.harness import Running, rows, service
from tests.shop.services.test_payment import charge

HERE = Path(__file__).parent
STUCK = 5


async def test_every_stuck_refund_is_resolved_and_the_books_balance(tmp_path: Path) -> None:
    """Exactly as many dead letters as were asked for, under faults and with a killed worker."""
    options = DemoOptions(
        data=tmp_path / "books",
        orders=30,
        seed=5,
        faults=0.4,
        cancel=0.1,
        broken_refunds=STUCK,
        at_once=4,  # fewer than get stuck: those must not keep the others waiting
    )
    report = await run(options, Console(file=io.StringIO()))
    assert (report.violations, report.open) == ([], 0)
    assert report.dead_letters == STUCK
    stuck = draw(options).broken_refunds
    assert [one.order_id for one in report.dead_letter_account] == list(stuck)
    assert [one.action for one in report.dead_letter_account] == ["retry"] * 3 + ["done"] * 2
    assert all("RefundRefused" in one.error for one in report.dead_letter_account)
    assert all(one.step == "charge_payment/1" for one in report.dead_letter_account)
    assert {one.resolved_by for one in report.dead_letter_account[3:]} == {NAME}
    assert report.refunds_by_hand == 2
    assert_paid_back(options.data, stuck)
    words = in_words(report)
    assert f"{STUCK} refund(s) got stuck" in words
    assert "3 repaired and tried again, 2 made by hand" in words


def assert_paid_back(data: Path, stuck: Sequence[str]) -> None:
    listed = ", ".join(f"'{order_id}'" for order_id in stuck)
    charges = f"SELECT order_id, state FROM charges WHERE order_id IN ({listed}) ORDER BY order_id"  # noqa: S608 - our own ids
    assert rows(data / "payment.sqlite", charges) == [(one, "refunded") for one in stuck]
    signed = rows(data / "payment.sqlite", "SELECT order_id FROM manual_refunds ORDER BY order_id")
    assert [order_id for (order_id,) in signed] == list(stuck[3:])
    repaired = rows(data / "payment.sqlite", "SELECT order_id FROM repairs ORDER BY order_id")
    assert [order_id for (order_id,) in repaired] == list(stuck[:3])


@pytest.mark.parametrize("seed", range(5))
def test_only_orders_that_will_surely_be_charged_are_drawn(tmp_path: Path, seed: int) -> None:
    options = DemoOptions(data=tmp_path, orders=200, seed=seed, cancel=0.3, broken_refunds=20)
    plan = draw(options)
    assert plan.broken_refunds == draw(options).broken_refunds
    assert len(set(plan.broken_refunds)) == 20
    wanted = {order.order_id: order for order in plan.orders}
    demand: dict[str, int] = {}
    for order in plan.orders:
        for line in order.lines:
            demand[line.sku] = demand.get(line.sku, 0) + line.quantity
    for order_id in plan.broken_refunds:
        assert wanted[order_id].total.amount > 0
        assert order_id not in plan.cancels
        assert all(demand[line.sku] <= plan.stock[line.sku] for line in wanted[order_id].lines)


def test_broken_refunds_change_nothing_else_of_the_plan(tmp_path: Path) -> None:
    """Or a run that found a bug could not be run again without them."""
    without = draw(DemoOptions(data=tmp_path))
    plan = draw(DemoOptions(data=tmp_path, broken_refunds=3))
    assert (plan.stock, plan.twice, plan.cancels) == (without.stock, without.twice, without.cancels)
    assert without.broken_refunds == []


def test_more_than_can_be_broken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--broken-refunds is 20; of these 20 orders only \d+"):
        draw(DemoOptions(data=tmp_path, orders=20, broken_refunds=20))


class Shell(CommandLine):
    """A shell in which `resolve` fails, and the letters are those given."""

    def __init__(
        self, *listings: list[dict[str, Any]], settled: bool = True, by: Sequence[str] = ()
    ) -> None:
        self.listings = list(listings)
        self.shown = letter("o-1") | {"settled": settled, "answers": [{"by": one} for one in by]}
        self.asked: list[tuple[str, ...]] = []

    async def run(self, *args: str) -> str:
        self.asked.append(args)
        if args[1] == "resolve":
            raise ServerError("step 'charge_payment/1' has no open dead letter")
        if args[1] == "show":
            return json.dumps({"sagas": [{"dead_letters": [self.shown]}]})
        return json.dumps(self.listings.pop(0))


def letter(order_id: str, **other: str) -> dict[str, Any]:
    return {
        "workflow_id": f"order-{order_id}",
        "saga": "order",
        "step": "charge_payment/1",
        "direction": "undo",
        "error": "RefundRefused: no",
        "since": "2026-01-01T00:00:00+00:00",
        **other,
    }


def charged(payment: Running, *orders: str) -> None:
    for order_id in orders:
        while not payment.post("/charges", order_id, charge("1.00", order_id)).is_success:
            pass


@pytest.mark.parametrize(("by", "resolver"), [((), operator.ITSELF), ((NAME,), NAME)])
async def test_the_letter_knows_who_resolved_it(
    tmp_path: Path, by: Sequence[str], resolver: str
) -> None:
    """After the repair the workflow may be faster than the operator, whose command then fails.

    Or the command fails after it has done its work.
    """
    others = [letter("o-9"), letter("o-1", direction="do"), letter("o-1", step="reserve_article/1")]
    shell = Shell(others, [*others, letter("o-1")], by=by)
    with service(payment_api.create(tmp_path, frozenset({"o-1"}))) as payment:
        charged(payment, "o-1")
        async with httpx.AsyncClient() as http:
            on_duty = Operator(shell, tmp_path, http, payment.url)
            await on_duty.resolve(["o-1"])
    assert [(one.resolved_by, one.action) for one in on_duty.account] == [(resolver, "retry")]
    assert [args[1] for args in shell.asked] == ["list", "list", "resolve", "show"]
    assert shell.asked[2][2:] == (
        *("order-o-1", "charge_payment/1", "--retry", "--by", NAME),
        *("--reason", operator.REPAIRED),
    )


async def test_a_letter_that_cannot_be_resolved_fails_the_demo(tmp_path: Path) -> None:
    shell = Shell([letter("o-1")], settled=False)
    with service(payment_api.create(tmp_path, frozenset({"o-1"}))) as payment:
        async with httpx.AsyncClient() as http:
            with pytest.raises(ServerError, match="no open dead letter"):
                await Operator(shell, tmp_path, http, payment.url).resolve(["o-1"])


async def test_an_operator_insists_when_payment_fails(tmp_path: Path) -> None:
    """The faults of the demo do not spare operators, and nobody may be paid back twice."""
    plan = FaultPlan(seed=1, rate=0.8, late=(0.1, 0.2), outage=(0.1, 0.2))
    orders = [f"o-{n}" for n in range(8)]
    letters = [letter(order_id) for order_id in orders]

    class Willing(Shell):
        async def run(self, *args: str) -> str:
            return json.dumps(letters) if args[1] == "list" else ""

    with service(payment_api.create(tmp_path), None) as payment:
        charged(payment, *orders)
    with service(payment_api.create(tmp_path, frozenset(orders)), plan) as payment:
        async with httpx.AsyncClient() as http:
            on_duty = Operator(Willing(), tmp_path, http, payment.url)
            await on_duty.resolve(orders)
    assert on_duty.account[4:] == [
        Resolved(one, "charge_payment/1", "RefundRefused: no", NAME, "done", operator.BY_HAND)
        for one in orders[4:]
    ]
    states = rows(tmp_path / "payment.sqlite", "SELECT state FROM charges ORDER BY order_id")
    assert states == [("captured",)] * 4 + [("refunded",)] * 4
    assert rows(tmp_path / "payment.sqlite", "SELECT count(*) FROM entries") == [(24,)]


async def test_a_command_that_fails_says_what_and_why() -> None:
    line = CommandLine(Target("127.0.0.1:1", isolated=True))
    with pytest.raises(ServerError, match=r"(?s)`musterwerk sagas fly` ended with 2: .*fly"):
        await line.run("sagas", "fly")
