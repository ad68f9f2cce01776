"""The services in memory do what the real ones do: else what `explore` proves is of no real order.

The same calls are made of both. Their answers and failures are compared, and what is left: of each
order, of the stock, and of each step's key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musterwerk.shop.gateway import Gateway, ServiceUrls
from musterwerk.shop.services.inventory import api as inventory_api
from musterwerk.shop.services.mail import api as mail_api
from musterwerk.shop.services.mail.postman import Postman
from musterwerk.shop.services.payment import api as payment_api
from musterwerk.shop.services.shipping import api as shipping_api
from tests.explored.calls import Call
from tests.explored.services import MemoryServices
from tests.shop.services.harness import SLOW, process, rows, service

pytestmark = pytest.mark.asyncio(loop_scope="module")

STOCK = {"CD": 5, "LP": 1}
ORDERS = ("O", "P")
#: Of the real services' ledgers, as the account of effects in memory has it.
COURSES = {"do": "done", "do undo": "undone", "empty-undo": "tombstone"}
_examples = count(1)
#: As many examples as there is stock for: each has articles of its own.
MOST = 400


class RealServices:
    """The four services on real sockets, with their books in files."""

    def __init__(self, gateway: Gateway, data: Path) -> None:
        self.gateway = gateway
        self.data = data

    async def has(self, example: str) -> dict[str, dict[str, Any]]:
        """By order, as `MemoryServices.has` says it."""
        names = "kept", "reserved", "issued", "waiting", "left"
        found = {f"{example}-{one}": dict.fromkeys(names, 0) for one in ORDERS}
        for name in ("inventory", "payment", "shipping"):
            page = await self.gateway.book(name, after=f"{example}-", limit=len(ORDERS))
            for entry in page.entries:
                if (has := found.get(entry.order_id)) is not None:
                    has["kept"] += sum(money.minor for money in entry.kept)
                    for units in names[1:]:
                        has[units] += getattr(entry, units)
        sent = self.rows("mail", f"messages WHERE order_id LIKE '{example}-%'", "order_id, kind")
        return {
            order_id: {**has, "mails": sorted(kind for of, kind in sent if of == order_id)}
            for order_id, has in found.items()
        }

    def stock(self, example: str) -> dict[str, int]:
        return dict(
            self.rows("inventory", f"articles WHERE sku LIKE '{example}-%'", "sku, available")
        )

    def keys(self, service_name: str, example: str) -> dict[str, str]:
        """Of each step's key what has become of it, for good."""
        where = f"musterwerk_effects WHERE key LIKE '{example}-%'"
        return dict(self.rows(service_name, where, "key, state"))

    def rows(self, service_name: str, where: str, what: str) -> list[Any]:
        return rows(self.data / f"{service_name}.sqlite", f"SELECT {what} FROM {where}")  # noqa: S608 - our names


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealServices]:
    data = tmp_path_factory.mktemp("services")
    stock = {f"e{n}-{sku}": units for n in range(1, MOST + 1) for sku, units in STOCK.items()}
    with ExitStack() as running:
        smtp = running.enter_context(process("musterwerk.shop.smtp", data))
        made = (
            inventory_api.create(data, stock),
            payment_api.create(data),
            shipping_api.create(data),
            mail_api.create(data, Postman("127.0.0.1", smtp.port, SLOW)),
        )
        urls = [running.enter_context(service(one)).url for one in made]
        async with httpx.AsyncClient() as http:
            yield RealServices(Gateway(http, ServiceUrls(*urls), timeout=SLOW), data)


async def compare(real: RealServices, calls: Sequence[Call]) -> list[Any]:
    """Make the calls of both, one after another; returns what both answered."""
    example = f"e{next(_examples)}"
    memory = MemoryServices({f"{example}-{sku}": units for sku, units in STOCK.items()})
    answers: list[Any] = []
    for number, call in enumerate(calls, 1):
        answers.append(await call(real.gateway, example))
        assert await call(memory, example) == answers[-1], f"call {number}: {call}"
    for order_id, has in (await real.has(example)).items():
        assert memory.has(order_id) == has
    assert memory.stock == real.stock(example)
    for name, step in (("inventory", "reserve"), ("payment", "charge"), ("shipping", "ship")):
        courses = {
            key: course for (of, key), course in memory.effects.by_key().items() if of == step
        }
        assert {key: COURSES[one] for key, one in courses.items()} == real.keys(name, example)
    return answers


def refused(kind: str) -> tuple[str, bool]:
    return kind, True


STEPS = {"reserve": "release", "charge": "refund", "ship": "cancel"}


@pytest.mark.parametrize(("step", "undo"), STEPS.items())
async def test_a_step_and_its_undo(real: RealServices, step: Any, undo: Any) -> None:
    do, back = Call(step), Call(undo, key="u")
    once, again, *rest = await compare(real, [do, do, back, back, do, Call(step, key="k2")])
    assert once == again
    assert rest[:3] == [None, None, refused("EffectUndone")]
    assert isinstance(rest[3], dict), "under another key it may be done anew"
    # The undo came first.
    assert await compare(real, [back, do, back, do]) == [
        *(None, refused("EffectUndone")),
        *(None, refused("EffectUndone")),
    ]
    # Under a second key, which finds nothing more to undo.
    assert (await compare(real, [do, back, Call(undo, key="v")]))[1:] == [None, None]


@pytest.mark.parametrize(("step", "undo"), STEPS.items())
async def test_a_key_used_for_something_else(real: RealServices, step: Any, undo: Any) -> None:
    reused = refused("KeyReused")
    do, back = Call(step), Call(undo, key="u")
    assert (await compare(real, [do, Call(step, units=2, cents=99)]))[1:] == [reused]
    assert (await compare(real, [do, Call(step, order="P")]))[1:] == [reused]
    assert (await compare(real, [do, Call(undo, order="P", key="u"), back]))[1:] == [reused, None]
    assert (await compare(real, [do, back, Call(undo, order="P", key="u")]))[2] == reused
    assert (await compare(real, [back, Call(undo, order="P", key="v")])) == [None, None]


@pytest.mark.parametrize(("step", "undo"), STEPS.items())
async def test_an_order_is_served_once(real: RealServices, step: Any, undo: Any) -> None:
    taken = refused("OrderTaken")
    do, other = Call(step), Call(step, key="k2", units=2, cents=99)
    answers = await compare(real, [do, other, Call(undo, key="u"), other, do])
    assert answers[1::3] == [taken, refused("EffectUndone")]
    assert isinstance(answers[3], dict)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (Call("reserve", units=6), "OutOfStock"),
        (Call("reserve", sku="EP"), "UnknownSku"),
        (Call("charge", cents=500_001), "CardDeclined"),
        (Call("charge", cents=0), "InvalidRequest"),
        (Call("ship", units=1001), "CannotShip"),
        (Call("issue"), "NotFound"),
        (Call("hand over"), "NotFound"),
        (Call("confirm", word="no number"), "InvalidRequest"),
        (Call("excuse", word=""), "InvalidRequest"),
    ],
)
async def test_refusals_leave_nothing(real: RealServices, call: Call, kind: str) -> None:
    assert await compare(real, [call, call]) == [refused(kind)] * 2


async def test_the_last_piece_goes_to_one(real: RealServices) -> None:
    """And comes back for the other with the release."""
    first, second = Call("reserve", sku="LP"), Call("reserve", order="P", key="k2", sku="LP")
    release = Call("release", key="u")
    answers = await compare(real, [first, second, release, second])
    assert answers[1] == refused("OutOfStock")
    assert answers[3]["units"] == 1


async def test_what_has_left_stays_away(real: RealServices) -> None:
    gone = refused("AlreadyHandedOver")
    reserve, issue, release = Call("reserve"), Call("issue", key="i"), Call("release", key="u")
    assert (await compare(real, [reserve, issue, issue, release, release]))[1:] == [
        *(None, None),
        *(gone, gone),
    ]
    assert (await compare(real, [reserve, release, issue]))[1:] == [None, refused("NotFound")]
    ship, leave, cancel = Call("ship"), Call("hand over", key="h"), Call("cancel", key="u")
    assert (await compare(real, [ship, leave, leave, cancel, Call("hand over", key="h2")]))[1:] == [
        *(None, None),
        *(gone, None),
    ]
    assert (await compare(real, [ship, cancel, leave]))[1:] == [None, refused("NotFound")]


async def test_a_charge_is_found_while_it_stands(real: RealServices) -> None:
    find, charge, refund = Call("find"), Call("charge"), Call("refund", key="u")
    before, paid, found, _, after, other = await compare(
        real, [find, charge, find, refund, find, Call("find", key="k2")]
    )
    assert (before, found, after, other) == (None, paid, None, None)
    assert await compare(real, [refund, find]) == [None, None]


async def test_each_kind_of_mail_comes_once(real: RealServices) -> None:
    answers = await compare(
        real,
        [
            *(Call("confirm"), Call("confirm"), Call("confirm", word="MW2")),
            *(Call("excuse"), Call("excuse"), Call("excuse", word="another")),
        ],
    )
    assert answers == [None, None, refused("KeyReused")] * 2


KEYS = st.sampled_from(("k", "l"))
ORDER = st.sampled_from(ORDERS)
STEP = st.builds(
    Call,
    st.sampled_from(("reserve", "charge", "ship")),
    order=ORDER,
    key=KEYS,
    sku=st.sampled_from(("CD", "LP", "EP")),
    units=st.sampled_from((1, 3)),
    cents=st.sampled_from((1, 1250)),
)
#: By keys of their own, which hold for one step; and by one that is used for several.
UNDO = st.one_of(
    *(
        st.builds(
            Call,
            st.sampled_from(("release", "refund", "cancel")),
            order=ORDER,
            of=st.just(of),
            key=st.sampled_from((f"{of}:undo", f"{of}:undo", "u")),
        )
        for of in "kl"
    )
)
OTHER = st.builds(
    Call, st.sampled_from(("issue", "hand over", "find")), order=ORDER, key=st.sampled_from("kui")
)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls=st.lists(st.one_of(STEP, STEP, UNDO, OTHER), min_size=3, max_size=12))
async def test_any_calls(real: RealServices, calls: list[Call]) -> None:
    await compare(real, calls)
