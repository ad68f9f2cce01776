"""`musterwerk audit` as auditors and cron use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import text
from temporalio.client import Client
from typer.testing import CliRunner

from musterwerk.cli import audit
from musterwerk.store import Store, database_url
from musterwerk.store.auditing import Asked
from tests.cli.support import Result, musterwerk
from tests.store.trails import put, retained, story


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with two requests in its trail."""
    store = Store(database_url(tmp_path / ".data", {}))
    put(store, *story(1, 5), *story(2, 5))
    store.close()
    return tmp_path


def vandalise(home: Path, statement: str) -> None:
    store = Store(database_url(home / ".data", {}))
    with store.begin() as connection:
        connection.execute(text("DROP TRIGGER musterwerk_audit_no_update"))
        connection.execute(text(statement))
    store.close()


@pytest.fixture
def run(home: Path) -> Callable[..., Result]:
    return lambda *args: musterwerk("audit", *args, home=home)


def test_sealed_verified_and_tampered_with(run: Callable[..., Result], home: Path) -> None:
    first = run("verify", "--no-temporal", "-o", "json")
    assert (first.code, first.data["ok"], first.data["unsealed"]) == (0, True, 10)
    made = run("checkpoint", "-o", "json")
    assert (made.code, made.data["number"], made.data["seq"]) == (0, 1, 10)
    again = run("checkpoint")
    assert (again.code, again.stdout) == (0, "")
    intact = run("verify", "--no-temporal")
    assert intact.code == 0
    assert "Intact: 11 lines, 1 checkpoints, sealed up to line 10" in intact.stdout
    assert "Not yet sealed: 0" in intact.stdout
    first = intact.stdout.splitlines()[0]
    assert first.startswith("Verified: the chain and its checkpoints. NOT verified: Temporal's")

    vandalise(home, "UPDATE musterwerk_audit SET actor = 'eve' WHERE seq = 7")
    found = run("verify", "--no-temporal", "-o", "json")
    assert (found.code, found.data["ok"], found.data["deviation"]["seq"]) == (1, False, 7)
    assert "NOT INTACT, first at line 7" in run("verify", "--no-temporal").stdout
    without = run("verify")
    assert (without.code, "--no-temporal" in without.stderr) == (1, True)
    (home / "key.pem").write_text("no key")
    assert run("verify", "--no-temporal", "--key", "key.pem").code == 2


def test_lines_are_listed(run: Callable[..., Result]) -> None:
    of_two = run("list", "--request", "refund:2@x", "-o", "json")
    assert [line["seq"] for line in of_two.data] == [6, 7, 8, 9, 10]
    assert [line["seq"] for line in run("list", "--limit", "2", "-o", "json").data] == [9, 10]
    assert len(run("list", "--since", "2026-03-01T09:31:03", "-o", "json").data) == 8
    assert len(run("list", "--actor", "anna 2", "--event", "reminded", "-o", "json").data) == 2
    assert "anna 3" in (told := run("list").stdout)
    assert "zu teuer" in told
    assert run("list", "--event", "token_issued", "-o", "json").data == []
    bogus = run("list", "--event", "bogus")
    assert (bogus.code, bogus.stdout) == (2, "")
    assert "'bogus' is none; choose requested, asked" in bogus.stderr
    assert "person_added" in bogus.stderr
    wrong = run("list", "--since", "yesterday")
    assert (wrong.code, "2026-03-01T09:30" in wrong.stderr) == (2, True)


def test_what_is_exported_is_complete(run: Callable[..., Result], home: Path) -> None:
    run("checkpoint")
    assert run("export", "trail.jsonl").code == 0
    lines = [json.loads(line) for line in (home / "trail.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == ["key", "checkpoint", *["line"] * 11]
    assert run("export", "no/such/folder").code == 2
    piped = run("export", "-")
    assert (piped.code, piped.stderr) == (0, "")
    assert piped.stdout == (home / "trail.jsonl").read_text()
    assert not (home / "-").exists()


def test_a_copy_without_its_folder_is_told_as_that(run: Callable[..., Result], home: Path) -> None:
    """Somebody would be suspected of a deletion who copied one file of two."""
    run("checkpoint")
    (home / ".data" / "audit").rename(home / "elsewhere")
    found = run("verify", "--no-temporal")
    assert found.code == 1
    assert f"there is no checkpoint file {Path('.data', 'audit', 'checkpoints.jsonl')}" in (
        found.stdout.replace(str(home) + "/", "")
    )
    assert "MUSTERWERK_AUDIT_DIR" in found.stdout
    assert "deleted" not in found.stdout


@pytest.mark.parametrize(
    "command",
    [
        *("audit verify --no-temporal", "audit list", "audit checkpoint", "audit export trail"),
        *("approvals list", "approvals list --for anna", "approvals show r-1"),
        *("people list", "people show anna", "people tokens anna", "people token anna"),
        *("people revoke t-1", "people absent anna --from 2026-01-01 --until 2026-01-02"),
    ],
)
def test_without_a_database_it_says_so_and_makes_none(command: str, tmp_path: Path) -> None:
    """A mistyped folder would be an empty company, with a key of its own, from then on."""
    result = musterwerk(*command.split(), "--data", "typo", home=tmp_path)
    assert (result.code, result.stdout) == (1, "")
    assert f"there is no database {tmp_path / 'typo'}" in result.stderr
    assert "--data says where it is" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("silent", [(), ("r-3",)])
def test_the_first_line_says_what_was_verified_and_what_not(
    home: Path, monkeypatch: pytest.MonkeyPatch, silent: tuple[str, ...]
) -> None:
    """An auditor reads "intact", and misses that half of it was not looked at."""

    async def asking(client: Client, task_queue: str | None) -> Asked:
        return Asked((retained(1, 5),), silent)

    async def ask(*_: object) -> Asked:
        return Asked((retained(1, 5), retained(2, 5)), silent)

    def find(*_: object) -> None: ...

    monkeypatch.setattr(audit, "find_address", find)
    monkeypatch.setattr(audit, "_ask", ask)
    monkeypatch.chdir(home)
    app = typer.Typer()
    audit.register(app, asking)
    verified = CliRunner().invoke(app, ["audit", "verify"])
    assert verified.exit_code == 0, verified.output
    first, second, *_ = verified.stdout.splitlines()
    start = "Verified: the chain and its checkpoints, 2 executions in Temporal. "
    rest = "NOT verified: 1 requests in Temporal, for which no worker answers; is a `musterwerk "
    assert first.startswith(start + (rest if silent else "Nothing was left out."))
    assert second.startswith("Intact: 10 lines")


def test_temporal_is_asked_unless_it_is_not_to_be(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def asking(client: Client, task_queue: str | None) -> Asked:
        asked.append((client, task_queue))
        return Asked((retained(1, 6),), ("r-3",))

    class Target:
        async def connect(self) -> str:
            return "client"

    def find(*_: object) -> Any:
        return Target()

    monkeypatch.setattr(audit, "find_address", find)
    monkeypatch.chdir(home)
    app = typer.Typer()
    audit.register(app, asking)
    verdict = CliRunner().invoke(app, ["audit", "verify", "-o", "json", "--task-queue", "q"])
    assert (verdict.exit_code, asked) == (1, [("client", "q")])
    assert "6 entries" in json.loads(verdict.stdout)["deviation"]["expected"]
    assert "not verified: 1 requests" in verdict.stderr
    assert json.loads(verdict.stdout)["silent"] == ["r-3"]
    assert CliRunner().invoke(app, ["audit", "verify", "--no-temporal"]).exit_code == 0
    assert len(asked) == 1
