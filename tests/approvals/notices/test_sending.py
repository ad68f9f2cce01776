"""Notices on their way: through a real mail server and webhook, from a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from musterwerk.approvals.keeping import telling
from musterwerk.approvals.notices import sending
from musterwerk.approvals.notices.sending import NoticeSender, backoff
from musterwerk.approvals.state import Notice, Record, Status
from musterwerk.errors import StoreError
from musterwerk.notify import Settings
from musterwerk.store import InboxTable, NoticeTable, PeopleTable, Store
from musterwerk.store.approval_tables import notices
from tests.approvals.notices.telling import AT, ended, notice, status
from tests.databases import forget_requests
from tests.receivers import MailServer, WebhookServer, mail_server, webhook_server
from tests.waiting import until

COMPANY: dict[str, Any] = {
    "people": {
        "anna": {"name": "Anna", "mail": "anna@example.com", "groups": ["finance"]},
        "ben": {
            "name": "Ben",
            "mail": "ben@example.com",
            "language": "de",
            "zone": "Europe/Berlin",
            "groups": ["finance"],
        },
        "carla": {"name": "Carla", "groups": ["finance"]},
        "dora": {
            "name": "Dora",
            "mail": "dora@example.com",
            "active": False,
            "groups": ["finance"],
        },
        "max": {"name": "Max", "mail": "max@example.com"},
    },
    "absences": [
        {"person": "ben", "from": "2026-11-20", "until": "2026-11-30", "substitute": "max"}
    ],
}


@dataclass
class Post:
    """A company with a mail server and a webhook, and a clock that stands still."""

    store: Store
    server: MailServer
    hook: WebhookServer
    now: datetime = AT

    def sender(self) -> NoticeSender:
        settings = Settings.from_environment(
            {
                "MUSTERWERK_SMTP": f"smtp://127.0.0.1:{self.server.port}",
                "MUSTERWERK_MAIL_FROM": "desk@example.com",
                "MUSTERWERK_ALERT_MAIL": "ops@example.com",
                "MUSTERWERK_ALERT_WEBHOOK": self.hook.url,
            }
        )
        return NoticeSender(self.store, settings, now=lambda: self.now)

    def write(self, *written: Notice, shown: Status | None = None) -> None:
        record = Record(namespace="default", run_id="1", status=shown or status(), notices=written)
        InboxTable(self.store).write(telling(record), self.now)

    def told(self) -> list[str]:
        return sorted(mail["To"] for mail in self.server.mails)

    def row(self) -> dict[str, Any]:
        """The only notice."""
        with self.store.begin() as connection:
            return dict(connection.execute(select(notices)).mappings().one())


@pytest.fixture
def hook() -> Iterator[WebhookServer]:
    with webhook_server() as hook:
        yield hook


@pytest.fixture
async def post(store: Store, hook: WebhookServer) -> AsyncIterator[Post]:
    PeopleTable(store).apply(COMPANY, actor="test", channel="cli")
    async with mail_server() as server:
        yield Post(store, server, hook)


async def test_everybody_is_told_once_in_their_language(post: Post) -> None:
    post.write(notice(), shown=status(details={"blob": "x" * 1_000_000}))
    sender = post.sender()
    assert await sender.send_due() == 1
    assert await sender.send_due() == 0
    assert await post.sender().send_due() == 0
    assert post.told() == ["anna@example.com", "ben@example.com", "max@example.com"]
    mails = {mail["To"]: mail for mail in post.server.mails}
    assert mails["ben@example.com"]["Subject"].startswith("Bitte entscheiden: ")
    assert mails["ben@example.com"]["Content-Language"] == "de"
    body = mails["max@example.com"].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "because you stand in for Ben" in text
    assert len(text) < 5_000
    assert [told["event"] for _, told in post.hook.posts] == ["asked"]
    assert post.row()["done_at"] == AT


async def test_nobody_is_asked_for_what_was_decided_meanwhile(post: Post) -> None:
    post.write(notice())
    over = ended("approved", "approve", version=2, requester="anna", by=("ben",))
    post.write(notice("ended", but=("ben",)), shown=over)
    await post.sender().send_due()
    assert [mail["Subject"].split(":")[0] for mail in post.server.mails] == ["Approved"]
    assert len(post.hook.posts) == 2


async def test_a_mail_server_that_is_away_for_an_hour(post: Post) -> None:
    """It is asked at growing intervals, others are told meanwhile, and nobody is told twice."""
    sender = post.sender()
    post.server.refuse = 3  # anna's, ben's and max's first try
    post.write(notice())
    await sender.send_due()
    assert len(post.hook.posts) == 1
    waited: list[timedelta] = []
    post.server.refuse = 1_000
    while post.now < AT + timedelta(hours=1):
        due = post.row()["due_at"]
        waited.append(due - post.now)
        post.now = due - timedelta(milliseconds=1)
        assert await sender.send_due() == 0
        post.now = due
        assert await sender.send_due() == 1
    assert waited[:9] == [backoff(n) for n in range(9)]
    assert set(waited[9:]) == {timedelta(minutes=5)}
    assert "451" in post.row()["last_error"]
    post.server.refuse = 0
    post.now = post.row()["due_at"]
    await sender.send_due()
    assert post.told() == ["anna@example.com", "ben@example.com", "max@example.com"]
    assert len(post.hook.posts) == 1


async def test_a_port_where_nobody_listens_is_an_outage_too(post: Post) -> None:
    async with mail_server() as other:
        post.server = other
        sender = post.sender()
    post.write(notice())
    await sender.send_due()
    assert "did not take the mail" in post.row()["last_error"]
    async with mail_server(other.port) as back:
        post.now += timedelta(seconds=1)
        await sender.send_due()
        assert len(back.mails) == 3


async def test_while_the_server_is_away_nothing_new_bothers_it(post: Post) -> None:
    sender = post.sender()
    post.server.refuse = 1_000
    post.write(notice())
    await sender.send_due()
    tried = 1_000 - post.server.refuse
    post.write(notice("reminded"))
    await sender.send_due()
    assert 1_000 - post.server.refuse == tried
    assert len(post.hook.posts) == 2


async def test_an_address_that_is_refused_holds_up_nobody_and_is_given_up(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(days=1) == sending.PATIENCE
    monkeypatch.setattr(sending, "PATIENCE", timedelta(minutes=10))
    sender = post.sender()
    post.server.unknown.add("anna@example.com")
    post.write(notice())
    await sender.send_due()
    assert post.told() == ["ben@example.com", "max@example.com"]
    assert post.row()["due_at"] == AT + timedelta(seconds=1)
    tries = 1
    while post.row()["done_at"] is None:
        assert post.now < AT + timedelta(minutes=15)
        post.now = post.row()["due_at"]
        tries += await sender.send_due()
    assert tries > 8
    assert "given up: person:anna" in post.row()["last_error"]
    assert post.told() == ["ben@example.com", "max@example.com"]


async def test_an_address_that_works_again_is_told(post: Post) -> None:
    sender = post.sender()
    post.server.unknown.add("anna@example.com")
    post.write(notice())
    await sender.send_due()
    post.server.unknown.clear()
    post.now += timedelta(seconds=1)
    await sender.send_due()
    assert post.told() == ["anna@example.com", "ben@example.com", "max@example.com"]


async def test_a_mark_that_fails_repeats_no_mail(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away just after a mail went out: only another process can repeat it."""
    sender = post.sender()
    post.write(notice("answer", to=("anna",)))
    with monkeypatch.context() as broken:
        broken.setattr(NoticeTable, "mark_sent", _away)
        broken.setattr(NoticeTable, "failed", _away)
        await sender.send_due()
    post.now += timedelta(minutes=10)
    await sender.send_due()
    assert post.told() == ["anna@example.com"]
    assert post.row()["done_at"] == post.now


async def test_a_crash_before_the_mark_repeats_only_what_was_not_marked(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = NoticeTable.mark_sent

    def all_but_anna(table: NoticeTable, key: str, target: str, at: datetime) -> None:
        if target == "person:anna":
            raise StoreError("the process dies here")
        mark(table, key, target, at)

    post.write(notice())
    with monkeypatch.context() as dying:
        dying.setattr(NoticeTable, "mark_sent", all_but_anna)
        dying.setattr(NoticeTable, "failed", _away)
        await post.sender().send_due()
    post.now += timedelta(minutes=10)
    await post.sender().send_due()
    assert post.told() == [
        *("anna@example.com", "anna@example.com", "ben@example.com", "max@example.com")
    ]
    first, again = (mail for mail in post.server.mails if mail["To"] == "anna@example.com")
    assert first["Message-ID"] == again["Message-ID"]
    assert len(post.hook.posts) == 1


async def test_two_processes_tell_nobody_twice(post: Post) -> None:
    post.write(*(notice("answer", key=f"answer/{number}", to=("anna",)) for number in range(6)))
    counts = await asyncio.gather(post.sender().send_due(), post.sender().send_due())
    assert sum(counts) == 6
    assert post.told() == ["anna@example.com"] * 6


async def test_a_webhook_that_fails_holds_up_no_mail(post: Post) -> None:
    post.hook.answers = [500]
    sender = post.sender()
    post.write(notice("answer", to=("anna",)))
    await sender.send_due()
    assert post.told() == ["anna@example.com"]
    post.now = post.row()["due_at"]
    await sender.send_due()
    assert post.told() == ["anna@example.com"]
    assert [key for key, _ in post.hook.posts] == [post.hook.posts[0][0]] * 2
    assert post.row()["done_at"] == post.now


@pytest.mark.parametrize(("answer", "gives_up"), [(404, True), (401, True), (429, False)])
async def test_a_webhook_that_says_no_for_good_is_given_up_after_a_day(
    post: Post, answer: int, gives_up: bool
) -> None:
    """Its notices would be due for ever, more every day."""
    post.hook.answers = [answer] * 2
    sender = post.sender()
    post.write(notice("answer", to=("anna",)))
    await sender.send_due()
    assert post.row()["done_at"] is None
    post.now += timedelta(days=1)
    await sender.send_due()
    assert (post.row()["done_at"] is not None) == gives_up
    assert ("given up: webhook" in post.row()["last_error"]) == gives_up


async def test_a_notice_of_nothing_known_is_tried_for_a_day(post: Post) -> None:
    post.write(notice())
    forget_requests(post.store)
    sender = post.sender()
    await sender.send_due()
    assert post.row()["done_at"] is None
    post.now += timedelta(days=1)
    await sender.send_due()
    assert post.row()["done_at"] == post.now
    assert post.server.mails == []


async def test_a_running_sender_is_woken_and_outlives_a_database_that_is_away(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_LOOK", 3600.0)
    monkeypatch.setattr(sending, "_NOTICES", 3)
    claimed = asyncio.Event()
    claim = NoticeTable.claim
    loop = asyncio.get_running_loop()

    def first_away(table: NoticeTable, *given: Any) -> Any:
        if not claimed.is_set():
            loop.call_soon_threadsafe(claimed.set)
            raise StoreError("away")
        return claim(table, *given)

    monkeypatch.setattr(NoticeTable, "claim", first_away)
    sender = post.sender()
    running = asyncio.create_task(sender.run())
    await claimed.wait()
    for number in range(8):  # more than are worked on at once
        post.write(notice("answer", key=f"refund-42/{number}", to=("anna",)))
    sender.wake()
    await until(lambda: len(post.server.mails) == 8)
    await until(lambda: NoticeTable(post.store).waiting() == 0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_running_sender_looks_by_itself(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_LOOK", 0.01)
    running = asyncio.create_task(post.sender().run())
    post.write(notice("answer", to=("anna",)))
    await until(lambda: post.told() == ["anna@example.com"])
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    # What it was about to note is noted before it goes.
    assert post.row()["done_at"] == AT


def _away(*_: Any) -> None:
    raise StoreError("the database is away", temporary=True)


def test_backoff_grows_from_a_second_to_five_minutes() -> None:
    assert [backoff(n).total_seconds() for n in (0, 1, 2, 8, 9, 1_000_000)] == [
        *(1, 2, 4, 256, 300, 300)
    ]
    assert datetime.now(UTC) + backoff(10**9) > datetime.now(UTC)
