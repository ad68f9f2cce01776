"""A counterexample as a test file: it fails in the same way, and passes when the bug is gone."""

from __future__ import annotations

import ast
import asyncio
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from musterwerk.errors import UsageError
from musterwerk.testing import Exploration, Fault, Message, Violation, explore
from musterwerk.testing.explorer.naming import identifier
from musterwerk.testing.explorer.sameness import shape
from musterwerk.testing.explorer.writing import Code
from tests.mutants.cases import Case
from tests.mutants.catalogue import MUTANTS
from tests.testing.oddities import LEFT_OPEN, WRITTEN, Limit, May, Number, Raw
from tests.testing.oddities import Colour as OtherColour

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


@pytest.mark.parametrize("value", WRITTEN, ids=lambda value: type(value).__name__)
def test_an_odd_value_comes_back_as_it_was(value: object) -> None:
    code = Code()
    # One that is called the same comes from another module.
    text = code.value([Colour.RED, value])
    scope: dict[str, Any] = {}
    exec(code.header(), scope)  # noqa: S102 - imports
    assert "To do" not in code.header()
    made = eval(text, scope)  # noqa: S307 - what we have just written
    assert shape(made) == shape([Colour.RED, value])


@pytest.mark.parametrize("value", LEFT_OPEN, ids=lambda value: type(value).__name__)
def test_what_would_come_back_as_something_else_is_left_open(value: object) -> None:
    code = Code()
    text = code.value([1, value])
    assert "..." in text
    compile(f"{code.header()}\n[{text}]", "written", "exec")  # or it is no Python
    assert "# To do: write " in code.header()
    assert code.header().encode()


def test_how_a_value_shows_itself_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSTERWERK_DONE_BY_REPR", raising=False)
    assert Code().value(Raw()) == "..."
    assert "MUSTERWERK_DONE_BY_REPR" not in os.environ


def test_values_that_only_compare_equal_are_told_apart() -> None:
    same = [1, True, 1.0, Decimal("1"), Decimal("1.0"), Number("1"), "1", (1,), [1], May.READ]
    shapes = [shape(one) for one in same]
    assert [shapes.index(one) for one in shapes] == list(range(len(same)))


def test_an_invariant_may_be_a_method() -> None:
    code = Code()
    written = [code.name_of(Limit(2).held), code.name_of(Limit.none)]
    assert written == ["Limit(most=2).held", "Limit.none"]
    assert "To do" not in code.header()


def report(*_: object) -> None:
    """Is called as something in the file."""


ODD = 'of """two"""\n\\lines\x00 \ud800 \r\\'


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (ODD, ["of '''two'''", "\\lines\\x00 \\ud800 ", "\\"]),
        ("mine\nas well\nassert 1 == 2\n + where 1 = a()", ["mine", "as well"]),
        ("assert 1 == 2\n + where 1 = a()", ["assert 1 == 2"]),
        ("\nassert 1 == 2\n + where 1 = a()", ["assert 1 == 2"]),
        ("\n".join("abcdefghijkl"), list("abcdefghij")),
        ("", [""]),
    ],
)
def test_the_file_says_what_a_person_has_said(message: str, said: list[str]) -> None:
    case = WITH_MESSAGES[0]
    case = replace(case, invariants=(report, *case.invariants))
    found = asyncio.run(explored(case)).counterexample
    assert found is not None
    text = replace(found, violations=[Violation("x² is <lambda>", message)]).as_pytest()
    text.encode()
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree, clean=False)
    assert docstring is not None
    assert docstring.removeprefix("Written from a counterexample.\n\nx² is <lambda>: ") == (
        "\n".join(said) + "\n"
    )
    assert "test_takesthesignalatanytime_x2_is_lambda" in text
    assert "report as report_2" in text


def test_a_name_is_one_that_python_takes() -> None:
    for odd in ("x²", "class", "1", "", "a b", "<lambda>", "\x00", "\ud800", "ﬁ"):
        compile(f"def test_{identifier(odd)}(): {identifier(odd)} = 1", "written", "exec")


def test_two_of_one_name_that_cannot_be_imported_stay_two() -> None:
    def local() -> type:
        class Colour: ...

        return Colour

    code = Code()
    kinds = [Colour, local(), local(), OtherColour]
    names = [code.name_of(one) for one in kinds]
    assert names == ["Colour", "Colour_2", "Colour_3", "Colour_4"]
    assert [code.name_of(one) for one in kinds] == names


def test_what_cannot_be_written_is_said() -> None:
    class Local: ...

    code = Code()
    assert code.value(Local()) == "..."
    assert code.name_of(Local) == "Local"
    assert "put it at the top of a module" in code.header()
    assert "as code" in code.header()


async def test_how_far_a_run_may_go_is_written() -> None:
    report = await explore(
        *(ORDER.run, *ORDER.args), world=ORDER.world, invariants=ORDER.invariants,
        max_faults=ORDER.faults, max_tasks=400, horizon=timedelta(days=4000),
    )  # fmt: skip
    assert report.counterexample is not None
    file = report.counterexample.as_pytest()
    assert "max_tasks=400,\n" in file
    assert "horizon=timedelta(days=4000),\n" in file
