"""After the last order: what is left over, asked in a way that cannot cost the report."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from musterwerk.shop.names import workflow_id

_QUIET_EVERY = 0.05
_QUIET_WITHIN = 60.0
_QUERIES_AT_ONCE = 16
_QUERY_TIMEOUT = timedelta(seconds=3)


async def dead_letters(temporal: Client, orders: Sequence[str]) -> tuple[int, list[str]]:
    """How many letters these orders have, and which orders could not say."""
    limit = asyncio.Semaphore(_QUERIES_AT_ONCE)
    silent: list[str] = []

    async def count(order_id: str) -> int:
        async with limit:
            handle = temporal.get_workflow_handle(workflow_id(order_id))
            try:
                report: dict[str, Any] = await handle.query(
                    "saga_report", rpc_timeout=_QUERY_TIMEOUT
                )
            except (RPCError, WorkflowQueryFailedError):
                silent.append(order_id)
                return 0
            return sum(len(saga["dead_letters"]) for saga in report["sagas"])

    return sum(await asyncio.gather(*map(count, orders))), sorted(silent)


async def quiet(
    http: httpx.AsyncClient, urls: Mapping[str, str], *, within: float = _QUIET_WITHIN
) -> tuple[Counter[str], list[str]]:
    """Wait until no service works on a request any more.

    Returns the faults they injected, and a sentence about each service that is still busy.
    """
    injected: Counter[str] = Counter()
    busy: list[str] = []
    deadline = time.monotonic() + within
    for name, url in urls.items():
        while True:
            faults = await _faults(http, url)
            late = time.monotonic() > deadline
            if faults is not None and (late or not faults["in_flight"]):
                injected.update(faults["injected"])
                if faults["in_flight"]:
                    busy.append(
                        f"Service {name} still has {faults['in_flight']} requests in flight."
                    )
                break
            if late:
                busy.append(f"Service {name} does not say whether requests are in flight.")
                break
            await asyncio.sleep(_QUIET_EVERY)
    return injected, busy


async def _faults(http: httpx.AsyncClient, url: str) -> dict[str, Any] | None:
    try:
        reply = await http.get(f"{url}/faults", timeout=5)
    except httpx.TransportError:
        return None
    return reply.json() if reply.is_success else None
