"""The auditor of the demo: seals the audit trail, and has it compared with what Temporal knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from musterwerk.errors import ServerError
from musterwerk.runtime.connection import Target
from musterwerk.shop.demo.operator import CommandLine


class Auditor:
    """Works as a person would, with `musterwerk audit` in a shell."""

    def __init__(self, target: Target, data: Path, task_queue: str) -> None:
        self._asking = CommandLine(target)
        self._alone = CommandLine(replace(target, address=None))
        self._data = ("--data", str(data))
        self._task_queue = ("--task-queue", task_queue)
        self._verdict: dict[str, Any] = {}
        self._flaw: str | None = None

    async def verify(self) -> None:
        try:
            await self._alone.run("audit", "checkpoint", *self._data)
            self._verdict = json.loads(
                await self._asking.run(
                    "audit", "verify", *self._task_queue, *self._data, "-o", "json"
                )
            )
        except ServerError as error:
            self._flaw = f"The audit trail could not be verified: {error}"

    def account(self) -> dict[str, Any]:
        """What was verified, for the report."""
        names = {"lines": "lines", "sealed": "sealed_up_to", "requests_compared": "executions"}
        numbers = {ours: self._verdict.get(theirs) or 0 for ours, theirs in names.items()}
        return {"intact": bool(self._verdict.get("ok"))} | numbers

    def violations(self, requests: int) -> Iterator[str]:
        """What is wrong, where so many requests have been made."""
        if self._flaw is not None:
            yield self._flaw
        elif (compared := self._verdict["executions"]) != requests:
            yield (
                f"Of {requests} requests only {compared} could be compared with what "
                "Temporal knows of them."
            )
