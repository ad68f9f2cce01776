"""A counterexample as a test file: it fails in the same way, and passes when the bug is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from musterwerk.errors import UsageError
from musterwerk.testing import Exploration, Fault, Message, explore
from musterwerk.testing.explorer.writing import Code
from tests.mutants.cases import Case
from tests.mutants.catalogue import MUTANTS

CASES = {case.name: case for case in MUTANTS}
ORDER = CASES["Order-RepeatedRefunds"]
WITH_MESSAGES = [case for case in MUTANTS if case.messages][:2]


async def explored(case: Case) -> Exploration:
    return await explore(
        *(case.run, *case.args),
        world=case.world,
        invariants=case.invariants,
        workflows=case.others,
        messages=[Message(one.kind, one.name, one.args) for one in case.messages],
        max_faults=case.faults,
    )


@pytest.mark.parametrize("case", [ORDER, *WITH_MESSAGES], ids=lambda case: case.name)
def test_it_fails_in_the_same_way(case: Case, tmp_path: Path) -> None:
    found = asyncio.run(explored(case)).counterexample
    assert found is not None
    file = tmp_path / "test_found.py"
    file.write_text(found.as_pytest())
    assert "To do" not in file.read_text()
    scope: dict[str, Any] = {}
    exec(compile(file.read_text(), file, "exec"), scope)  # noqa: S102 - what we have just written
    (test,) = [one for name, one in scope.items() if name.startswith("test_")]
    with pytest.raises(AssertionError) as raised:
        test()
    for violation in found.violations:
        assert f"{violation.invariant}: {violation.message}" in str(raised.value)
    assert "one run with " in str(raised.value)


async def test_faults_that_have_no_place_any_more_are_named() -> None:
    gone = Fault("Order", "weigh", 1, 1, "refused")
    with pytest.raises(UsageError, match="no place in the process as it is now: weigh 1, attempt"):
        await explore(*(ORDER.run, *ORDER.args), world=ORDER.world, invariants=[], only=[gone])


async def test_where_the_bug_is_gone_it_passes() -> None:
    cancel = Fault("Order", "charge", 1, 1, "arrives during the activity", "cancel")
    report = await explore(
        *(ORDER.run, *ORDER.args), world=ORDER.world, invariants=[], only=[cancel]
    )
    assert report.ok
    assert not report.exhausted
    assert report.runs == {1: 1}


class Colour(Enum):
    RED = "red"


@dataclass
class Article:
    name: str
    price: Decimal
    colour: Colour
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        "it's",
        {"a": [1, 2.5, b"x"]},
        {"y"},
        (),
        Article("tea", Decimal("4.90"), Colour.RED, ("new",)),
        datetime(2026, 11, 29, 5, tzinfo=UTC),
        timedelta(days=3),
    ],
    ids=str,
)
def test_arguments_are_written_as_code(value: object) -> None:
    code = Code()
    text = code.value(value)
    scope: dict[str, object] = {}
    exec(code.header(), scope)  # noqa: S102 - imports
    assert eval(text, scope) == value  # noqa: S307 - what we have just written
    assert "To do" not in code.header()


def test_what_cannot_be_written_is_said() -> None:
    class Local: ...

    code = Code()
    assert code.value(Local()) == "..."
    assert code.name_of(Local) == "Local"
    assert "put it at the top of a module" in code.header()
    assert "as code" in code.header()
