"""The process: out of one bank, into the other, or neither."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from musterwerk import Saga
from musterwerk.saga import RunOptions

with workflow.unsafe.imports_passed_through():
    from examples.bank.bank import Bank
    from examples.bank.model import Account, Transfer, queue_of


@workflow.defn
class TransferMoney:
    @workflow.run
    async def run(self, transfer: Transfer) -> list[str]:
        """The receipts of both banks."""
        async with Saga() as saga:
            withdrawn = await saga.run(
                Bank.withdraw,
                transfer.source,
                transfer.cents,
                undo=Bank.put_back,
                probe=Bank.receipt_of_withdrawal,
                **_options(transfer, transfer.source),
            )
            deposited = await saga.run(
                Bank.deposit,
                transfer.target,
                transfer.cents,
                undo=Bank.take_back,
                probe=Bank.receipt_of_deposit,
                **_options(transfer, transfer.target),
            )
        return [withdrawn, deposited]


def _options(transfer: Transfer, account: Account) -> RunOptions:
    """A lost answer is asked for, not guessed; the undo waits longer than the step."""
    return {
        "task_queue": queue_of(account),
        "start_to_close_timeout": timedelta(seconds=transfer.patience_s),
        "retry_policy": RetryPolicy(maximum_attempts=1),
        "on_unknown": "probe",
        "refusals": ["AccountClosed", "NotEnoughMoney"],
        "undo_options": {"start_to_close_timeout": timedelta(minutes=1)},
    }
