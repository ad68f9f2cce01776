"""What a project sees that has Musterwerk and pytest, and no line about it in a conftest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
