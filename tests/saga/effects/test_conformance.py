"""What the ledger promises, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from musterwerk.errors import EffectUndone, KeyReused, UsageError
from musterwerk.saga import effects
from musterwerk.saga.keys import StepKey
from tests.saga.effects.bank import Bank, Crash, never, post


def test_an_effect_happens_once_and_its_result_is_replayed(bank: Bank) -> None:
    first = bank.charge_and_commit("k")
    assert bank.charge_and_commit("k") == first
    assert bank.booked("k") == [500]
    assert bank.state("k") == "done"


def test_a_repeat_in_the_same_transaction_is_a_repeat(bank: Bank) -> None:
    with Session(bank.engine) as session, session.begin():
        assert bank.charge(session, "k") == bank.charge(session, "k")
    assert bank.booked("k") == [500]


def test_same_key_for_another_amount_is_refused(bank: Bank) -> None:
    bank.charge_and_commit("k", 500)
    with pytest.raises(KeyReused, match="'k'"):
        bank.charge_and_commit("k", 501)
    assert bank.booked("k") == [500]


def test_undo_takes_back_what_was_recorded_and_repeats_its_answer(bank: Bank) -> None:
    bank.charge_and_commit("k")
    first = bank.refund_and_commit("k")
    assert first is not None
    assert first["cents"] == -500
    assert bank.refund_and_commit("k") == first
    assert bank.booked("k") == [500, -500]
    assert bank.state("k") == "undone"


def test_after_its_undo_an_effect_never_comes_back(bank: Bank) -> None:
    bank.charge_and_commit("k")
    bank.refund_and_commit("k")
    with pytest.raises(EffectUndone, match="after it had been done"):
        bank.charge_and_commit("k")
    assert bank.booked("k") == [500, -500]


def test_undo_of_what_never_was_leaves_a_tombstone(bank: Bank) -> None:
    with Session(bank.engine) as session, session.begin():
        assert effects.undo(session, "k", never) is None
    assert bank.state("k") == "tombstone"
    assert bank.refund_and_commit("k") is None
    with pytest.raises(EffectUndone, match="its undo came first"):
        bank.charge_and_commit("k")
    assert bank.booked("k") == []


def test_a_step_and_its_undo_find_each_other_by_the_business_key(bank: Bank) -> None:
    do, undo = StepKey("charge-1", "do"), StepKey("charge-1", "undo")
    bank.charge_and_commit(do)
    bank.refund_and_commit(undo)
    assert (bank.state(do), bank.state(undo), bank.state("charge-1")) == ("undone",) * 3


def test_step_keys_that_travelled_as_text_find_each_other_too(bank: Bank) -> None:
    """A service that gets both keys by header would otherwise refund nothing, and say it did."""
    shared = "charge_payment-" + "0a" * 20
    bank.charge_and_commit(str(StepKey(shared, "do")))
    assert bank.refund_and_commit(str(StepKey(shared, "undo"))) is not None
    assert bank.state(shared) == "undone"


def test_none_is_a_result_like_any_other(bank: Bank) -> None:
    for effect in (lambda: None, never):
        with Session(bank.engine) as session, session.begin():
            assert effects.do(session, "k", {}, effect) is None
    seen: list[object] = []
    for undo in (seen.append, never):
        with Session(bank.engine) as session, session.begin():
            assert effects.undo(session, "k", undo) is None
    assert seen == [None]
    assert bank.state("k") == "undone"


@pytest.mark.parametrize(
    "result",
    [0, False, "", "Ünïcode \0 \ud800 \"'", 1.5, 10**30, [], {"b": [1, {"c": None}], "a": "x"}],
    ids=repr,
)
def test_every_json_value_comes_back_as_it_was(bank: Bank, result: object) -> None:
    for effect in (lambda: result, never):
        with Session(bank.engine) as session, session.begin():
            found = effects.do(session, "k", {}, effect)
            assert (found, type(found)) == (result, type(result))


def test_a_json_serializer_of_the_applications_own_changes_no_replay(database: Any) -> None:
    def broken(_: object) -> Any:
        raise AssertionError("the ledger's JSON is its own")

    bank = Bank(database.engine(json_serializer=broken, json_deserializer=broken))
    assert bank.charge_and_commit("k") == bank.charge_and_commit("k")


@pytest.mark.parametrize(
    "result",
    [object(), (1, 2), {1: "a"}, {1, 2}, float("nan"), b"x", datetime(2026, 1, 1, tzinfo=UTC)],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("direction", ["do", "undo"])
def test_a_result_that_cannot_be_replayed_is_refused_and_nothing_is_written(
    bank: Bank, result: object, direction: str
) -> None:
    """Even if the caller catches the error and commits, no half effect stays."""
    if direction == "undo":
        bank.charge_and_commit("k")
    before = bank.booked("k")
    with Session(bank.engine) as session, session.begin():

        def effect(*_: object) -> object:
            post(session, "k", 1)
            return result

        operation = partial(effects.do, request={}) if direction == "do" else effects.undo
        with pytest.raises(UsageError, match="'k' returned something that cannot be replayed"):
            operation(session, "k", effect=effect)
    assert bank.booked("k") == before
    assert bank.state("k") == ("done" if direction == "undo" else None)


def test_a_refused_effect_is_not_recorded_even_if_the_caller_commits(bank: Bank) -> None:
    """A declined card is noted and committed; the effect may be tried again, with other content."""

    def declined() -> dict[str, int]:
        post(session, "k", 500)
        raise Crash

    with Session(bank.engine) as session, session.begin():
        with pytest.raises(Crash):
            effects.do(session, "k", {"cents": 500}, declined)
        post(session, "note", 0)
    assert (bank.booked("k"), bank.state("k"), bank.booked("note")) == ([], None, [0])
    bank.charge_and_commit("k", 400)
    assert bank.booked("k") == [400]


def test_a_database_error_in_the_effect_leaves_the_transaction_usable(bank: Bank) -> None:
    def breaks() -> dict[str, int]:
        post(session, "k", 500)
        return post(session, None, 1)  # pyright: ignore[reportArgumentType] -- NOT NULL refuses it

    with Session(bank.engine) as session, session.begin():
        with pytest.raises(Exception, match=r"(?i)not.null"):
            effects.do(session, "k", {}, breaks)
        bank.charge(session, "k")
    assert bank.booked("k") == [500]


def test_a_crash_before_the_commit_leaves_nothing_and_a_retry_works(bank: Bank) -> None:
    bank.crash_after(lambda session: bank.charge(session, "k"))
    assert (bank.booked("k"), bank.state("k")) == ([], None)
    bank.charge_and_commit("k")
    bank.crash_after(lambda session: bank.refund(session, "k"))
    assert (bank.booked("k"), bank.state("k")) == ([500], "done")
    bank.refund_and_commit("k")
    assert bank.booked("k") == [500, -500]


def test_a_session_that_is_never_committed_has_done_nothing(bank: Bank) -> None:
    with Session(bank.engine) as session:
        bank.charge(session, "k")
    assert (bank.booked("k"), bank.state("k")) == ([], None)


def test_a_savepoint_of_the_caller_takes_record_and_effect_with_it(bank: Bank) -> None:
    with Session(bank.engine) as session, session.begin():
        with suppress(Crash), session.begin_nested():
            bank.charge(session, "k")
            raise Crash
        with session.begin_nested():
            bank.charge(session, "other")
    assert (bank.booked("k"), bank.state("k")) == ([], None)
    assert (bank.booked("other"), bank.state("other")) == ([500], "done")


def test_an_effect_may_use_savepoints_and_effects_of_its_own(bank: Bank) -> None:
    def effect() -> dict[str, int]:
        with suppress(Crash), session.begin_nested():
            post(session, "outer", 1)
            raise Crash
        with session.begin_nested():
            post(session, "outer", 2)
        return bank.charge(session, "inner")

    with Session(bank.engine) as session, session.begin():
        effects.do(session, "outer", {}, effect)
    assert (bank.booked("outer"), bank.booked("inner")) == ([2], [500])
    assert (bank.state("outer"), bank.state("inner")) == ("done", "done")


def test_the_record_says_when_in_utc(bank: Bank) -> None:
    before = datetime.now(UTC)
    bank.charge_and_commit("k")
    done = bank.row("k")
    bank.refund_and_commit("k")
    undone = bank.row("k")
    assert done.created_at.utcoffset() == timedelta(0)
    assert before <= done.created_at <= done.changed_at < undone.changed_at <= datetime.now(UTC)
    assert undone.created_at == done.created_at
    assert len(undone.fingerprint) == 64


def test_probe_writes_nothing(bank: Bank) -> None:
    with Session(bank.engine) as session, session.begin():
        assert effects.probe(session, "k") is None
    assert bank.row("k") is None


def test_the_probe_of_a_step_finds_its_result(bank: Bank) -> None:
    """A lost answer is found under the key of the probe, as object and as text in a header."""
    key = StepKey("charge-" + "0" * 40, "do")
    asking = StepKey(key.business_key, "probe")
    with Session(bank.engine) as session, session.begin():
        assert effects.recorded(session, asking) is None
        effects.do(session, key, {"order": "1"}, lambda: {"captured": 5})
        for probe in (asking, "".join(asking)):
            assert effects.recorded(session, probe) == {"captured": 5}
            assert effects.probe(session, probe) == "done"
        effects.undo(session, StepKey(key.business_key, "undo"), lambda done: None)
        assert effects.recorded(session, asking) is None


def test_importing_sagas_needs_no_sqlalchemy() -> None:
    """A worker without a database of its own installs none."""
    code = "import sys, musterwerk, musterwerk.saga; sys.exit('sqlalchemy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 -- fixed text
    assert found.returncode == 0
