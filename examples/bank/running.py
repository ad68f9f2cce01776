"""The two banks, each with its worker, and a worker for the transfers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from examples.bank.bank import Bank, balances
from examples.bank.model import Account, Transfer, queue_of
from examples.bank.workflow import TransferMoney

QUEUE = "transfers"
ADA, BOB = Account("north", "Ada"), Account("south", "Bob")


class World:
    """Both banks, and their files, in which whoever doubts can count."""

    def __init__(self, folder: Path) -> None:
        self.files = {name: folder / f"{name}.sqlite" for name in ("north", "south")}
        self.banks = {
            "north": Bank(self.files["north"], {"Ada": 100_00, "Cleo": 5_00}),
            "south": Bank(self.files["south"], {"Bob": 20_00}),
        }

    def balances(self) -> dict[str, int]:
        return {o: c for file in self.files.values() for o, c in balances(file).items()}

    def close(self) -> None:
        for bank in self.banks.values():
            bank.close()


@asynccontextmanager
async def serving(client: Client, world: World) -> AsyncGenerator[None]:
    async with AsyncExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(max_workers=8))
        stack.callback(world.close)
        for name, bank in world.banks.items():
            worker = Worker(
                client,
                task_queue=queue_of(Account(name, "")),
                activities=bank.activities(),
                activity_executor=threads,
            )
            await stack.enter_async_context(worker)
        await stack.enter_async_context(Worker(client, task_queue=QUEUE, workflows=[TransferMoney]))
        yield


def transfer(cents: int, *, patience_s: int = 60) -> Transfer:
    return Transfer(ADA, BOB, cents, patience_s)
