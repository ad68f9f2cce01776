"""What each option of a saga promises. Each fails where the option is ignored.

A promise may hold only as long as nothing but the steps themselves go wrong; see the cases.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError

from musterwerk.saga.letter import WORKFLOW
from musterwerk.testing import Outcome
from tests.explored.accounts import Accounted, Counted, Slow
from tests.explored.sagas import DEADLINE, IMPATIENT
from tests.mutants.books import NOTHING, PRICE, Service

Promise = Callable[[Any, Outcome], None]


def all_or_nothing(*names: str) -> Promise:
    """Of a completed process everything stands, of one that was undone nothing."""

    def all_or_nothing(world: Accounted, outcome: Outcome) -> None:
        if outcome.status == "running":
            return
        services: list[Service] = [getattr(world, name) for name in names]
        stands = {service.total != NOTHING for service in services}
        assert len(stands) == 1, [one.log for one in services]
        stand = stands.pop()
        assert stand == (outcome.status == "completed"), [one.log for one in services]

    return all_or_nothing


def ends_as_undone(_: object, outcome: Outcome) -> None:
    """Never otherwise than completed, cancelled, or by a failure that says that all is undone."""
    if outcome.status == "failed":
        assert kind(outcome) == "SagaCompensated", repr(outcome.failure)


def kind(outcome: Outcome) -> str | None:
    return outcome.failure.type if isinstance(outcome.failure, ApplicationError) else None


def report(outcome: Outcome) -> dict[str, Any]:
    """That of a saga with which its workflow failed."""
    assert isinstance(outcome.failure, ApplicationError), repr(outcome.failure)
    return outcome.failure.details[0]


def the_answer_decides(world: Accounted, outcome: Outcome) -> None:
    """The service is asked for a payment of which nobody knows, and its answer is what counts."""
    made = world.paid[-1] if world.paid else bool(world.payments.total)
    assert outcome.status == ("completed" if made else "failed"), world.paid
    assert made or world.paid, "failed, and nobody was asked"


def is_done_at_last(world: Accounted, outcome: Outcome) -> None:
    """A lost outcome is no failure: it is tried until it is known."""
    assert outcome.status == "completed", repr(outcome.failure)
    assert world.payments.total == PRICE


#: When operators answer.
FIRST_WORD, LAST_WORD = timedelta(hours=1), timedelta(hours=2)


def waits_for_a_word(world: Counted, outcome: Outcome) -> None:
    """What may have happened is not tried again, and not undone, before somebody says so."""
    if outcome.duration < FIRST_WORD:
        assert outcome.status == "completed", repr(outcome.failure)
        assert world.calls["charge"] == 1
    elif outcome.duration < LAST_WORD:
        assert outcome.status == "completed", repr(outcome.failure)
    else:
        assert outcome.status == "failed"
        assert world.calls["refund"] >= 1


def one_after_the_other(world: Slow, _: object) -> None:
    """Last first, and none before the one after it is undone."""
    undos = [one for one in world.course if one.startswith("undo")]
    expected = [
        f"undo {name} {what}"
        for name in ("parcel", "payment", "stock")
        for what in ("begins", "ends")
    ]
    assert undos in ([], expected), undos


def side_by_side(world: Slow, _: object) -> None:
    """All undos are under way before the first has ended."""
    undos = [one for one in world.course if one.startswith("undo")]
    half = len(undos) // 2
    assert half != 1, undos
    assert [one.split()[-1] for one in undos] == ["begins"] * half + ["ends"] * half, undos


def settled_first(world: Slow, _: object) -> None:
    """Nothing is undone while a branch still does something."""
    doing = 0
    for one in world.course:
        what, _name, when = one.split()
        if what == "do":
            doing += 1 if when == "begins" else -1
        else:
            assert not doing, world.course


def the_first_part_stays(world: Accounted, outcome: Outcome) -> None:
    """Where only what comes after the checkpoint fails, that alone is undone and done again."""
    assert outcome.status == "completed", repr(outcome.failure)
    courses = world.effects.by_key()
    assert [one for (step, _), one in courses.items() if step == "payment"] == ["do"], courses
    again = [one for (step, _), one in courses.items() if step == "parcel"]
    assert again[-1] == "do", courses
    assert len(again) in (1, 2), courses


def one_way_or_another(world: Accounted, outcome: Outcome) -> None:
    if outcome.status != "running":
        stand = [one.total for one in (world.payments, world.stock) if one.total]
        assert len(stand) == (outcome.status == "completed"), (stand, outcome.status)


def no_way_back(world: Counted, outcome: Outcome) -> None:
    """What was sent, or may have been, stays paid, and only a skipped step is left out."""
    if not world.calls["ship"]:
        return
    assert not world.calls["refund"], "went back after the pivot"
    assert outcome.status in ("completed", "canceled", "running"), repr(outcome.failure)
    if outcome.status != "running":
        assert world.payments.total == PRICE
    if outcome.status == "completed" and outcome.result == "shipped":
        assert world.parcels.total


def forward_only(world: Counted, outcome: Outcome) -> None:
    """A failure after the pivot says so, and undoes nothing."""
    if world.mails:
        assert world.payments.total == PRICE, outcome.status
        assert not world.calls["refund"]
        assert outcome.status != "failed" or kind(outcome) == "SagaForwardFailed"


def in_time(world: Accounted, outcome: Outcome) -> None:
    """Without a word nothing lasts longer than the deadline, and all is undone."""
    if outcome.status == "completed":
        # It counts from the first workflow task, of which a worker may have died.
        assert outcome.duration < DEADLINE + timedelta(minutes=1), outcome.duration
    if outcome.status == "failed" and "SagaDeadlineExceeded" in report(outcome)["cause"]:
        assert outcome.duration >= DEADLINE, outcome.duration


def nothing_to_undo(world: Counted, outcome: Outcome) -> None:
    """A step that was refused has no undo."""
    if outcome.status == "failed":
        assert not world.calls["refund"], "undid what was refused"
        (charge,) = report(outcome)["steps"]
        assert (charge["status"], charge["undo_status"]) == ("refused", "none")


def never_leaves_home(world: Counted, _: object) -> None:
    assert "remote" not in world.places


def help_comes_in_time(_: object, outcome: Outcome) -> None:
    """After the second round there is a letter, and from then on one round an hour."""
    if outcome.status != "failed":
        return
    letters = report(outcome)["dead_letters"]
    if not letters:
        assert outcome.duration in (timedelta(0), IMPATIENT.pause), outcome.duration
        return
    (letter,) = letters
    slow = letter["attempts"] - IMPATIENT.rounds + 1
    assert outcome.duration == IMPATIENT.pause + slow * IMPATIENT.slow_pause, letter


def each_letter_is_sent(_: object, outcome: Outcome) -> None:
    if outcome.status == "failed":
        sent = [run for run in outcome.runs if run.workflow_type == WORKFLOW]
        assert len(sent) == len(report(outcome)["dead_letters"])


def hears_of_it(world: Accounted, outcome: Outcome) -> None:
    undone = outcome.status == "failed" and kind(outcome) == "SagaCompensated"
    if undone or outcome.status == "canceled":
        assert world.mails, "nobody told the customer"
