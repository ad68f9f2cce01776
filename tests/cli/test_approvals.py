"""`musterwerk approvals` and `people`: the real commands, a real worker, a real database."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from temporalio.client import Client
from temporalio.worker import Worker

from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import Store
from tests.cli.support import Result, at_a_terminal, musterwerk
from tests.waiting import until_async

PEOPLE = """
[people.anna]
name = "Anna"
groups = ["finance"]

[people.ben]
name = "Ben"
groups = ["finance"]

[people.rita]
name = "Rita"
"""

REQUEST = """
subject = "Refund 730.00 EUR"
details = {order = "C-17"}

[policy]
approvers = ["group:finance"]
expires_after = "10 days"
"""


@dataclass
class Shell:
    """A folder with a database and people, and commands that run in it."""

    home: Path
    client: Client
    address: str
    store: Store
    queue: str = field(default_factory=lambda: f"cli-{uuid.uuid4()}")

    async def __call__(self, *args: str, person: str = "anna") -> Result:
        env = {"MUSTERWERK_USER": person}
        more = ["--address", self.address, "--data", "desk"]
        if args[0] == "people":
            more = more[2:]
        elif args[1] in ("request", "rebuild"):
            more += ["--task-queue", self.queue]
        return await asyncio.to_thread(musterwerk, *args, *more, home=self.home, env=env)

    def worker(self) -> Worker:
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[ApprovalWorkflow],
            activities=ApprovalActivities(self.store).all(),
        )

    async def ask(self, document: str = REQUEST) -> str:
        (self.home / "request.toml").write_text(document)
        result = await self("approvals", "request", "request.toml", person="rita")
        assert result.code == 0, result.stderr
        return result.stdout.strip()


@pytest.fixture
async def shell(
    client: Client, temporal_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Shell]:
    (tmp_path / "desk").mkdir()
    store = Store(make_url(f"sqlite:///{tmp_path / 'desk' / 'musterwerk.sqlite'}"))
    (tmp_path / "people.toml").write_text(PEOPLE)
    shell = Shell(tmp_path, client, temporal_server.address, store)
    done = await shell("people", "apply", "people.toml")
    assert done.code == 0, done.stderr
    yield shell
    store.close()


@pytest.fixture
async def served(shell: Shell) -> AsyncIterator[Shell]:
    async with shell.worker():
        yield shell


async def test_from_the_question_to_the_answer(served: Shell) -> None:
    """The way everybody takes first would end somewhere."""
    key = await served.ask()
    listed = await served("approvals", "list", "--for", "anna", "-o", "json")
    assert [one["request_id"] for one in listed.data] == [key]
    shown = await served("approvals", "show", key)
    assert '"order": "C-17"' in shown.stdout
    assert "requested by rita" in shown.stdout
    done = await served("approvals", "approve", key, "--reason", "as agreed", "--unseen")
    assert (done.code, done.stdout) == (0, "Applied: the request is approved.\n")
    assert "Refund 730.00 EUR" in done.stderr
    late = await served("approvals", "reject", key, "--reason", "no", "-o", "json", person="ben")
    assert (late.code, late.data["verdict"]) == (1, "closed")
    assert "too late: it ended as 'approved' by anna" in late.stderr
    told = (await served("approvals", "show", key)).stdout
    assert "decided by anna: approve; as agreed" in told
    story = (await served("approvals", "show", key, "-o", "json")).data["story"]
    (vote,) = [one for one in story if one["event"] == "decided"]
    assert (vote["actor"], vote["channel"]) == ("anna", "cli")
    ended = await served("approvals", "list", "--box", "decided", "-o", "json")
    assert [one["state"] for one in ended.data] == ["approved"]


async def test_refusals_and_wrong_usage(served: Shell) -> None:
    """Scripts tell them apart by the exit code, people by the words."""
    key = await served.ask()
    stranger = await served("approvals", "approve", key, "--as", "rita", "--unseen")
    assert (stranger.code, stranger.stdout) == (1, "")
    assert "Refused (not entitled): you are not among those who are asked." in stranger.stderr
    stale = await served("approvals", "approve", key, "--digest", "old")
    assert (stale.code, "look again" in stale.stderr) == (1, True)
    unknown = await served("approvals", "approve", "nothing-here", "--unseen")
    assert (unknown.code, "no request 'nothing-here'" in unknown.stderr) == (1, True)
    for args in [
        ("reject", key),
        ("approve", key),
        ("decide", key, "approve"),
        ("approve", key, "--answer", "{", "--unseen"),
        ("decide", key, "NO WAY", "--unseen"),
        ("show",),
    ]:
        result = await served("approvals", *args)
        assert (result.code, result.stdout) == (2, ""), args
        assert "Traceback" not in result.stderr


async def test_filters_that_nothing_can_fit_are_refused(served: Shell) -> None:
    """ "None" with exit code 0 looks like an empty inbox, not like a typing mistake."""
    await served.ask()
    for args, words in [
        (["--for", "nobody"], "nobody is known as 'nobody'"),
        (["--for", "nobody", "--box", "decided"], "musterwerk people list"),
        (["--box", "mine"], "nobody is known as 'root'"),
        (["--state", "bogus"], "choose open, info_requested, approved"),
    ]:
        refused = await served("approvals", "list", *args, "-o", "json", person="root")
        assert (refused.code, refused.stdout) == (2, ""), args
        assert words in refused.stderr
    for args in (["--for", "rita"], ["--state", "expired"], ["--state", "info requested"]):
        empty = await served("approvals", "list", *args, "-o", "json")
        assert (empty.code, empty.data) == (0, []), empty.stderr


@pytest.mark.parametrize(("typed", "state"), [("n", "open"), ("y", "approved")])
async def test_at_a_terminal_what_is_approved_is_shown_first(
    served: Shell, typed: str, state: str
) -> None:
    """A yes by number alone is no consent."""
    key = await served.ask()
    code, printed = await asyncio.to_thread(
        at_a_terminal,
        *("approvals", "approve", key, "--as", "anna"),
        *("--address", served.address, "--data", "desk"),
        home=served.home,
        typed=typed,
    )
    assert code == (0 if state == "approved" else 1), printed
    assert "Refund 730.00 EUR (asked by rita)" in printed
    assert '"order": "C-17"' in printed
    shown = await served("approvals", "show", key, "-o", "json")
    assert shown.data["state"] == state


TYPED = """
[answer_schema]
type = "object"
required = ["cost_center"]

[answer_schema.properties.cost_center]
type = "integer"

[answer_schema.properties.note]
type = "string"
"""
WANTED = "answer wanted: cost_center (integer, required), note (text) - for approve"


async def test_the_answer_that_is_wanted_is_told_before_and_after(served: Shell) -> None:
    """Nobody could know what to give, nor that anything has to be given."""
    key = await served.ask('answer_for = ["approve"]\n' + REQUEST + TYPED)
    await served("approvals", "comment", key, "it is urgent", person="rita")
    shown = await served("approvals", "show", key)
    assert re.sub(" +", " ", shown.stdout).count(WANTED.replace(":", "")) == 1
    code, printed = await asyncio.to_thread(
        at_a_terminal,
        *("approvals", "approve", key, "--as", "anna"),
        *("--address", served.address, "--data", "desk"),
        home=served.home,
        typed="y",
    )
    assert code == 1
    before, after = printed.split("approve? [y/N]")
    assert WANTED in before
    assert "comment by rita at " in before
    assert "it is urgent" in before
    assert "'approve' needs an answer: None is not of type 'object'" in after
    assert '--answer \'{"cost_center": ..., "note": ...}\'' in after
    given = '{"cost_center": 12}'
    done = await served("approvals", "approve", key, "--unseen", "--answer", given)
    assert done.code == 0, done.stderr


async def test_who_is_nobody_is_told_before_they_are_asked(served: Shell) -> None:
    """They would read it all and say yes for nothing."""
    key = await served.ask()
    code, printed = await asyncio.to_thread(
        at_a_terminal,
        *("approvals", "approve", key, "--as", "toor"),
        *("--address", served.address, "--data", "desk"),
        home=served.home,
        typed="y",
    )
    assert (code, "[y/N]" in printed) == (2, False)
    assert "nobody is known as 'toor'; say who you are with --as PERSON" in printed


async def test_who_gave_the_place_away_is_not_shown_as_able(served: Shell) -> None:
    """Everybody would wait for them."""
    people = REQUEST.replace('"group:finance"', '"anna", "ben"')
    key = await served.ask(people.replace("[policy]", "[policy]\nquorum = 2\nfour_eyes = true"))
    asked = await served("approvals", "show", key)
    assert "  may decide  anna, ben\n" in asked.stdout
    assert "  four eyes   rita\n" in asked.stdout
    away = ["people", "apply", "more.toml"]
    (served.home / "more.toml").write_text("[people.mona]\n")
    assert (await served(*away)).code == 0
    await served("approvals", "delegate", key, "--to", "mona")
    await served("approvals", "approve", key, "--unseen", person="ben")
    shown = await served("approvals", "show", key)
    assert "  may decide  mona\n" in shown.stdout
    assert "  has decided ben\n" in shown.stdout
    assert "  four eyes   rita\n" in shown.stdout


async def test_a_state_that_is_an_end_is_looked_for_among_the_ended(served: Shell) -> None:
    """ "No such request" would be said of one that is there."""
    empty = await served("approvals", "list", "--for", "ben")
    assert (empty.code, "Nothing waits for ben." in empty.stderr) == (0, True)
    key = await served.ask()
    await served("approvals", "reject", key, "--reason", "no")
    for args in ([], ["--for", "anna"]):
        listed = await served("approvals", "list", "--state", "rejected", *args, "-o", "json")
        assert [one["request_id"] for one in listed.data] == [key], listed.stderr
    ended = (await served("approvals", "list", "--state", "rejected")).stdout
    assert "DECIDED BY" in ended
    none = await served("approvals", "list", "--state", "expired")
    assert "No such request." in none.stderr


async def test_rebuild_says_for_which_task_queue_it_asked(served: Shell) -> None:
    """It would say that Temporal has lost what is there, on another queue."""
    key = await served.ask()
    served.queue = "nope"
    result = await served("approvals", "rebuild")
    assert "0 written" in result.stdout
    assert "1 not on the task queue 'nope'" in result.stdout
    assert f"{key}: look open, but are not on the task queue 'nope'" in result.stderr


async def test_applying_people_tells_what_it_changes(shell: Shell) -> None:
    """Rights would be gone without a word, by a line that was left out of a file."""
    (shell.home / "more.toml").write_text(
        '[people.anna]\nname = "Anna"\nmail = "a@example.com"\nroles = ["operator"]\n'
        'groups = ["finance"]\n'
    )
    assert (await shell("people", "apply", "more.toml")).code == 0
    told = "anna: mail removed\nanna left finance\nanna lost operator\n"
    (shell.home / "less.toml").write_text('[people.anna]\nname = "Anna"\n')
    before = await shell("people", "list", "-o", "json")

    dry = await shell("people", "apply", "less.toml", "--dry-run")
    assert (dry.code, dry.stdout) == (0, told)
    assert "nothing was changed" in dry.stderr
    assert (await shell("people", "list", "-o", "json")).data == before.data
    machine = await shell("people", "apply", "less.toml", "--dry-run", "-o", "json")
    assert machine.data["dry_run"] is True
    assert machine.data["changes"][1] == {
        "event": "member_removed",
        "data": {"group": "finance", "person": "anna"},
        "words": ["anna left finance"],
    }
    with shell.store.read() as connection:
        lines = text("SELECT count(*) FROM musterwerk_audit WHERE event = 'member_removed'")
        assert connection.execute(lines).scalar_one() == 0

    done = await shell("people", "apply", "less.toml")
    assert (done.code, done.stdout) == (0, told)
    again = await shell("people", "apply", "less.toml")
    assert (again.code, again.stdout) == (0, "")


async def test_claiming_delegating_and_talking(served: Shell) -> None:
    """What the inbox offers would be missing on the command line."""
    key = await served.ask()
    for person, *args in [
        ("anna", "claim"),
        ("anna", "release"),
        ("anna", "ask", "why?"),
        ("rita", "answer", "two of them"),
        ("ben", "comment", "fine"),
        ("anna", "delegate", "--to", "rita"),
        ("rita", "withdraw", "--reason", "by mistake"),
    ]:
        result = await served("approvals", args[0], key, *args[1:], person=person)
        assert result.code == 0, (args, result.stderr)
        assert result.stdout.startswith("Applied: ")


async def test_a_story_tells_for_whom_and_when_in_one_way(served: Shell) -> None:
    """Who reads it would take the substitute's word for a right of their own."""
    away = ["--from", "2026-01-01", "--until", "2100-01-01", "--substitute", "rita"]
    assert (await served("people", "absent", "anna", *away)).code == 0
    key = await served.ask(REQUEST.replace("[policy]", "[policy]\nquorum = 2"))
    done = await served("approvals", "approve", key, "--unseen", person="rita")
    assert done.code == 0, done.stderr
    shown = (await served("approvals", "show", key)).stdout
    assert "decided by rita for anna: approve" in shown
    times = re.findall(r"\d{4}-\d\d-\d\d.*", shown)
    assert len(times) >= 5
    for one in times:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", one)
    (row,) = (await served("approvals", "list")).stdout.splitlines()[1:]
    assert re.search(r"\d\d:\d\d:\d\d UTC$", row.rstrip())


async def test_who_is_asked_back_finds_the_question(served: Shell) -> None:
    """The requester would wait for a decision, and everybody else for the requester."""
    other, key = await served.ask(), await served.ask()
    await served("approvals", "ask", key, "why?")
    for args in (["--for", "rita"], ["--for", "rita", "--box", "questions"]):
        listed = await served("approvals", "list", *args, "-o", "json")
        assert [one["request_id"] for one in listed.data] == [key], listed.stderr
    await served("approvals", "answer", key, "two of them", person="rita")
    assert (await served("approvals", "list", "--for", "rita", "-o", "json")).data == []
    annas = await served("approvals", "list", "--for", "anna", "-o", "json")
    assert {one["request_id"] for one in annas.data} == {other, key}


async def test_a_request_that_cannot_be_is_refused_with_the_reason(served: Shell) -> None:
    """Somebody would wait for people who were never asked."""
    (served.home / "nobody.toml").write_text(REQUEST.replace("finance", "nobody"))
    result = await served("approvals", "request", "nobody.toml")
    assert (result.code, result.stdout) == (1, "")
    assert "group:nobody has nobody in it" in result.stderr
    (served.home / "typo.toml").write_text(REQUEST.replace("approvers", "aprovers"))
    result = await served("approvals", "request", "typo.toml")
    assert (result.code, result.stdout) == (2, "")
    assert "typo.toml is no request" in result.stderr
    assert "policy.aprovers: no such field" in result.stderr


async def test_a_requester_whom_nobody_knows_is_told_and_asks_all_the_same(served: Shell) -> None:
    """A slip of the pen would get mails sent to nobody; a service is nobody known, rightly."""
    for requester, said in [("shpo", True), ("rita", False)]:
        (served.home / "request.toml").write_text(f'requester = "{requester}"\n{REQUEST}')
        result = await served("approvals", "request", "request.toml", "-o", "json")
        assert (result.code, result.data["status"]["requester"]) == (0, requester)
        assert ("'shpo' is nobody known" in result.stderr) is said


async def test_without_a_worker_it_says_that_it_is_recorded(shell: Shell) -> None:
    """Whoever decided would think it had taken effect, or had not."""
    async with shell.worker():
        key = await shell.ask()
    result = await shell("approvals", "approve", key, "--unseen")
    assert result.code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    assert line.startswith("Recorded, not applied yet: it is kept and takes effect as soon as")
    assert line.endswith(f"`musterwerk approvals show {key}` tells whether it has.")
    async with shell.worker():

        async def approved() -> bool:
            shown = await shell("approvals", "show", key, "-o", "json")
            return shown.data["state"] == "approved"

        await until_async(approved)


async def test_without_a_database_the_workflows_are_asked(served: Shell) -> None:
    """Who is at another machine would see nothing."""
    key = await served.ask()
    elsewhere = ["--address", served.address, "-o", "json"]
    run = ["approvals", "list", "--requester", "rita"]
    result = await asyncio.to_thread(musterwerk, *run, *elsewhere, home=served.home)
    assert key in [one["request_id"] for one in result.data], result.stderr
    shown = await asyncio.to_thread(
        musterwerk, "approvals", "show", key, *elsewhere, home=served.home
    )
    assert shown.data["details"] == {"order": "C-17"}
    mine = await asyncio.to_thread(
        musterwerk, "approvals", "list", "--for", "anna", *elsewhere, home=served.home
    )
    assert (mine.code, "--data" in mine.stderr) == (2, True)


async def test_rebuild_restores_what_was_lost_or_damaged(served: Shell) -> None:
    """A projection that went wrong would stay so."""
    lost, damaged, gone = await served.ask(), await served.ask(), await served.ask()
    await served("approvals", "approve", lost, "--unseen")

    def shown(key: str) -> Any:
        with served.store.read() as connection:
            row = connection.execute(
                text("SELECT state, subject, version FROM musterwerk_requests WHERE id = :key"),
                {"key": key},
            ).one_or_none()
            seats = connection.execute(
                text("SELECT principal FROM musterwerk_seats WHERE request_id = :key"),
                {"key": key},
            ).all()
        return row, seats

    before = shown(lost), shown(damaged)
    with served.store.begin() as connection:
        for key, sql in (
            (lost, "DELETE FROM musterwerk_requests WHERE id = :key"),
            (damaged, "UPDATE musterwerk_requests SET subject = 'forged' WHERE id = :key"),
            (damaged, "DELETE FROM musterwerk_seats WHERE request_id = :key"),
            (gone, "UPDATE musterwerk_requests SET id = 'forgotten' WHERE id = :key"),
        ):
            connection.execute(text(sql), {"key": key})
    result = await served("approvals", "rebuild", "-o", "json")
    assert result.code == 0, result.stderr
    assert (result.data["written"], result.data["kept_open"]) == (3, ["forgotten"])
    assert (shown(lost), shown(damaged)) == before
    listed = await served("approvals", "list", "-o", "json")
    assert {one["request_id"] for one in listed.data} == {damaged, gone}


async def test_people_absences_and_tokens(shell: Shell) -> None:
    """Whoever runs it on one machine has no other way to administer people."""
    listed = await shell("people", "list", "-o", "json")
    assert {one["id"]: one["groups"] for one in listed.data} == {
        "anna": ["finance"],
        "ben": ["finance"],
        "rita": [],
    }
    away = ["--from", "2026-01-01", "--until", "2100-01-01", "--substitute", "rita"]
    assert (await shell("people", "absent", "anna", *away)).code == 0
    shown = (await shell("people", "show", "anna")).stdout
    assert "away      2026-01-01 00:00:00 UTC to 2100-01-02 00:00:00 UTC, rita stands in" in shown
    rita = await shell("people", "show", "rita", "-o", "json")
    assert rita.data["acts_for"] == ["rita", "anna", "group:finance"]
    back = await shell("people", "absent", "ben", "--from", "2026-01-05", "--until", "2026-01-01")
    told = "musterwerk: it ends (2026-01-02 00:00 UTC) before it begins (2026-01-05 00:00 UTC)\n"
    assert (back.code, back.stderr) == (2, told)
    issued = await shell("people", "token", "anna", "--label", "ci", "--expires", "90 days")
    assert issued.stdout.startswith("mw_")
    (row,) = (await shell("people", "tokens", "anna", "-o", "json")).data
    assert row["label"] == "ci"
    assert issued.stdout.strip() not in json.dumps(row)
    by_itself = await shell("people", "token", "ben", "-o", "json")
    lifetime = datetime.fromisoformat(by_itself.data["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < lifetime <= timedelta(days=90)
    for_good = await shell("people", "token", "ben", "--expires", "never", "-o", "json")
    assert for_good.data["expires_at"] is None
    assert (await shell("people", "revoke", row["id"])).code == 0
    (row,) = (await shell("people", "tokens", "anna", "-o", "json")).data
    assert row["revoked_at"]
    for args in [
        ("token", "nobody"),
        ("token", "anna", "--expires", "2020-01-01"),
        ("token", "anna", "--expires", "soon"),
        ("absent", "anna", "--from", "tomorrow", "--until", "2100-01-01"),
        ("show", "nobody"),
        ("apply", "missing.toml"),
    ]:
        result = await shell("people", *args)
        assert (result.code, result.stdout) == (2, ""), args
        assert "Traceback" not in result.stderr
    with shell.store.read() as connection:
        events = connection.execute(
            text("SELECT event, actor, channel FROM musterwerk_audit WHERE event LIKE 'token%'")
        ).all()
    assert [tuple(one) for one in events] == [
        *[("token_issued", "anna", "cli")] * 3,
        ("token_revoked", "anna", "cli"),
    ]
