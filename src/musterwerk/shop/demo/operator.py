"""The operator of the demo: finds the refunds that got stuck, and sees to every one of them.

Works as a person would: with `musterwerk sagas` in a shell and with payment's own addresses.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import httpx

from musterwerk.errors import ServerError
from musterwerk.runtime.connection import Target
from musterwerk.shop.names import workflow_id

COMMAND: Sequence[str] = (sys.executable, "-P", "-m", "musterwerk")

NAME = "demo-operator"
REPAIRED = "the bank takes refunds of this order again"
BY_HAND = "transferred to the customer by hand"
ITSELF = "the workflow itself"

#: The step whose undo is the refund.
_CHARGE = "charge_payment"
_LIMIT = "10000"
_LOOK_EVERY = 0.5
_RETRY_EVERY = 0.2
_TIMEOUT = 5.0
_IN_FLIGHT = "urn:musterwerk:in-flight"

Action = Literal["retry", "done"]


@dataclass(frozen=True)
class Resolved:
    """What became of one dead letter. `action` is `retry` or `done`."""

    order_id: str
    step: str
    error: str
    resolved_by: str
    action: Action
    reason: str


class CommandLine:
    """`musterwerk` in a process of its own, on the demo's Temporal server."""

    def __init__(self, target: Target) -> None:
        self._address = ("--address", target.address) if target.address else ()
        self._env = demo_environment(target)

    async def run(self, *args: str) -> str:
        """What it prints. Raises ServerError, with what it says, where it fails."""
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, *args, *self._address), env=self._env, stdout=PIPE, stderr=PIPE
        )
        try:
            printed, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = (complaint + b"\n" + printed).decode(errors="replace").strip()
            raise ServerError(
                f"`musterwerk {' '.join(args)}` ended with {process.returncode}: {said}"
            )
        return printed.decode()


class Operator:
    """`data` has the database of dead letters; `account` those that are resolved so far."""

    def __init__(
        self, command_line: CommandLine, data: Path, http: httpx.AsyncClient, payment: str
    ) -> None:
        self._command_line = command_line
        self._data = ("--data", str(data))
        self._http = http
        self._payment = payment
        self.account: list[Resolved] = []

    async def resolve(self, orders: Sequence[str]) -> None:
        """Wait until each order's refund is a dead letter, then resolve them all.

        One half is repaired and tried again; the other is refunded by hand and declared done.
        """
        letters = await self._all_stuck(orders)
        repaired = (len(orders) + 1) // 2
        for number, order_id in enumerate(sorted(orders)):
            action: Action = "retry" if number < repaired else "done"
            await self._see_to(order_id, letters[order_id], action)

    async def letters(self, orders: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The open letters about refunds of these orders, as the command line lists them."""
        listing = await self._command_line.run(
            *("sagas", "list", "--dead-letters", "--limit", _LIMIT, "-o", "json"), *self._data
        )
        ours = {workflow_id(order_id): order_id for order_id in orders}
        return {
            ours[letter["workflow_id"]]: letter
            for letter in json.loads(listing)
            if letter["workflow_id"] in ours
            and letter["direction"] == "undo"
            and letter["step"].split("/")[0] == _CHARGE
        }

    async def _all_stuck(self, orders: Sequence[str]) -> dict[str, dict[str, Any]]:
        while True:
            letters = await self.letters(orders)
            if letters.keys() >= set(orders):
                return letters
            await asyncio.sleep(_LOOK_EVERY)

    async def _see_to(self, order_id: str, letter: Mapping[str, Any], action: Action) -> None:
        path, reason = (
            ("/repairs", REPAIRED) if action == "retry" else ("/charges/refund-by-hand", BY_HAND)
        )
        await self._post(path, {"order_id": order_id, "by": NAME, "reason": reason})
        by = NAME if await self._tell(letter, action, reason) else ITSELF
        self.account.append(Resolved(order_id, letter["step"], letter["error"], by, action, reason))

    async def _tell(self, letter: Mapping[str, Any], action: Action, reason: str) -> bool:
        """False where the workflow, which goes on trying slowly, needed no telling any more.

        A command that fails may have told it nevertheless: the letter knows.
        """
        try:
            await self._command_line.run(
                *("sagas", "resolve", letter["workflow_id"], letter["step"]),
                *(f"--{action}", "--by", NAME, "--reason", reason),
            )
        except ServerError:
            found = await self._look_up(letter)
            told = any(answer["by"] == NAME for answer in found["answers"])
            if not told and not found["settled"]:
                raise
            return told
        return True

    async def _look_up(self, letter: Mapping[str, Any]) -> dict[str, Any]:
        shown = await self._command_line.run("sagas", "show", letter["workflow_id"], "-o", "json")
        return next(
            found
            for saga in json.loads(shown)["sagas"]
            for found in saga["dead_letters"]
            if (found["step"], found["direction"]) == (letter["step"], letter["direction"])
        )

    async def _post(self, path: str, word: Mapping[str, str]) -> None:
        # Payment's faults meet operators too; the key makes it safe to insist.
        key = {"Idempotency-Key": f"{path}/{word['order_id']}"}
        while True:
            try:
                reply = await self._http.post(
                    self._payment + path, json=word, headers=key, timeout=_TIMEOUT
                )
            except httpx.TransportError:
                reply = None
            if reply is not None and not _come_again(reply):
                break
            await asyncio.sleep(_RETRY_EVERY)
        if not reply.is_success:
            raise ServerError(f"payment refuses {path} for {word['order_id']}: {reply.text}")


def _come_again(reply: httpx.Response) -> bool:
    if reply.status_code == HTTPStatus.CONFLICT:
        return reply.json()["type"] == _IN_FLIGHT
    return reply.is_server_error


def demo_environment(target: Target) -> dict[str, str]:
    """Ours without another server, another database and people who would be alerted."""
    foreign = ("TEMPORAL_", "MUSTERWERK_") if target.isolated else ("MUSTERWERK_",)
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    if not target.isolated:
        return env
    env["TEMPORAL_CONFIG_FILE"] = os.devnull
    if target.namespace:
        env["TEMPORAL_NAMESPACE"] = target.namespace
    return env
