"""Promises to type checkers: this file is checked, not run.

Each line that must be refused carries an ignore for the rule that refuses it; the checker
reports an ignore that is no longer needed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from temporalio import activity

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


async def refused(saga: Saga) -> None:
    await saga.run(charge, "O-1")  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, undo=refund_needs_a_result)  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, undo=refund_takes_too_little)  # pyright: ignore[reportCallIssue, reportArgumentType]
    await saga.run(charge, "O-1", 5, start_to_close_timeout=60)  # pyright: ignore[reportCallIssue, reportArgumentType]
