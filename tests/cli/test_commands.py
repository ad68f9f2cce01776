"""The command itself: exit codes, what goes where, and commands of others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import contribute, environment, musterwerk

BROKEN_REGISTER = "def register(app):\n    raise_on_call\n"


def test_version(tmp_path: Path) -> None:
    """A report of a fault could not say which version it is about."""
    result = musterwerk("--version", home=tmp_path)
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.startswith("musterwerk ")


def test_module_is_the_same_command(tmp_path: Path) -> None:
    """`python -m musterwerk` would not work where scripts are not on PATH."""
    done = subprocess.run(
        [sys.executable, "-m", "musterwerk", "--version"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (
        0,
        musterwerk("--version", home=tmp_path).stdout,
    )


@pytest.mark.parametrize(
    "args", [["--nonsense"], ["nonsense"], ["sagas", "show"], ["sagas", "list", "--limit", "0"]]
)
def test_wrong_usage_is_2(args: list[str], tmp_path: Path) -> None:
    """A script could not tell a typing error from a failure."""
    result = musterwerk(*args, home=tmp_path)
    assert (result.code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_wrong_configuration_is_2_in_one_line(tmp_path: Path) -> None:
    """A mistyped profile would end in a traceback."""
    result = musterwerk("sagas", "list", home=tmp_path, env={"TEMPORAL_PROFILE": "typo"})
    assert (result.code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "typo" in line


def test_no_server_known_is_1_and_says_what_to_do(tmp_path: Path) -> None:
    """A newcomer's first command would leave them alone."""
    result = musterwerk("sagas", "list", home=tmp_path)
    assert (result.code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "musterwerk dev" in line
    assert "TEMPORAL_ADDRESS" in line


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """Nobody could find out where an error comes from."""
    result = musterwerk("--debug", "sagas", "list", home=tmp_path)
    assert result.code == 1
    assert "Traceback" in result.stderr


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """Who installed the library only would see an ImportError."""
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('No typer', name='typer')")
    result = musterwerk("--version", home=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert (result.code, result.stdout) == (2, "")
    assert "pip install 'musterwerk[cli]'" in result.stderr


@pytest.mark.parametrize("args", [["--help"], ["--help", "sagas"], ["--debug", "--help"]])
def test_the_help_has_all_commands(args: list[str], tmp_path: Path) -> None:
    """Only the command that is wanted is loaded: the list of all would be short of the others."""
    shown = musterwerk(*args, home=tmp_path).stdout
    names = {line.split()[0] for line in shown.splitlines() if line.startswith("  ")}
    ours = ("audit", "dev", "sagas", "schedules", "approvals", "people", "console", "worker")
    assert {*ours, "demo", "shop"} <= names


def test_others_add_commands(tmp_path: Path) -> None:
    """The shop and the user's own packages would have no place in the command."""
    code = "def register(app):\n    app.command('greet')(lambda: print('hello'))\n"
    env = contribute(tmp_path, "friendly", code, commands="register")
    assert musterwerk("greet", home=tmp_path, env=env).stdout == "hello\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import not_there\n", "No module named 'not_there'"),
        (BROKEN_REGISTER, "name 'raise_on_call' is not defined"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_broken_commands_of_others_only_warn(code: str, reason: str, tmp_path: Path) -> None:
    """One broken package would take all commands away."""
    env = contribute(tmp_path, "broken", code, commands="register")
    result = musterwerk("--help", home=tmp_path, env=env)
    assert result.code == 0
    assert "approvals" in result.stdout
    (line,) = result.stderr.splitlines()
    assert "warning: extra (broken:register)" in line
    assert reason in line
