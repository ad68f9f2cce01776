"""What a project sees that has Musterwerk and pytest, and no line about it in a conftest."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from musterwerk.testing import write_history
from tests.testing.test_histories import recorded

PROJECT = """
import asyncio
from tests.testing.test_histories import Old, Unguarded

def test_unchanged(replay):
    assert asyncio.run(replay("recorded", workflows=[Old])).count == 1

def test_changed(replay):
    asyncio.run(replay("recorded", workflows=[Unguarded]))
"""


def pytest_in(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )


def test_the_fixture_is_there_and_finds_the_folder_beside_the_test(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    write_history(inside / "recorded" / "o.json", recorded("O-1"))
    (inside / "test_upgrade.py").write_text(PROJECT)
    ran = pytest_in(tmp_path)
    assert "1 failed, 1 passed" in ran.stdout
    assert "AssertionError: 1 of 1 runs would be stuck with this code:" in ran.stdout


def test_a_run_of_pytest_that_does_not_use_it_does_not_pay_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    assert 'pytest_musterwerk' in sys.modules\n"
        "    assert not {'musterwerk', 'temporalio'} & set(sys.modules)\n"
    )
    ran = pytest_in(tmp_path, "-W", "error::pytest.PytestAssertRewriteWarning")
    assert "1 passed" in ran.stdout, ran.stdout


EXPLORING = """
import asyncio
import pytest
from tests.mutants.invariants import money_conserved
from tests.mutants.plain_keys import Order
from tests.mutants.worlds import WithoutTombstones, World

def test_sound(explore):
    asyncio.run(explore(Order.run, "O-1", world=World, invariants=[money_conserved], max_faults=1))

@pytest.mark.explore(max_faults=0)
def test_marked(explore):
    report = asyncio.run(explore(Order.run, "O-1", world=World, invariants=[money_conserved]))
    assert report.runs == {0: 2}

def test_given(explore):
    report = asyncio.run(explore(Order.run, "O-1", world=World, invariants=[], only=[]))
    assert report.runs == {0: 2}

def test_unsound(explore):
    asyncio.run(
        explore(Order.run, "O-1", world=WithoutTombstones, invariants=[money_conserved])
    )
"""


def exploring(tmp_path: Path, *args: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_order.py").write_text(EXPLORING)
    return pytest_in(tmp_path, "--strict-markers", *args)


def test_a_process_is_explored_by_a_fixture_and_the_summary_says_how_far(tmp_path: Path) -> None:
    ran = exploring(tmp_path, "--explore-write", "found")
    assert "1 failed, 3 passed" in ran.stdout, ran.stdout
    assert "zombie, the effect lands at the end" in ran.stdout
    summary = ran.stdout.split("= explorations =")[1]
    assert "test_order.py::test_sound: Order: 65 runs with up to 1 fault, all of them" in summary
    found = pytest_in(tmp_path, "found/test_found_by_test_order_py_test_unsound.py")
    assert "1 failed" in found.stdout
    assert "Order: one run with 1 fault" in found.stdout


LABELS = """
import asyncio
from temporalio import workflow
from musterwerk.testing import Message

class TestShelf:
    def __init__(self) -> None:
        self.labels = []

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None: ...

    def activities(self):
        return []

def nothing_is_labelled(shelf, outcome):
    assert not outcome.result

def few_labels(shelf, outcome):
    assert outcome.result < 3, f"at most 2,\\nnot {outcome.result}"

@workflow.defn
class Labelled:
    def __init__(self) -> None:
        self.labels = []

    @workflow.run
    async def run(self) -> int:
        await workflow.sleep(60)
        return len(self.labels)

    @workflow.signal
    def label(self, labels: list[str]) -> None:
        self.labels = labels

def test_mine(explore):
    asyncio.run(
        explore(
            Labelled.run,
            world=TestShelf,
            cancel=False,
            invariants=[nothing_is_labelled, few_labels],
            messages=[Message("signal", "label", ({"new", "old", "cheap"},))],
        )
    )
"""


def plain_pytest(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As it is called in a project: the folder is not on the path of Python."""
    return subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [Path(sys.executable).with_name("pytest"), "-q", "-p", "no:cacheprovider", *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("mode", "package"), [("prepend", False), ("prepend", True), ("importlib", False)]
)
def test_what_is_written_runs_from_where_it_was_found(
    tmp_path: Path, mode: str, package: bool
) -> None:
    mine = tmp_path / "tests" / "test_mine.py"
    mine.parent.mkdir()
    mine.write_text(LABELS)
    if package:
        (mine.parent / "__init__.py").touch()
    options = ["--import-mode", mode]
    ran = plain_pytest(tmp_path, *options, "--explore-write", "out", "tests", PYTHONHASHSEED="1")
    assert "1 failed" in ran.stdout, ran.stdout + ran.stderr
    (written,) = (tmp_path / "out").iterdir()
    # In another process a set comes in another order. The world is not taken for a test.
    options += ["-W", "error::pytest.PytestCollectionWarning"]
    again = plain_pytest(tmp_path, *options, str(written.relative_to(tmp_path)), PYTHONHASHSEED="2")
    assert "1 failed" in again.stdout, again.stdout + again.stderr
    assert "Labelled: one run with 1 fault" in again.stdout
    assert "To do" not in written.read_text()
    docstring = ast.get_docstring(ast.parse(written.read_text()))
    assert docstring is not None
    assert docstring.splitlines()[2:] == [
        "nothing_is_labelled: assert not 3",
        "few_labels: at most 2,",
        "  not 3",
    ]


@pytest.mark.parametrize(
    ("folder", "why"), [("file", "FileExistsError"), ("full", "IsADirectoryError")]
)
def test_a_folder_that_cannot_be_written_hides_nothing(
    tmp_path: Path, folder: str, why: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "test_mine.py").write_text(LABELS)
    # Stands where the file would be written, for a user who may write everywhere.
    (tmp_path / "full" / "test_found_by_test_mine_py_test_mine.py").mkdir(parents=True)
    ran = plain_pytest(tmp_path, "--explore-write", folder, "test_mine.py")
    assert "1 failed" in ran.stdout, ran.stdout + ran.stderr
    assert "nothing_is_labelled: assert not 3" in ran.stdout
    (line,) = [one for one in ran.stdout.splitlines() if "--explore-write" in one]
    assert f"test_found_by_test_mine_py_test_mine.py could not be written: {why}: " in line


def test_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    ran = exploring(tmp_path, "--explore-faults", "0")
    assert "4 passed" in ran.stdout, ran.stdout
    hurried = exploring(tmp_path, "--explore-budget", "0", "-k", "sound and not unsound")
    assert "1 passed" in hurried.stdout, hurried.stdout
    assert "not exhausted (asked for: 1)" in hurried.stdout


def test_faults_that_are_given_are_not_drawn(tmp_path: Path) -> None:
    ran = exploring(tmp_path, "--explore-walks", "5", "-k", "given or marked")
    assert "2 passed" in ran.stdout, ran.stdout
