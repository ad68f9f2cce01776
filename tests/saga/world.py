"""A small world whose services do what a test tells them, and remember everything."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from musterwerk.saga import StepKey, step_key


@dataclass(frozen=True)
class Call:
    name: str
    args: tuple[Any, ...]
    key: StepKey
    attempt: int
    activity_id: str


Behaviour = Callable[[Call], Awaitable[Any]]


def refuse(message: str = "refused", kind: str = "Refused") -> ApplicationError:
    return ApplicationError(message, type=kind, non_retryable=True)


class World:
    """Three steps with their undos and a step without one, as activities."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.done: list[str] = []
        self._behaviours: dict[str, Behaviour] = {}
        self._started: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def on(self, name: str, behaviour: Behaviour) -> None:
        self._behaviours[name] = behaviour

    def fail(self, name: str, err: Exception) -> None:
        async def behave(call: Call) -> None:
            raise err

        self.on(name, behave)

    def recover(self, name: str) -> None:
        self._behaviours.pop(name, None)

    def hold(self, name: str) -> asyncio.Event:
        """The service answers when the event is set. It cannot be stopped before."""
        go_on = asyncio.Event()

        async def behave(call: Call) -> str:
            await asyncio.shield(go_on.wait())
            return f"{call.name}-result"

        self.on(name, behave)
        return go_on

    async def started(self, name: str) -> None:
        await self._started[name].wait()

    def names(self) -> list[str]:
        return [call.name for call in self.calls]

    def of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]

    async def _serve(self, name: str, *args: Any) -> Any:
        info = activity.info()
        call = Call(name, args, step_key(), info.attempt, info.activity_id)
        self.calls.append(call)
        self._started[name].set()
        behaviour = self._behaviours.get(name)
        result = f"{name}-result" if behaviour is None else await behaviour(call)
        self.done.append(name)
        return result

    @activity.defn
    async def reserve(self, order: str) -> str:
        return await self._serve("reserve", order)

    @activity.defn
    async def release(self, order: str, result: str | None) -> None:
        await self._serve("release", order, result)

    @activity.defn
    async def charge(self, order: str) -> str:
        return await self._serve("charge", order)

    @activity.defn
    async def refund(self, order: str, result: str | None) -> None:
        await self._serve("refund", order, result)

    @activity.defn
    async def ship(self, order: str) -> str:
        return await self._serve("ship", order)

    @activity.defn
    async def unship(self, order: str, result: str | None) -> None:
        await self._serve("unship", order, result)

    @activity.defn
    async def confirm(self, order: str) -> str:
        return await self._serve("confirm", order)

    @activity.defn
    async def find_charge(self, order: str) -> str | None:
        """A probe; by default the charge has landed."""
        return await self._serve("find_charge", order)

    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.reserve,
            self.release,
            self.charge,
            self.refund,
            self.ship,
            self.unship,
            self.confirm,
            self.find_charge,
        ]
