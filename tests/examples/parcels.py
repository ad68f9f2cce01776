"""One workflow in several versions, as they come one after the other. The sandbox loads this."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from musterwerk import Saga

with workflow.unsafe.imports_passed_through():
    from tests.saga.world import World

LIMIT = timedelta(seconds=20)


class Gate:
    def __init__(self) -> None:
        self.opened = False

    @workflow.signal
    def go(self) -> None:
        self.opened = True

    async def gate(self) -> None:
        await workflow.wait_condition(lambda: self.opened)


async def reserve(saga: Saga) -> None:
    await saga.run(World.reserve, "O-1", undo=World.release, start_to_close_timeout=LIMIT)


async def charge(saga: Saga) -> None:
    await saga.run(World.charge, "O-1", undo=World.refund, start_to_close_timeout=LIMIT)


async def ship(saga: Saga) -> None:
    await saga.run(World.ship, "O-1", undo=World.unship, start_to_close_timeout=LIMIT)


@workflow.defn(name="Parcel")
class Version1(Gate):
    """Reserve, charge, wait, reserve again, ship."""

    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            await reserve(saga)
            await charge(saga)
            await self.gate()
            await reserve(saga)
            await ship(saga)


@workflow.defn(name="Parcel")
class Inserted(Gate):
    """With a step in the middle, for those that begin from now on."""

    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            await reserve(saga)
            if workflow.patched("insured"):
                await saga.run("insure", "O-1", undo="uninsure", start_to_close_timeout=LIMIT)
            await charge(saga)
            await self.gate()
            await reserve(saga)
            await ship(saga)


@workflow.defn(name="Parcel")
class Unguarded(Gate):
    """As above, without asking who began earlier."""

    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            await reserve(saga)
            await saga.run("insure", "O-1", undo="uninsure", start_to_close_timeout=LIMIT)
            await charge(saga)
            await self.gate()
            await reserve(saga)
            await ship(saga)


@workflow.defn(name="Parcel")
class Removed(Gate):
    """Charges no more."""

    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            await reserve(saga)
            if not workflow.patched("free of charge"):
                await charge(saga)
            await self.gate()
            await reserve(saga)
            await ship(saga)
