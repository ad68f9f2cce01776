"""Nothing that needs no run of its own would have shown a violation."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from musterwerk.errors import UsageError
from musterwerk.testing import Exploration, Fault, Message, Outcome, explore
from musterwerk.testing.explorer import exploring, search
from tests.testing import ledges
from tests.testing.ledges import Diary, MergingDiary

OTHERS = [ledges.Child, ledges.Sleeper, ledges.Broken]
PROCESSES = [
    ledges.WithAChild, ledges.SideBySide, ledges.Timers, ledges.Asks, ledges.TriesTenTimes,
    ledges.Replays, ledges.Local,
]  # fmt: skip


async def found(process: Any, never: Callable[[Diary, Any], bool], **options: Any) -> Exploration:
    def holds(diary: Diary, outcome: Any) -> None:
        assert not never(diary, outcome), diary.lines

    given: dict[str, Any] = {"max_faults": 1, "cancel": False, "world": MergingDiary, **options}
    return await explore(process.run, invariants=[holds], workflows=OTHERS, **given)


def nothing(diary: Diary, _: Any) -> bool:
    return False


def gives(result: object) -> Callable[[Diary, Any], bool]:
    def never(_: Diary, outcome: Any) -> bool:
        return outcome.result == result

    return never


def told(*lines: str) -> Callable[[Diary, Any], bool]:
    """These lines, one right after the other."""

    def never(diary: Diary, _: Any) -> bool:
        return ", ".join(lines) in ", ".join(diary.lines)

    return never


@pytest.mark.parametrize(
    ("process", "never", "kind"),
    [
        (ledges.WithAChild, told("child", "pay"), "zombie"),
        (ledges.SideBySide, told("left", "pay", "right"), "zombie"),
        (ledges.Gated, told("open", "pay", "pack ends"), "zombie"),
        (ledges.Timers, gives([2, 1]), "deliveries reversed"),
        (ledges.Asks, gives("accepted"), "timeout with effect"),
        (ledges.TriesTenTimes, gives("not paid"), "fails for ever"),
        (ledges.Replays, told("third"), "worker killed in the activity"),
        (ledges.Abandons, nothing, ""),
    ],
    ids=["child", "side-by-side", "waiting", "timers", "decline", "ten", "replay", "broken-child"],
)
async def test_one_fault_shows_it(
    process: Any, never: Callable[[Diary, Any], bool], kind: str
) -> None:
    def possible(fault: Fault) -> bool:
        return fault.kind == kind

    counterexample = (await found(process, never, possible=possible)).counterexample
    assert counterexample is not None
    assert [one.kind for one in counterexample.faults] == ([kind] if kind else [])


async def test_a_broken_child_is_told() -> None:
    report = await found(ledges.Abandons, nothing)
    assert "Broken" in str(report)
    assert "no workflow task fails" in str(report)
    assert "bug" in str(report)


async def test_local_steps_that_have_changed_their_parts_are_not_the_same() -> None:
    def possible(fault: Fault) -> bool:
        return fault.kind in ("error before the effect", "timeout without effect")

    def never(diary: Diary, _: Any) -> bool:
        charged = any(line.startswith("charge") for line in diary.lines)
        return "ship 2" in diary.lines and not charged

    report = await found(ledges.Local, never, max_faults=2, possible=possible, kill=False)
    assert report.counterexample is not None


async def endings(process: Any, world: type[Diary], max_faults: int, **options: Any) -> set[str]:
    ends: set[str] = set()

    def note(diary: Diary, outcome: Outcome) -> None:
        end = (copy.deepcopy(diary.all()), outcome.status, outcome.result)
        ends.add(repr((*end, outcome.duration)))

    report = await explore(
        process.run, world=world, invariants=[note], workflows=OTHERS, max_faults=max_faults,
        cancel=False, **options,
    )  # fmt: skip
    assert report.raise_if_violated().exhausted
    return ends


def _never(process: object, course: object, what: object) -> bool:
    return False


@pytest.mark.parametrize("hurry", [False, True])
@pytest.mark.parametrize("process", PROCESSES, ids=str)
async def test_it_ends_in_all_the_ways_in_which_all_runs_end(
    process: Any, hurry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merged or not, and tried without the workflow or with it."""
    merged = await endings(process, MergingDiary, 1, hurry=hurry)
    some = await endings(process, Diary, 1, hurry=hurry)
    monkeypatch.setattr(search, "holds_elsewhere", _never)
    monkeypatch.setattr(search, "holds_anyway", _never)
    every = await endings(process, Diary, 1, hurry=hurry)
    assert len(every) > 1
    assert merged == every
    assert some == every


@pytest.mark.parametrize("process", [ledges.SideBySide, ledges.Asks, ledges.Replays])
async def test_two_faults_end_in_the_same_ways_however_few_runs_they_take(
    process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = await endings(process, MergingDiary, 2, hurry=True)
    some = await endings(process, Diary, 2, hurry=True)
    monkeypatch.setattr(search, "holds_elsewhere", _never)
    monkeypatch.setattr(search, "holds_anyway", _never)
    every = await endings(process, Diary, 2, hurry=True)
    assert merged == every
    assert some == every


@pytest.mark.parametrize("hurry", [False, True])
async def test_a_world_that_goes_by_the_time_and_by_tokens_ends_in_all_its_ways(
    hurry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = await endings(ledges.PaysInTime, ledges.DatedDiary, 1, hurry=hurry)
    monkeypatch.setattr(search, "holds_elsewhere", _never)
    monkeypatch.setattr(search, "holds_anyway", _never)
    every = await endings(ledges.PaysInTime, ledges.DatedDiary, 1, hurry=hurry)
    assert len(every) > 1
    assert some == every


async def test_an_effect_lands_after_an_attempt_that_is_there_by_another_fault() -> None:
    def possible(fault: Fault) -> bool:
        return (fault.step, fault.kind) in {
            ("pay", "zombie"),
            ("charge", "error before the effect"),
        }

    report = await found(
        ledges.PaysInTime, told("charge 2", "pay", "end"), max_faults=2, possible=possible
    )
    assert report.counterexample is not None
    (zombie,) = [one for one in report.counterexample.faults if one.kind == "zombie"]
    assert zombie.detail == "after charge 1 of PaysInTime, attempt 2"


async def test_a_budget_ends_the_search_among_the_places_of_a_late_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def possible(fault: Fault) -> bool:
        return (fault.step, fault.kind, fault.occurrence) == ("pay", "zombie", 1)

    def tried(report: Exploration) -> int:
        return report.runs.get(1, 0) + report.pruned.get("not seen by the workflow", 0)

    assert tried(await found(ledges.PaysInTime, nothing, possible=possible)) > 3
    seconds = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    for module in (exploring, search):
        monkeypatch.setattr(module, "time", clock)
    budget = timedelta(seconds=3)
    report = await found(ledges.PaysInTime, nothing, possible=possible, budget=budget)
    assert not report.exhausted
    assert 1 <= tried(report) <= 3


async def test_an_invariant_with_a_bug_is_told_with_the_faults() -> None:
    def never(diary: Diary, _: Any) -> bool:
        return diary.lines.index("pay") < 0

    report = await found(ledges.SideBySide, never)
    assert report.counterexample is not None
    assert report.counterexample.violations[0].message == "raised ValueError: 'pay' is not in list"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": [Fault("SideBySide", "pay", 1, 1, "zombie", "after no 7")]}, "have no place"),
        ({"only": [Fault("SideBySide", "", 1, 0, "arrives with the task", "x")]}, "has not"),
        ({"messages": [Message("sginal", "x")]}, "its kind is one of"),  # type: ignore[arg-type]
        ({"messages": [Message("cancel")], "cancel": True}, "arrives anyway"),
        ({"walks": 0}, "walks is 0"),
        ({"walks": 5, "only": []}, "no `only`"),
        ({"world": MergingDiary()}, "give the class"),
        ({"only": [Fault("SideBySide", "pay", 1, 1, "zombi")]}, "kind 'zombi'"),  # type: ignore[arg-type]
        ({"max_tasks": 0}, "max_tasks is 0"),
        ({"horizon": timedelta()}, "horizon 0:00:00"),
    ],
)
async def test_what_cannot_be_meant_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        await found(ledges.SideBySide, nothing, **options)


async def test_an_effect_just_behind_its_call_is_not_lost() -> None:
    def possible(fault: Fault) -> bool:
        return fault.kind == "zombie"

    report = await found(
        ledges.WithAChild, told("parent", "pay"), possible=possible, world=ledges.DiaryBehind
    )
    assert report.counterexample is not None


@pytest.mark.parametrize("hurry", [False, True])
async def test_a_timeout_of_all_attempts_is_not_tried_again(hurry: bool) -> None:
    def possible(fault: Fault) -> bool:
        return fault.kind == "timeout without effect"

    report = await found(
        ledges.GivesUpInAll, told("given up"), possible=possible, kill=False, hurry=hurry
    )
    assert report.counterexample is not None
