"""What holds of every order, however it ended. Plain functions on the world and the outcome.

They speak of processes that have ended by their own word: one that still tries to undo has not
failed to do so.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.mutants.books import NOTHING, ONE, PRICE, Outcome, Shop

Invariant = Callable[[Shop, Outcome], None]

_ENDED = ("completed", "failed", "canceled")


def money_conserved(world: Shop, outcome: Outcome) -> None:
    """Who gets a parcel has paid its price; who gets none has paid nothing."""
    if outcome.status in _ENDED:
        owed = PRICE if world.parcels.total > NOTHING else NOTHING
        paid = world.payments.total
        assert paid == owed, f"paid {paid}, owed {owed}: {world.payments.log}"


def stock_conserved(world: Shop, outcome: Outcome) -> None:
    """What is taken from the stock is in a parcel."""
    if outcome.status in _ENDED:
        sent = world.pieces if world.parcels.total > NOTHING else 0
        taken = world.stock.total
        assert taken == sent, f"{taken} taken from stock, {sent} sent: {world.stock.log}"


def shipped_means_paid(world: Shop, outcome: Outcome) -> None:
    if outcome.status in _ENDED and world.parcels.total > NOTHING:
        assert world.payments.total >= PRICE, f"sent unpaid: {world.payments.log}"


def one_parcel_at_most(world: Shop, outcome: Outcome) -> None:
    if outcome.status in _ENDED:
        assert world.parcels.total <= ONE, f"sent more than once: {world.parcels.log}"


def told_means_shipped(world: Shop, outcome: Outcome) -> None:
    """Nobody waits for a parcel that does not come."""
    if outcome.status in _ENDED and world.mails:
        assert world.parcels.total == ONE, f"the mail lies: {world.parcels.log}"


def promise_kept(world: Shop, outcome: Outcome) -> None:
    """An order of which the customer was told that it is cancelled is not sent."""
    if outcome.status in _ENDED and world.promises:
        assert world.parcels.total == NOTHING, f"sent after all: {world.parcels.log}"


def wrapped_means_shipped(world: Shop, outcome: Outcome) -> None:
    if outcome.status in _ENDED:
        assert world.wraps.total <= world.parcels.total, f"left behind: {world.wraps.log}"


def result_is_true(world: Shop, outcome: Outcome) -> None:
    """A completed process says "shipped" if and only if a parcel is out."""
    if outcome.status == "completed":
        shipped = world.parcels.total > NOTHING
        assert (outcome.result == "shipped") == shipped, f"{outcome.result!r}: {world.parcels.log}"


def refunds_come_last(world: Shop, outcome: Outcome) -> None:
    """Nobody has the goods and the money, not even for a while."""
    assert not world.risks, "; ".join(world.risks)


INVARIANTS: tuple[Invariant, ...] = (
    money_conserved,
    stock_conserved,
    shipped_means_paid,
    one_parcel_at_most,
    told_means_shipped,
    promise_kept,
    wrapped_means_shipped,
    result_is_true,
)
