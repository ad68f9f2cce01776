"""What the console can do at the moment: for probes, which ask often and without a token."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from temporalio.service import RPCError

from musterwerk.console.services import Services
from musterwerk.errors import ServerError, StoreError

Part = Literal["ok", "away"]
_PATIENCE = timedelta(seconds=2)
#: An answer serves all who ask within this time, so that nobody can keep the parts busy.
_FRESH_SECONDS = 1.0


class Health(BaseModel):
    """`degraded` without Temporal: lists are served, and what people do is recorded and applied
    later. `unavailable` without the database: nothing is served."""

    status: Literal["ok", "degraded", "unavailable"]
    database: Part
    temporal: Part


class HealthCheck:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._looking = asyncio.Lock()
        self._found: Health | None = None
        self._found_at = 0.0

    async def look(self) -> Health:
        async with self._looking:
            if self._found is None or time.monotonic() - self._found_at > _FRESH_SECONDS:
                self._found = await self._look()
                self._found_at = time.monotonic()
            return self._found

    async def _look(self) -> Health:
        database, temporal = await asyncio.gather(self._database(), self._temporal())
        status = "ok" if temporal == "ok" else "degraded"
        return Health(
            status=status if database == "ok" else "unavailable",
            database=database,
            temporal=temporal,
        )

    async def _database(self) -> Part:
        def ask() -> None:
            with self._services.store.read() as connection:
                connection.execute(select(1))

        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await asyncio.to_thread(ask)
        except (StoreError, TimeoutError):
            return "away"
        return "ok"

    async def _temporal(self) -> Part:
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                client = await self._services.temporal.client()
                healthy = await client.service_client.check_health(timeout=_PATIENCE)
        except (ServerError, RPCError, TimeoutError):
            return "away"
        return "ok" if healthy else "away"
