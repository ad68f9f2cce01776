"""A transfer, a closed account, a lost answer, and a withdrawal that comes too late."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client, WorkflowFailureError

from examples.bank.model import Transfer
from examples.bank.running import QUEUE, World, serving, transfer
from examples.bank.workflow import TransferMoney
from examples.running import play


async def main(client: Client, folder: Path) -> None:
    world = World(folder)
    north, south = world.banks["north"], world.banks["south"]
    tell(world, "before")
    async with serving(client, world):
        tell(world, await attempt(client, "plain", transfer(10_00)))

        north.line.lose_next_answer = True
        tell(world, await attempt(client, "lost-answer", transfer(10_00)))

        north.line.hold()
        late = await attempt(client, "too-late", transfer(10_00, patience_s=1))
        north.line.free.set()  # only now does the withdrawal reach the bank
        tell(world, late)

        south.close_account("Bob")
        tell(world, await attempt(client, "closed", transfer(10_00)))
    tell(world, f"refused because their undo had been there: {north.refused}")


async def attempt(client: Client, name: str, wanted: Transfer) -> str:
    try:
        receipts = await client.execute_workflow(
            TransferMoney.run, wanted, id=f"transfer-{name}", task_queue=QUEUE
        )
    except WorkflowFailureError as failure:
        return f"{name}: {failure.cause}"
    return f"{name}: {', '.join(receipts)}"


def tell(world: World, what: str) -> None:
    balances = world.balances()
    print(what)
    print("   ", balances, "together", sum(balances.values()))


if __name__ == "__main__":
    play(main)
