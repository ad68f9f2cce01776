"""Schedules on the tests' server: names of a test's own, and all of them gone afterwards."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from temporalio.client import Client

from musterwerk.schedules import Schedule, When
from musterwerk.schedules.applying import Done, apply_plan
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.steps import Plan
from musterwerk.schedules.tombstones import tombstone_of


@dataclass
class Desk:
    """Where schedules are declared; `name` makes one that no other test has."""

    server: ScheduleServer
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}")
    used: set[str] = field(default_factory=set[str])

    @property
    def client(self) -> Client:
        return self.server.client

    def name(self, short: str) -> str:
        return f"{self.prefix}-{short}"

    def schedule(self, short: str, when: When, **fields: Any) -> Schedule:
        self.used.add(short)
        given = {"workflow": "Idle", "task_queue": f"{self.prefix}-nobody", **fields}
        return Schedule(self.name(short), when=when, **given)

    def declared(self, *schedules: Schedule) -> Declaration:
        return Declaration("test", self.prefix, schedules)

    async def plan(self, *schedules: Schedule, prune: bool = False) -> Plan:
        return await make_plan(self.server, self.declared(*schedules), prune=prune)

    async def apply(self, *schedules: Schedule, prune: bool = False) -> list[Done]:
        done = await apply_plan(self.server, await self.plan(*schedules, prune=prune))
        assert not [one.flaw for one in done if one.flaw]
        return done

    async def found(self, short: str) -> Described:
        described = await self.server.describe(self.name(short))
        assert described is not None
        return described

    async def kinds(self, *schedules: Schedule, prune: bool = False) -> dict[str, str]:
        steps = (await self.plan(*schedules, prune=prune)).steps
        return {step.name.removeprefix(f"{self.prefix}-"): step.kind for step in steps}


@asynccontextmanager
async def desk_of(client: Client) -> AsyncGenerator[Desk]:
    desk = Desk(ScheduleServer(client))
    yield desk
    for short in desk.used:
        await desk.server.delete(desk.name(short))
        await desk.server.delete(tombstone_of(desk.name(short)))


@pytest.fixture
async def desk(client: Client) -> AsyncIterator[Desk]:
    async with desk_of(client) as desk:
        yield desk
