"""Resets of the workflow: what was done before may have been undone since.

A reset starts a run from the middle of an earlier one, and nothing tells it how that one went
on. But the reset changes the run's random seed, at exactly the place where the new run begins.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow

from musterwerk.saga.book import Book


class ResetWatch:
    """Whether a reset came since the saga began, and what was done is not confirmed yet."""

    def __init__(self, book: Book) -> None:
        self.pending = False
        self.lock = asyncio.Lock()
        self._book = book
        workflow.register_random_seed_callback(self._on_new_seed)

    def _on_new_seed(self, seed: int) -> None:
        # What lies before a pivot that was already passed cannot have been undone.
        self.pending |= not self._book.pivot
