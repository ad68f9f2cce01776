"""`musterwerk people password`: the real command, at a terminal and in a pipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from musterwerk.console.access.hashing import is_right
from musterwerk.store import PeopleTable, Store
from musterwerk.store.audit import AuditTrail
from musterwerk.store.passwords import PasswordTable
from musterwerk.store.sessions import SessionTable
from tests.cli.support import at_a_terminal, musterwerk

GOOD = "correct horse battery"
PASSWORD = ("people", "password", "anna")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / ".data").mkdir()
    store = Store(make_url(f"sqlite:///{tmp_path / '.data' / 'musterwerk.sqlite'}"))
    people = {"anna": {"name": "Anna"}, "ben": {"name": "Ben"}}
    PeopleTable(store).apply({"people": people}, actor="test", channel="cli")
    return store


def opens(store: Store, password: str) -> bool:
    return is_right(PasswordTable(store), "anna", password)


def test_a_generated_one_opens_and_ends_the_sessions(store: Store, tmp_path: Path) -> None:
    """Whoever knew the old password would stay; nobody would know who changed it."""
    sessions = SessionTable(store)
    mine, bens = sessions.open("anna"), sessions.open("ben")
    result = musterwerk(*PASSWORD, "--generate", "--as", "ada", home=tmp_path)
    assert result.code == 0, result.stderr
    (password,) = result.stdout.splitlines()
    assert opens(store, password)
    assert sessions.owner(mine) is None
    assert sessions.owner(bens) is not None
    line = next(one for one in AuditTrail(store).lines() if one.event == "password_changed")
    assert (line.actor, line.channel, line.data) == ("ada", "cli", {"person": "anna"})
    again = musterwerk(*PASSWORD, "--generate", "-o", "json", home=tmp_path)
    assert opens(store, again.data["password"])
    assert not opens(store, password)


def test_a_pipe_gives_its_first_line(store: Store, tmp_path: Path) -> None:
    result = musterwerk(*PASSWORD, home=tmp_path, stdin=f"{GOOD}\r\nmore".encode())
    assert (result.code, result.stdout) == (0, "")
    assert opens(store, GOOD)


@pytest.mark.parametrize(
    ("args", "stdin", "said"),
    [
        (PASSWORD, b"", "10 to 1000 characters"),
        (PASSWORD, b"short\n", "this one 5; choose another"),
        (PASSWORD, b"\xff\xfe never text \xff", "no UTF-8 text"),
        (("people", "password", "nobody"), GOOD.encode(), "musterwerk people list"),
    ],
)
def test_what_is_no_password_changes_nothing(
    store: Store, tmp_path: Path, args: tuple[str, ...], stdin: bytes, said: str
) -> None:
    result = musterwerk(*args, home=tmp_path, stdin=stdin)
    assert (result.code, result.stdout) == (2, "")
    assert said in result.stderr
    assert PasswordTable(store).hash_of("anna") is None


def test_a_terminal_asks_twice_and_shows_nothing(store: Store, tmp_path: Path) -> None:
    """It would be read over the shoulder; a slip would lock somebody out."""
    answers = {"New password:": GOOD, "The same again:": GOOD}
    code, printed = at_a_terminal(*PASSWORD, home=tmp_path, answers=answers)
    assert code == 0, printed
    assert "new password" in printed
    assert GOOD not in printed
    assert opens(store, GOOD)
    answers = {"New password:": "another horse battery", "The same again:": "another horse"}
    code, printed = at_a_terminal(*PASSWORD, home=tmp_path, answers=answers)
    assert code == 2
    assert "differ" in printed
    assert opens(store, GOOD)


def test_settings_that_cannot_work_stop_the_console(tmp_path: Path) -> None:
    """It would run, and believe everybody's word for where they come from."""
    result = musterwerk("console", home=tmp_path, env={"MUSTERWERK_PROXIES": "*"})
    assert (result.code, result.stdout) == (2, "")
    assert "MUSTERWERK_PROXIES" in result.stderr
