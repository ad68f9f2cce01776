"""Promises to type checkers: this file is checked, not run.

Each line that must be refused carries an ignore for the rule that refuses it; the checker
reports an ignore that is no longer needed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from temporalio import activity, workflow

from musterwerk import Saga

MINUTE = timedelta(minutes=1)


@activity.defn
async def charge(order: str, cents: int) -> float: ...
@activity.defn
async def refund(order: str, cents: int, charged: float | None) -> None: ...
@activity.defn
async def refund_needs_a_result(order: str, cents: int, charged: float) -> None: ...
@activity.defn
async def refund_takes_too_little(order: str) -> None: ...
@activity.defn
def reserve(order: str) -> str: ...
@activity.defn
def release(order: str, reserved: str | None) -> None: ...


@activity.defn
async def find_charge(order: str, cents: int) -> float | None: ...
@activity.defn
async def find_nothing(order: str) -> float | None: ...


@workflow.defn
class Flight:
    @workflow.run
    async def run(self, trip: str, seats: int) -> bytes: ...


class Shop:
    @activity.defn
    async def ship(self, order: str) -> bytes: ...
    @activity.defn
    async def unship(self, order: str, shipped: bytes | None) -> None: ...
    @activity.defn
    def label(self, order: str) -> int: ...


async def steps(saga: Saga) -> None:
    assert_type(await saga.run(charge, "O-1", 5, undo=refund, start_to_close_timeout=MINUTE), float)
    assert_type(await saga.run(reserve, "O-1", undo=release, start_to_close_timeout=MINUTE), str)
    assert_type(
        await saga.run(Shop.ship, "O-1", undo=Shop.unship, start_to_close_timeout=MINUTE), bytes
    )
    assert_type(await saga.run(Shop.label, "O-1", start_to_close_timeout=MINUTE), int)


async def more_steps(saga: Saga) -> None:
    charged = await saga.run(
        charge,
        "O-1",
        5,
        undo=refund,
        on_unknown="probe",
        probe=find_charge,
        start_to_close_timeout=MINUTE,
    )
    assert_type(charged, float)
    by_name = saga.run("charge", "O-1", undo="refund", result_type=int, local=True)
    assert_type(await by_name, int)
    assert_type(await saga.run_child(Flight.run, "T-1", 2, id="flight"), bytes)
    assert_type(await saga.hold(5), int)
    two = await saga.gather(Shop().ship("O-1"), charge("O-1", 5))
    assert_type(two, tuple[bytes, float])
    many = await saga.gather(*(charge(order, 5) for order in ("O-1", "O-2")))
    assert_type(many, tuple[float, ...])
    saga.add_compensation(refund, "O-1", 5, None, start_to_close_timeout=MINUTE)


async def more_refused(saga: Saga) -> None:
    await saga.run(charge, "O-1", 5, probe=find_nothing)  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, on_unknown="hope")  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run_child(Flight.run, "T-1")  # pyright: ignore[reportArgumentType]
    Saga(deadline=60)  # pyright: ignore[reportArgumentType]


async def refused(saga: Saga) -> None:
    await saga.run(charge, "O-1")  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, undo=refund_needs_a_result)  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, undo=refund_takes_too_little)  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, start_to_close_timeout=60)  # pyright: ignore[reportCallIssue, reportArgumentType]
