"""The auditor of the demo: seals the audit trail, and has it compared with what Temporal knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
        self._compared: int | None = None
        self._flaw: str | None = None

    async def verify(self) -> None:
        try:
            await self._alone.run("audit", "checkpoint", *self._data)
            verdict = json.loads(
                await self._asking.run(
                    "audit", "verify", *self._task_queue, *self._data, "-o", "json"
                )
            )
        except ServerError as error:
            self._flaw = f"The audit trail could not be verified: {error}"
            return
        self._compared = verdict["executions"]

    def violations(self, requests: int) -> Iterator[str]:
        """What is wrong, where so many requests have been made."""
        if self._flaw is not None:
            yield self._flaw
        elif self._compared != requests:
            yield (
                f"Of {requests} requests only {self._compared} could be compared with what "
                "Temporal knows of them."
            )
