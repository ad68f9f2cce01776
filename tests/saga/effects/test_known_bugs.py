"""Bugs of hand-written sagas that end here."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from musterwerk.errors import EffectUndone, KeyReused, UsageError
from musterwerk.saga import effects
from musterwerk.saga.keys import StepKey
from tests.saga.effects.bank import Bank, never, post


def test_record_outside_the_transaction(bank: Bank) -> None:
    """The customer is charged twice, or never, when record and effect are committed apart."""

    def commits_itself() -> dict[str, int]:
        charged = post(session, "k", 500)
        session.commit()
        return charged

    with Session(bank.engine) as session:
        with pytest.raises(UsageError, match="tried to commit"):
            effects.do(session, "k", {"cents": 500}, commits_itself)
        session.commit()
    assert (bank.booked("k"), bank.state("k")) == ([], None)

    # And from the outside: neither is there without the other, whenever the process dies.
    bank.crash_after(lambda session: bank.charge(session, "k"))
    assert (bank.booked("k"), bank.state("k")) == ([], None)


def test_same_key_for_charge_and_refund(bank: Bank) -> None:
    """A refund sent under the charge's key is answered with the charge, and no money comes back."""
    bank.charge_and_commit("k", 500)
    with pytest.raises(KeyReused), Session(bank.engine) as session, session.begin():
        effects.do(session, "k", {"cents": -500}, never)
    # With a step's keys, the refund is not even taken for an effect of its own.
    undo_key = StepKey("charge-1", "undo")
    for key in (undo_key, str(StepKey("charge-" + "0a" * 20, "undo"))):
        with pytest.raises(UsageError, match=r"Call effects\.undo here"):
            bank.charge_and_commit(key)
    with pytest.raises(UsageError, match=r"Call effects\.do here"):
        bank.refund_and_commit(StepKey("charge-1", "do"))


def test_zombie_step_after_undo_is_refused(bank: Bank) -> None:
    """A step that was given up as lost arrives after its undo and keeps the customer's money."""
    assert bank.refund_and_commit("k") is None
    for _ in range(2):
        with pytest.raises(EffectUndone) as refused:
            bank.charge_and_commit("k")
        assert refused.value.non_retryable, "Temporal would try it again, forever"
    assert bank.booked("k") == []


def test_rolled_back_twice_refunds_once(bank: Bank) -> None:
    """The undo was done, its answer was lost, and the activity is tried again."""
    bank.charge_and_commit("k")
    first = bank.refund_and_commit("k")
    assert first is not None
    assert bank.refund_and_commit("k") == first
    assert sum(bank.booked("k")) == 0


def test_undo_needs_a_result_it_never_got(bank: Bank) -> None:
    """The charge landed, its answer did not: the undo gets None, and the ledger what to refund."""

    def refund_payment(session: Session, payment: dict[str, int] | None) -> object:
        assert payment is None
        return effects.undo(session, "k", lambda charged: post(session, "k", -charged["cents"]))

    bank.charge_and_commit("k", 730)  # the worker dies here, before it has told anyone
    with Session(bank.engine) as session, session.begin():
        refund_payment(session, None)
    assert bank.booked("k") == [730, -730]
