"""Worlds for sagas: the sound services of `tests.mutants`, with an account of their effects."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from temporalio import activity

from musterwerk.testing import Effects
from tests.mutants.books import ONE, Service, Undo
from tests.mutants.saga_worlds import SagaWorld


class Accounted(SagaWorld):
    """`paid` has what the service answered when it was asked for a payment."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.paid: list[bool] = []
        super().__init__()

    def service(self, name: str, undo: Undo = "by key") -> Service:
        return _Entering(name, self.effects)

    @activity.defn
    async def find_payment(self, order: str) -> str | None:
        found = await super().find_payment(order)
        self.paid.append(found is not None)
        return found

    def state(self) -> object:
        return super().state(), self.effects.by_key(), self.paid[-1:]


class Counted(Accounted):
    """`calls` says how often each activity was really called, `places` where it ran."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.places: set[str] = set()
        super().__init__()

    def key(self) -> str:
        info = activity.info()
        self.calls[info.activity_type] += 1
        self.places.add("local" if info.is_local else "remote")
        return super().key()

    def state(self) -> object:
        return super().state(), self.calls, self.places


class Slow(Accounted):
    """Each step takes a second, and so does each undo. `course` has when each began and ended."""

    def __init__(self) -> None:
        self.course: list[str] = []
        super().__init__()

    @activity.defn
    async def reserve(self, order: str) -> str:
        async with self._taking_time("do stock"):
            return await super().reserve(order)

    @activity.defn
    async def release(self, order: str, reservation: str | None) -> None:
        async with self._taking_time("undo stock"):
            await super().release(order, reservation)

    @activity.defn
    async def charge(self, order: str) -> str:
        async with self._taking_time("do payment"):
            return await super().charge(order)

    @activity.defn
    async def refund(self, order: str, payment: str | None) -> None:
        async with self._taking_time("undo payment"):
            await super().refund(order, payment)

    @activity.defn
    async def ship(self, order: str) -> str:
        async with self._taking_time("do parcel"):
            return await super().ship(order)

    @activity.defn
    async def call_back(self, order: str, parcel: str | None) -> None:
        async with self._taking_time("undo parcel"):
            await super().call_back(order, parcel)

    def state(self) -> object:
        return super().state(), self.course

    @asynccontextmanager
    async def _taking_time(self, what: str) -> AsyncGenerator[None]:
        self.course.append(f"{what} begins")
        try:
            yield
            await asyncio.sleep(1)
        finally:
            self.course.append(f"{what} ends")


class _Entering(Service):
    def __init__(self, name: str, effects: Effects) -> None:
        super().__init__(name)
        self._effects = effects

    def do(self, key: str, amount: Decimal = ONE) -> str:
        new = key not in self.done
        receipt = super().do(key, amount)
        if new:
            self._effects.do(self.name, key)
        return receipt

    def undo(self, key: str, amount: Decimal | None = None) -> None:
        stands, first = bool(self.standing.get(key)), key not in self.undone
        super().undo(key, amount)
        if stands or first:
            self._effects.undo(self.name, key, found=stands)
