"""Activities of the conformance suite."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError


@activity.defn
async def greet(name: str) -> str:
    return f"hello {name}"


@activity.defn
def greet_synchronously(name: str) -> str:
    info = activity.info()
    return f"hello {name} from {info.workflow_type} {info.attempt}"


class Greeter:
    def __init__(self, word: str) -> None:
        self._word = word

    @activity.defn
    async def greet_with(self, name: str) -> str:
        return f"{self._word} {name}"


@activity.defn
async def fails_until(attempt: int) -> int:
    if activity.info().attempt < attempt:
        raise ValueError(f"attempt {activity.info().attempt}")
    return activity.info().attempt


@activity.defn
async def refuses() -> None:
    raise ApplicationError("no", "because", type="Refused", non_retryable=True)


@activity.defn
async def delays_its_retry() -> int:
    if activity.info().attempt == 1:
        raise ApplicationError("later", next_retry_delay=timedelta(milliseconds=20))
    return activity.info().attempt


@activity.defn
async def takes(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@activity.defn
async def goes_on_from_heartbeat() -> list[int]:
    if activity.info().attempt == 1:
        activity.heartbeat(7)
        raise RuntimeError("lost")
    return list(activity.info().heartbeat_details)


@activity.defn
async def beats_then_hangs() -> None:
    activity.heartbeat("once")
    await asyncio.sleep(2)


@activity.defn
async def waits_to_be_cancelled(answer: str) -> str:
    """Heartbeats until it is cancelled; then it agrees, refuses, or completes."""
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        if answer == "agree":
            raise
        if answer == "fail":
            raise ApplicationError("will not", non_retryable=True) from None
        return "done all the same"
