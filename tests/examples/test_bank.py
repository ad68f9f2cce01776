"""The bank: whatever gets lost on the way, the money of both banks together stays the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from examples.bank.model import Transfer
from examples.bank.running import QUEUE, World, serving, transfer
from examples.bank.workflow import TransferMoney
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from tests.waiting import until

Pay = Callable[[Transfer], Awaitable[WorkflowHandle[Any, list[str]]]]
START = {"Ada": 100_00, "Cleo": 5_00, "Bob": 20_00}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def pay(plain: Client, fresh: str, world: World) -> AsyncIterator[Pay]:
    async def start(wanted: Transfer) -> WorkflowHandle[Any, list[str]]:
        return await plain.start_workflow(
            TransferMoney.run, wanted, id=f"transfer-{fresh}", task_queue=QUEUE
        )

    async with serving(plain, world):
        yield start


async def test_a_transfer_moves_the_money_once(pay: Pay, world: World) -> None:
    receipts = await (await pay(transfer(12_34))).result()
    assert len(set(receipts)) == 2
    assert world.balances() == START | {"Ada": 87_66, "Bob": 32_34}


async def test_a_closed_account_gives_the_money_back(pay: Pay, world: World) -> None:
    world.banks["south"].close_account("Bob")
    assert "AccountClosed" in await failure_of(await pay(transfer(12_34)))
    assert world.balances() == START


async def test_too_little_money_is_refused_and_needs_no_undo(pay: Pay, world: World) -> None:
    handle = await pay(transfer(100_01))
    assert "NotEnoughMoney" in await failure_of(handle)
    (step,) = (await handle.query("saga_report"))["sagas"][0]["steps"]
    assert (step["status"], step["undo_status"]) == ("refused", "none")
    assert world.balances() == START


@pytest.mark.parametrize("bank", ["north", "south"])
async def test_a_lost_answer_is_asked_for(pay: Pay, world: World, bank: str) -> None:
    """The money has moved and nobody knows: guessing would undo, or do it twice."""
    world.banks[bank].line.lose_next_answer = True
    handle = await pay(transfer(12_34))
    receipts = await handle.result()
    assert all(receipt.startswith("receipt-") for receipt in receipts)
    steps = (await handle.query("saga_report"))["sagas"][0]["steps"]
    assert [step["status"] for step in steps] == ["done", "done"]
    assert world.balances() == START | {"Ada": 87_66, "Bob": 32_34}


async def test_a_withdrawal_after_its_undo_is_refused(pay: Pay, world: World) -> None:
    """Nothing would ever put the money back that it takes."""
    north = world.banks["north"]
    north.line.hold()
    try:
        assert "StartToClose" in await failure_of(await pay(transfer(12_34, patience_s=1)))
        assert north.refused == []
    finally:
        north.line.free.set()  # the withdrawal was only slow, and goes on now
    await until(lambda: north.refused == ["Ada"])
    assert world.balances() == START


async def failure_of(handle: WorkflowHandle[Any, list[str]]) -> str:
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return str(caught.value.cause)
