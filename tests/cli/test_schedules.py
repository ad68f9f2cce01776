"""`musterwerk schedules` as a developer and an operator use it."""

from __future__ import annotations

import uuid
from asyncio import run
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import ScheduleActionStartWorkflow, ScheduleUpdate, ScheduleUpdateInput

from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import Store, database_url
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow
from tests.cli.support import Result, musterwerk
from tests.ledgers import NOON, schedule_row
from tests.waiting import until_async

FILE = """
[[schedule]]
name = "PREFIX-daily"
workflow = "Report"
task_queue = "PREFIX"
args = ["daily"]
cron = "0 6 * * *"
time_zone = "Europe/Berlin"
owner = "PREFIX"
grace = "15m"

[[schedule]]
name = "PREFIX-quarters"
workflow = "Sync"
task_queue = "PREFIX"
cron = "*/15 * * * *"
time_zone = "Europe/Berlin"
"""


class Shell:
    def __init__(self, home: Path, address: str) -> None:
        self.home = home
        self.address = address
        self.prefix = f"c{uuid.uuid4().hex[:8]}"

    def write(self, text: str, name: str = "schedules.toml") -> None:
        (self.home / name).write_text(text.replace("PREFIX", self.prefix))

    def __call__(self, *args: str) -> Result:
        return musterwerk("schedules", *args, "--address", self.address, home=self.home)


@pytest.fixture
def shell(temporal_server: EmbeddedServer, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, temporal_server.address)
    shell.write(FILE)
    yield shell
    shell.write(FILE)
    shell("destroy", "schedules.toml", "--yes")


def test_from_plan_to_destroy(shell: Shell) -> None:
    planned = shell("plan", "schedules.toml")
    assert planned.code == 3, planned.stderr
    assert f"+ {shell.prefix}-daily will be created" in planned.stdout
    assert "2 to do" in planned.stderr
    applied = shell("apply", "schedules.toml", "-o", "json")
    assert applied.code == 0, applied.stderr
    assert [(one["kind"], one["done"]) for one in applied.data] == [("create", True)] * 2
    assert shell("plan", "schedules.toml").code == 0
    assert shell("apply", "schedules.toml", "-o", "json").data == []

    shell.write(FILE.replace("0 6 * * *", "0 7 * * *"))
    changed = shell("plan", "schedules.toml", "-o", "json")
    assert changed.code == 3
    assert changed.data[0]["words"] == ["cron: 0 6 * * * -> 0 7 * * *"]
    shell.write(FILE)

    assert shell("pause", f"{shell.prefix}-*", "--note", "maintenance").code == 0
    shown = shell("show", f"{shell.prefix}-daily", "-o", "json").data
    assert (shown["paused"], shown["note"], shown["next"]) == (True, "maintenance", [])
    assert shell("unpause", "--owner", shell.prefix).code == 0
    assert not shell("show", f"{shell.prefix}-daily", "-o", "json").data["paused"]
    assert shell("show", f"{shell.prefix}-quarters", "-o", "json").data["paused"]

    unasked = shell("destroy", "schedules.toml")
    assert (unasked.code, "Say --yes" in unasked.stderr) == (2, True)
    assert shell("destroy", "schedules.toml", "--yes").code == 0
    assert shell("plan", "schedules.toml").code == 3


def test_next_knows_what_is_paused_and_what_has_a_number_of_runs(shell: Shell) -> None:
    """Somebody would wait at night for what does not come."""
    shell.write(FILE.replace('owner = "PREFIX"', "runs = 2", 1))
    told = shell("next", "schedules.toml", "--count", "3", "-o", "json").data
    note = "it has had all its runs by then"
    assert [one["note"] for one in told[:3]] == ["", "", note]
    shell("apply", "schedules.toml")
    told = shell("next", "schedules.toml", "--count", "3", "-o", "json").data
    assert [one["will_happen"] for one in told] == [True, True, False, True, True, True]
    shell("pause", f"{shell.prefix}-quarters")
    told = shell("next", "schedules.toml", "--count", "3", "-o", "json").data
    assert [one["note"] for one in told[3:]] == ["it is paused"] * 3
    assert not any(one["will_happen"] for one in told[3:])
    far = shell("next", "schedules.toml", "--from", "2030-01-01", "--count", "1", "-o", "json").data
    assert [one["note"] for one in far] == [note, "it is paused"]
    shell("destroy", "schedules.toml", "--yes")


def test_next_tells_what_the_server_loses_and_whom_it_asked(shell: Shell) -> None:
    def dues() -> list[dict[str, Any]]:
        span = ("--from", "2026-10-25T00:00:00Z", "--count", "12")
        found = shell("next", "schedules.toml", *span, "-o", "json")
        assert found.code == 0, found.stderr
        return [one for one in found.data if one["schedule"].endswith("-quarters")]

    planned = dues()
    assert {one["according_to"] for one in planned} == {"Temporal Server 1.32.0 (its rules)"}
    lost = [one for one in planned if one["meant"] and not one["will_happen"]]
    assert len(lost) == 8
    assert set(planned[0]) >= {"schedule", "due_local", "due_utc", "meant", "will_happen", "note"}
    assert shell("apply", "schedules.toml").code == 0
    applied = dues()
    assert {one["according_to"] for one in applied} == {"the server"}
    for one in (*planned, *applied):
        one.pop("according_to")
    assert applied == planned
    once = FILE.replace('cron = "*/15 * * * *"', 'cron = "*/15 * * * *"\ndst = "once"')
    shell.write(once)
    assert shell("apply", "schedules.toml").code == 0
    assert all(one["will_happen"] for one in dues())


def test_without_a_server_the_rules_will_do(shell: Shell) -> None:
    found = musterwerk(
        "schedules", "next", "schedules.toml", "--count", "1", "-o", "json", home=shell.home
    )
    assert found.code == 0, found.stderr
    assert len(found.data) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no schedule in it"),
        ("[[schedule", "this is no TOML"),
        ("[other]", "other: no such table; [[schedule]] is expected"),
        ("[[schedule]]", "schedule number 1: name: is missing"),
        (FILE.replace("*/15", "*/0"), "cron: '*/0 * * * *': minute '*/0': after / a number"),
        (FILE.replace("0 6 * * *", "0 6 31 2 *"), "-daily': cron: '0 6 31 2 *' never fires"),
        (FILE.replace("Europe/Berlin", "Europe/Bielefeld"), "time_zone: there is no time zone"),
        (FILE.replace("-quarters", "-daily"), "name: there are 2 of this name"),
        (FILE.replace("grace", "gracious"), "gracious: no such field"),
        (FILE.replace('"15m"', '"soon"'), "grace: a length of time is expected"),
        (FILE.replace("owner", 'overlap = "maybe"\nowner'), "overlap: 'skip', 'buffer_one'"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_done(shell: Shell, text: str, said: str) -> None:
    shell.write(text, "wrong.toml")
    for command in ("apply",) if text else ("plan", "apply", "next", "lint"):
        where = () if command == "lint" else ("--address", shell.address)
        found = musterwerk("schedules", command, "wrong.toml", *where, home=shell.home)
        assert found.code == 2, found.stdout
        assert said in found.stderr
        assert "wrong.toml: " in found.stderr
        assert found.stdout == ""


def test_what_is_of_another_set_is_named_and_stays(shell: Shell) -> None:
    shell.write(FILE)
    assert shell("apply", "schedules.toml", "--set", shell.prefix).code == 0
    other = ("schedules.toml", "--set", f"{shell.prefix}x")
    for command, more in (("plan", ()), ("apply", ()), ("destroy", ("--yes",))):
        found = shell(command, *other, *more)
        assert found.code == 1, command
        assert f"it is of the set '{shell.prefix}'" in found.stdout + found.stderr
        assert "these are not ours and were left alone" in found.stderr
    less = FILE.rpartition("[[schedule]]")[0]
    shell.write(less, "less.toml")
    found = shell("plan", "less.toml", "--set", shell.prefix)
    assert found.code == 0
    assert f"--prune would delete: {shell.prefix}-quarters" in found.stderr
    assert shell("destroy", "schedules.toml", "--set", shell.prefix, "--yes").code == 0
    found = shell("destroy", *other, "--yes")
    assert found.code == 0
    assert "None of the 2 schedules in schedules.toml" in found.stderr


def test_all_mistakes_of_a_file_at_once(shell: Shell) -> None:
    wrong = FILE.replace("*/15", "61").replace("0 6 * * *", "0 6 * *")
    shell.write(wrong)
    found = shell("plan", "schedules.toml")
    assert len(found.stderr.strip().splitlines()) == 2
    assert shell("plan", "nowhere.toml").code == 2
    assert "a TOML file or module:name" in shell("plan", "nowhere").stderr


def test_lint_says_what_will_surprise(shell: Shell) -> None:
    late = FILE.split("[[schedule]]")[1].replace("-daily", "-late").replace("0 6 *", "0 6 31")
    shell.write(f"{FILE}[[schedule]]{late}")
    found = musterwerk("schedules", "lint", "schedules.toml", "-o", "json", home=shell.home)
    assert found.code == 1
    rules = {(one["schedule"].removeprefix(shell.prefix), one["rule"]) for one in found.data}
    assert rules == {("-quarters", "lost"), ("-late", "short_months")}
    asked = shell("lint", "schedules.toml", "-o", "json").data
    assert {one["rule"] for one in asked} == {"lost", "short_months", "no_worker"}
    assert shell("lint", "schedules.toml", "--offline", "-o", "json").data == found.data


def test_what_was_changed_by_hand_can_still_be_held(shell: Shell) -> None:
    assert shell("apply", "schedules.toml").code == 0
    name = f"{shell.prefix}-daily"
    run(put_another_action(shell.address, name))
    shown = shell("show", name, "-o", "json").data
    assert (shown["workflow"], shown["declared"]) == ("Other", None)
    assert "active, changed by hand" in shell("list").stdout
    assert shell("pause", name).code == 0
    assert shell("show", name, "-o", "json").data["paused"]
    planned = shell("plan", "schedules.toml", "-o", "json").data
    assert [one["kind"] for one in planned if one["schedule"] == name] == ["mend"]


async def put_another_action(address: str, name: str) -> None:
    client = await connect(address)

    def changed(was: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = was.description.schedule
        schedule.action = ScheduleActionStartWorkflow("Other", id="other", task_queue="other")
        return ScheduleUpdate(schedule)

    handle = client.get_schedule_handle(name)
    before = (await handle.describe()).schedule
    await handle.update(changed)

    async def done() -> bool:
        return (await handle.describe()).schedule.action != before.action

    await until_async(done)


def test_a_dry_backfill_starts_nothing(shell: Shell) -> None:
    assert shell("apply", "schedules.toml").code == 0
    name = f"{shell.prefix}-daily"
    span = ("--from", "2024-01-01", "--until", "2024-01-31T23:59:00")
    found = shell("backfill", name, *span, "--dry-run", "-o", "json")
    assert found.code == 0, found.stderr
    assert (found.data["due"], len(found.data["missing"])) == (31, 31)
    refused = shell("backfill", name, *span)
    assert (refused.code, "Say --yes" in refused.stderr) == (2, True)
    assert "they may have been, and would be started again" in refused.stderr
    assert len(shell("backfill", name, *span, "--dry-run", "-o", "json").data["missing"]) == 31
    assert shell("backfill", "nobody", *span).code == 2
    assert shell("backfill", name, "--from", "soon", "--until", "2024-01-31").code == 2


def test_nothing_is_held_by_a_slip_of_the_pen(shell: Shell) -> None:
    assert shell("apply", "schedules.toml").code == 0
    assert "name some, or say --all" in shell("pause").stderr
    unknown = shell("pause", "nobody")
    assert (unknown.code, "none of ours is called 'nobody'" in unknown.stderr) == (2, True)
    overlap = shell("trigger", f"{shell.prefix}-daily", "--overlap", "maybe")
    assert (overlap.code, "skip, buffer_one" in overlap.stderr) == (2, True)


def test_the_ledger_is_read_from_the_database(shell: Shell) -> None:
    store = Store(database_url(shell.home, {}))
    row = schedule_row()
    began = NOON + timedelta(seconds=2)
    ran = FireRow("report", NOON, "ran", "finance", started_at=began, ended_at=began)
    missed = FireRow("report", NOON + timedelta(hours=1), "missed", "finance", reason="no run")
    LedgerTable(store).write([Entry(row, fires=(ran, missed))])
    store.close()

    def ledger(*args: str) -> Result:
        return musterwerk("schedules", "ledger", *args, "--data", ".", home=shell.home)

    table = ledger()
    assert table.code == 0, table.stderr
    assert [line.split()[3] for line in table.stdout.splitlines()[1:]] == ["missed", "ran"]
    assert "Nobody has kept the ledger yet" in table.stderr
    bad = ledger("--verdict", "bad", "-o", "json").data
    assert [one["verdict"] for one in bad["fires"]] == ["missed"]
    assert (bad["next"], bad["as_of"]) == (None, None)
    first = ledger("--limit", "1", "-o", "json").data
    then = ledger("--limit", "1", "--after", first["next"], "-o", "json").data
    assert [one["verdict"] for one in then["fires"]] == ["ran"]
    (summed,) = ledger("report", "--summary", "-o", "json").data["schedules"]
    assert (summed["success_rate"], summed["late_max_s"]) == (0.5, 2.0)
    assert ledger("--from", "2026-11-28T12:30:00", "-o", "json").data["fires"] == bad["fires"]
    for typo, hint in (("repotr", "; did you mean 'report'?"), ("x*", "")):
        for more in ((), ("--summary",)):
            wrong = ledger("report", typo, *more)
            assert (wrong.code, wrong.stdout) == (2, "")
            assert (
                f"the ledger has no schedule called {typo!r}; `schedules list` shows ours{hint}"
                in wrong.stderr
            )
    assert ledger("re*", "-o", "json").data["fires"] == ledger("-o", "json").data["fires"]
    flawed = schedule_row("odd", flaw="time_zone: there is no 'Local'")
    store = Store(database_url(shell.home, {}))
    LedgerTable(store).write([Entry(flawed)])
    store.close()
    assert "odd cannot be judged, and is left out: time_zone: there is no" in ledger().stderr
    (left_out,) = ledger("--summary", "-o", "json").data["unjudged"]
    assert left_out == {"schedule": "odd", "reason": flawed.flaw}
    assert ledger("report", "-o", "json").data["unjudged"] == []
    unknown = ledger("--verdict", "lost")
    assert (unknown.code, "'lost' is none of waiting, ran" in unknown.stderr) == (2, True)
    away = musterwerk("schedules", "ledger", "--data", "nowhere", home=shell.home)
    assert away.code == 1
    assert "there is no database" in away.stderr


def test_words_for_whoever_does_it_the_first_time(shell: Shell) -> None:
    assert shell("apply", "schedules.toml").code == 0
    daily = f"{shell.prefix}-daily"
    slip = shell("pause", f"{shell.prefix}-dialy")
    assert (slip.code, f"did you mean '{daily}'?" in slip.stderr) == (2, True)
    for act in ("pause", "unpause", "trigger"):
        every = shell(act, "--all")
        assert (every.code, "Say --yes where nobody can be asked" in every.stderr) == (2, True)
    assert not shell("show", daily, "-o", "json").data["paused"]

    assert shell("pause", daily, "--note", "maintenance").code == 0
    assert shell("unpause", daily).code == 0
    assert shell("show", daily, "-o", "json").data["note"] == "maintenance"
    shown = shell("show", daily).stdout
    lines = {line[:22].strip(): line[22:].strip() for line in shown.splitlines()}
    assert (lines["cron"], lines["grace"]) == ("0 6 * * *", "15 minutes")
    assert "{" not in shown
    assert len(shell("show", f"{shell.prefix}-*", "-o", "json").data) == 2
    assert [one["schedule"] for one in shell("list", daily, "-o", "json").data] == [daily]

    span = ("--from", "2024-01-01", "--until", "2024-01-02T23:59:00", "--dry-run")
    assert "it takes 1 second" in shell("backfill", daily, *span).stdout
    for year in ("0001-01-01", "9999-12-31T23:59:59-12:00"):
        for command in (("next", "schedules.toml"), ("ledger",)):
            found = musterwerk("schedules", *command, "--from", year, home=shell.home)
            assert (found.code, "not between the years 1970 and 2100" in found.stderr) == (2, True)


def test_whose_a_schedule_is(shell: Shell) -> None:
    assert shell("apply", "schedules.toml").code == 0
    other = ("schedules.toml", "--set", f"{shell.prefix}-other")
    planned = shell("plan", *other)
    assert (planned.code, "are not ours and were left alone" in planned.stderr) == (1, True)
    assert shell("apply", *other).code == 1
    gone = shell("destroy", *other, "--yes")
    assert (gone.code, "it is of the set 'schedules'" in gone.stderr) == (1, True)

    shell.write(FILE.split("\n[[schedule]]")[1].join(["[[schedule]]", ""]))
    planned = shell("plan", "schedules.toml")
    assert planned.code == 0, planned.stderr
    assert f"--prune would delete: {shell.prefix}-quarters" in planned.stderr
    shell.write(FILE)
    assert shell("destroy", "schedules.toml", "--yes").code == 0
    again = shell("destroy", "schedules.toml", "--yes", "-o", "json")
    assert (again.code, again.data) == (0, [])
    assert "in the set 'schedules'" in again.stderr


def test_the_ledger_says_who_makes_one(shell: Shell) -> None:
    found = musterwerk("schedules", "ledger", "--data", "nowhere", home=shell.home)
    assert "`musterwerk worker` makes one" in found.stderr
