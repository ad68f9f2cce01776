"""The laws of a step and its undo: what breaks a saga is found, what does not is left alone."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError

from musterwerk.errors import UsageError
from musterwerk.saga import step_key
from musterwerk.shop.activities import ShopActivities
from musterwerk.shop.gateway import Gateway, ServiceUrls
from musterwerk.shop.model import Line, Money, Order
from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.inventory import api as inventory
from musterwerk.shop.services.payment import api as payment
from musterwerk.shop.services.shipping import api as shipping
from musterwerk.testing import LawReport, check_laws
from tests.mutants import saga_worlds, worlds
from tests.mutants.books import Shop
from tests.shop.services.harness import rows

DO, UNDO = "do.do = do", "undo.undo = undo"
LATE, CONSERVES = "undo.do = nothing", "do.undo conserves"


def books(world: Shop) -> object:
    services = (world.stock, world.payments, world.parcels, world.wraps)
    return [service.total for service in services]


async def check(world: Any, do: str = "charge", undo: str = "refund", **options: Any) -> LawReport:
    given: dict[str, Any] = {"args": ("O-1",), "observe": books}
    return await check_laws(do=do, undo=undo, world=world, **given | options)


@pytest.mark.parametrize("world", [worlds.World, worlds.TwoPieces])
@pytest.mark.parametrize(
    ("do", "undo"),
    [("reserve", "release"), ("charge", "refund"), ("ship", "call_back"), ("wrap", "unwrap")],
)
async def test_sound_services_keep_all_laws(world: Any, do: str, undo: str) -> None:
    report = await check(world, do, undo)
    assert report.ok
    assert str(report.raise_if_violated()) == f"{do} and {undo} keep all 4 laws."


@pytest.mark.parametrize("world", [saga_worlds.SagaWorld, saga_worlds.RefusesARepetition])
async def test_sound_services_of_a_saga_keep_all_laws(world: Any) -> None:
    for do, undo in (("reserve", "release"), ("charge", "refund"), ("ship", "call_back")):
        (await check(world, do, undo)).raise_if_violated()


@pytest.mark.parametrize(
    ("world", "violated"),
    [
        (worlds.WithoutTombstones, [LATE]),
        (worlds.WithoutKeys, [DO]),
        (worlds.BlindRefunds, [UNDO, LATE]),
        (worlds.RepeatedRefunds, [UNDO]),
        (worlds.KeyPerAttempt, [DO, LATE]),
        (worlds.FreshKeys, [DO, LATE]),
        (worlds.OneTableOfKeys, [CONSERVES]),
        (saga_worlds.SagaWithoutTombstones, [LATE]),
        (saga_worlds.SagaWithoutKeys, [DO]),
        (saga_worlds.UsesTheWholeKey, [LATE, CONSERVES]),
        (saga_worlds.AddsTheAttempt, [DO, LATE, CONSERVES]),
        (saga_worlds.RefundsByReceipt, [LATE, CONSERVES]),
        (saga_worlds.RefundsTheGoods, [CONSERVES]),
    ],
)
async def test_each_flaw_violates_its_law(world: Any, violated: list[str]) -> None:
    report = await check(world)
    assert [violation.law for violation in report.violations] == violated
    assert not report.ok
    with pytest.raises(AssertionError):
        report.raise_if_violated()


async def test_a_violation_says_what_was_done_what_was_seen_and_what_to_do() -> None:
    (violation,) = (await check(saga_worlds.SagaWithoutTombstones)).violations
    untouched: list[Decimal] = books(saga_worlds.SagaWorld())  # type: ignore[assignment]
    assert violation.expected == untouched
    assert violation.seen == [0, Decimal("73.00"), 0, 0]
    undone, late = violation.calls
    assert (undone.activity, undone.args, undone.answer) == ("refund", ("O-1", None), None)
    assert (late.activity, late.attempt, late.error) == ("charge", 1, None)
    text = str(await check(saga_worlds.SagaWithoutTombstones))
    assert text.startswith("charge and its undo refund violate 1 of 4 laws:")
    assert "1. refund('O-1', None), attempt 1: answered None" in text
    assert "remember the key of what was undone (a tombstone)" in text


async def test_the_undo_is_given_the_real_answer() -> None:
    """RefundsByReceipt is sound where the answer is known; it is found where that was lost."""
    report = await check(saga_worlds.RefundsByReceipt)
    conserves = report.violations[-1]
    assert [call.args[1:] for call in conserves.calls] == [(), (None,)]


async def test_an_undo_with_arguments_of_its_own() -> None:
    report = await check(worlds.World, undo="refund_amount", undo_args=("O-1", "73.00"))
    assert report.ok
    report = await check(worlds.World, undo="refund_amount", undo_args=("O-1", "68.10"))
    assert [violation.law for violation in report.violations] == [CONSERVES]
    seen: list[object] = []

    def receipt(answer: str | None) -> list[str]:
        seen.append(answer)
        return [answer or "payment:O-1"]

    assert (await check(worlds.World, undo="refund_receipt", undo_args=receipt)).ok
    assert set(seen) == {"payment:O-1", None}


async def test_found_by_function_as_well() -> None:
    for world in (saga_worlds.SagaWorld, saga_worlds.SagaWithoutKeys):
        report = await check_laws(
            do=world.charge, undo=world.refund, world=world, args=["O-1"], observe=books
        )
        assert (report.do, report.undo) == ("charge", "refund")
        assert report.ok == (world is saga_worlds.SagaWorld)


class Strict(saga_worlds.SagaWorld):
    """Flaw: an undo that finds nothing is an error, so it is retried until somebody looks."""

    @activity.defn
    async def refund(self, order: str, payment: str | None) -> None:
        if self.key() not in self.payments.done:
            raise ApplicationError("no such payment")
        self.pay_back(self.key())


async def test_an_undo_must_succeed() -> None:
    report = await check(Strict)
    assert [violation.law for violation in report.violations] == [LATE]
    assert report.violations[0].seen == "ApplicationError: no such payment"
    assert "the undo succeeds" in str(report)


class InThreads(Shop):
    """Plain functions, which a worker runs in threads."""

    attempts: set[tuple[str, int]] = set()  # noqa: RUF012 - over all worlds

    @activity.defn(name="take")
    def charge(self, order: str) -> str:
        self.attempts.add((step_key().direction, activity.info().attempt))
        return self.payments.do(step_key().business_key)

    @activity.defn(name="give back")
    def refund(self, order: str, payment: str | None) -> None:
        self.attempts.add((step_key().direction, activity.info().attempt))
        self.payments.undo(step_key().business_key)

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.charge, self.refund]


async def test_plain_functions_under_names_of_their_own() -> None:
    assert (await check(InThreads, "take", "give back")).ok
    assert InThreads.attempts == {("do", 1), ("do", 2), ("undo", 1), ("undo", 2)}


class ShopWorld:
    """The shop's real services, on real databases, without the network in between."""

    def __init__(self) -> None:
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        self.data = Path(self._ending.enter_context(tempfile.TemporaryDirectory()))
        services = [
            inventory.create(self.data, {"CD-1": 5}),
            payment.create(self.data),
            shipping.create(self.data),
        ]
        transports: dict[str, httpx.AsyncBaseTransport | None] = {}
        for service in services:
            self._ending.callback(service.close)
            transports[f"http://{service.name}"] = httpx.ASGITransport(create_app(service))
        urls = ServiceUrls("http://inventory", "http://payment", "http://shipping", "http://mail")
        http = httpx.AsyncClient(mounts=transports)
        self._activities = ShopActivities(Gateway(http, urls, timeout=20))
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def activities(self) -> Sequence[Callable[..., Any]]:
        return self._activities.all()

    def effects(self) -> object:
        """What counts: money kept, goods set aside, parcels on their way."""
        counts = {
            "payment": "SELECT amount_minor FROM charges WHERE state = 'captured'",
            "inventory": "SELECT sku, available, reserved FROM articles",
            "shipping": "SELECT order_id FROM shipments WHERE state = 'created'",
        }
        return {name: rows(self.data / f"{name}.sqlite", sql) for name, sql in counts.items()}


LINE = Line(sku="CD-1", quantity=2)
ORDER = Order(
    order_id="o-1",
    customer_id="C-1",
    email="c-1@customers.example",
    lines=[LINE],
    total=Money(amount=Decimal("73.00"), currency="USD"),
)


@pytest.mark.parametrize(
    ("do", "undo", "args"),
    [
        ("reserve_article", "release_article", (ORDER, LINE)),
        ("charge_payment", "refund_payment", (ORDER,)),
        ("create_shipment", "cancel_shipment", (ORDER,)),
    ],
)
async def test_the_shops_real_services_keep_all_laws(
    do: str, undo: str, args: tuple[object, ...]
) -> None:
    report = await check_laws(
        do=do, undo=undo, world=ShopWorld, args=args, observe=ShopWorld.effects
    )
    report.raise_if_violated()


class NoActivities:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class Fails(saga_worlds.SagaWorld):
    @activity.defn
    async def charge(self, order: str) -> str:
        raise RuntimeError("no bank")


def incomparable(_: Any) -> object:
    class NotAPicture:
        def __eq__(self, other: object) -> bool:
            raise TypeError("elementwise")

    return NotAPicture()


def payments(world: saga_worlds.SagaWorld) -> object:
    return world.payments


def of_the_moment(_: Any) -> object:
    return random.random()  # noqa: S311


def once_only(_: Any) -> object:
    return (letter for letter in "ab")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do": "pay"}, r"no activity 'pay' \(it has: .*charge.*add it there"),
        ({"undo": saga_worlds.SagaWorld().key}, "key.*is no activity: decorate"),
        ({"world": NoActivities}, "NoActivities has no method activities"),
        ({"world": object}, "is no context manager"),
        ({"world": Fails}, "failed in an untouched world.*RuntimeError: no bank"),
        ({"args": ()}, r"charge\(order: .*not called with 0 argument"),
        ({"undo": "refund", "undo_args": ("O-1",)}, r"refund\(.*not called with `undo_args`"),
        ({"do": "tell", "undo": "refund", "args": ("O-1",)}, "sees no effect of tell"),
        ({"observe": payments}, "not equal, though nothing happened"),
        ({"observe": of_the_moment}, "not equal, though nothing happened"),
        ({"observe": once_only}, "cannot be copied"),
        ({"observe": incomparable}, r"cannot be compared with == \(elementwise\)"),
    ],
)
async def test_what_cannot_be_tried_is_said(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"world": saga_worlds.SagaWorld}
    with pytest.raises(UsageError, match=message):
        await check(**given | options)


class AsksForMore(Shop):
    @activity.defn
    async def charge(self, order: str) -> None: ...

    @activity.defn
    async def refund(self, order: str, payment: str | None, reason: str) -> None: ...

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.charge, self.refund]


async def test_an_undo_of_another_shape_is_said() -> None:
    with pytest.raises(UsageError, match=r"refund\(order: .*give check_laws `undo_args`"):
        await check(AsksForMore)
