"""What travels between workflow, workers and banks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    bank: str
    owner: str


@dataclass(frozen=True)
class Transfer:
    source: Account
    target: Account
    cents: int
    # How long a bank may take to answer.
    patience_s: int = 60


def queue_of(account: Account) -> str:
    """Where the worker of this account's bank listens."""
    return f"bank-{account.bank}"
