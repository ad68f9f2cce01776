"""Sagas over every kind of activity. The sandbox loads the workflows, the worker the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from musterwerk import Saga
from musterwerk.saga import step_key

LIMIT = timedelta(seconds=20)
LOG: list[tuple[str, Any]] = []


@dataclass(frozen=True)
class Label:
    number: int
    text: str


@activity.defn
def pack(order: str) -> str:
    LOG.append(("pack", step_key()))
    return f"box of {order}"


@activity.defn
def unpack(order: str, box: str | None) -> None:
    LOG.append(("unpack", step_key()))


@activity.defn
async def seen(label: Label) -> None:
    LOG.append(("seen", label))


class Press:
    """Activities that share something, such as a connection, are methods."""

    def __init__(self, log: list[tuple[str, Any]]) -> None:
        self._log = log

    @activity.defn
    async def print_label(self, order: str) -> Label:
        self._log.append(("print", order))
        return Label(1, order)

    @activity.defn
    async def shred_label(self, order: str, label: Label | None) -> None:
        text = f"label {label.number} of {label.text}" if label else order
        self._log.append(("shred", text))


@workflow.defn
class InThreads:
    @workflow.run
    async def run(self, queue: str) -> None:
        async with Saga() as saga:
            await saga.run(pack, "O-1", undo=unpack, start_to_close_timeout=LIMIT)
            raise ApplicationError("no")


@workflow.defn
class Methods:
    @workflow.run
    async def run(self, queue: str) -> None:
        async with Saga() as saga:
            await saga.run(
                Press.print_label, "O-1", undo=Press.shred_label, start_to_close_timeout=LIMIT
            )
            raise ApplicationError("no")


@workflow.defn
class Local:
    @workflow.run
    async def run(self, queue: str) -> None:
        async with Saga() as saga:
            await saga.run(
                Press.print_label,
                "O-1",
                undo=Press.shred_label,
                local=True,
                start_to_close_timeout=LIMIT,
            )
            raise ApplicationError("no")


@workflow.defn
class ByName:
    @workflow.run
    async def run(self, queue: str) -> None:
        async with Saga() as saga:
            label = await saga.run(
                "printLabel",
                "O-1",
                result_type=Label,
                undo="shredLabel",
                task_queue=f"{queue}-foreign",
                start_to_close_timeout=LIMIT,
            )
            await saga.run(seen, label, start_to_close_timeout=LIMIT)
            raise ApplicationError("no")
