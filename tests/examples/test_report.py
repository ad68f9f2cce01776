"""The report: no hour is counted twice or left out, and a due time is mailed once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from examples.clock import Clock, declared
from examples.outbox import Outbox
from examples.report.__main__ import BOSS, DUE, SENDER, hourly, serving
from examples.report.books import Report, Reporter
from examples.report.period import Kind, period
from examples.report.workflow import ReportWorkflow
from temporalio.worker import Worker

from musterwerk.notify import Mailbox
from musterwerk.notify import MailServer as Server
from tests.examples.conftest import replay
from tests.receivers import MailServer, mail_server
from tests.waiting import until_async

BERLIN = "Europe/Berlin"
DAILY = declared("daily-report")
LONG_DAY = datetime(2025, 10, 27, 5, tzinfo=UTC)  # the report of the 26th is due


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
async def worker(
    clock: Clock, threads: ThreadPoolExecutor, tmp_path: Path, mails: MailServer
) -> Worker:
    hourly(tmp_path / "orders.sqlite", DUE[0] - timedelta(days=2), hours=120)
    box = Mailbox(Server("127.0.0.1", mails.port), SENDER, BOSS)
    reporter = Reporter(tmp_path / "orders.sqlite", Outbox(tmp_path / "outbox.sqlite", [box]))
    return serving(clock.client, threads, reporter)


@pytest.mark.parametrize(
    ("kind", "due", "previous", "hours", "start"),
    [
        ("daily", "2025-10-27T05:00Z", None, 25, "2025-10-25T22:00Z"),
        ("daily", "2026-03-30T04:00Z", None, 23, "2026-03-28T23:00Z"),
        ("daily", "2026-03-29T04:00Z", None, 24, "2026-03-27T23:00Z"),  # on the day of the change
        ("daily", "2026-06-10T21:59Z", None, 24, "2026-06-08T22:00Z"),  # triggered before midnight
        ("daily", "2026-06-10T22:01Z", None, 24, "2026-06-09T22:00Z"),  # and after it
        ("monthly", "2025-10-31T23:00Z", None, 31 * 24 + 1, "2025-09-30T22:00Z"),
        ("monthly", "2026-03-31T22:00Z", None, 31 * 24 - 1, "2026-02-28T23:00Z"),
        ("monthly", "2026-12-31T23:00Z", None, 31 * 24, "2026-11-30T23:00Z"),
        ("since_last", "2025-10-27T08:00Z", "2025-10-24T07:00Z", 73, "2025-10-24T07:00Z"),
    ],
)
def test_periods(kind: Kind, due: str, previous: str | None, hours: int, start: str) -> None:
    before = datetime.fromisoformat(previous) if previous else None
    begin, end = period(kind, BERLIN, datetime.fromisoformat(due), before)
    assert begin == datetime.fromisoformat(start)
    assert end - begin == timedelta(hours=hours)


async def test_a_day_of_25_hours_has_the_orders_of_25_hours(
    clock: Clock, worker: Worker, mails: MailServer
) -> None:
    async with worker:
        await clock.apply(DAILY)
        reports = await clock.backfill(DAILY, *DUE, Report)
        assert [one.orders for one in reports] == [24, 25, 24]
        assert all(one.end == following.start for one, following in pairwise(reports))
        assert len({mail["Message-ID"] for mail in mails.mails}) == 3
        (long,) = (mail for mail in mails.mails if "25 hours" in mail.get_content())
        assert long["Message-ID"] == "<daily-report-2025-10-27T05-00-00Z@shop.example>"
        assert "25 orders of 250.00 EUR" in long.get_content()

        again = await clock.backfill(DAILY, *DUE, Report, again=True)
        assert (again, len(mails.mails)) == (reports, 3)
    await replay(clock.run_of(DAILY, LONG_DAY, Report), ReportWorkflow)


async def test_a_mail_that_is_not_taken_at_first_is_sent_once(
    clock: Clock, worker: Worker, mails: MailServer
) -> None:
    mails.refuse = 2
    async with worker:
        await clock.apply(DAILY)
        await clock.backfill(DAILY, LONG_DAY, LONG_DAY, Report)
    assert mails.refuse == 0
    assert len(mails.mails) == 1


async def test_what_nobody_can_know_is_sent_again_under_the_same_id(
    clock: Clock, worker: Worker, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has the mail, and says otherwise: whoever sent it sees the same when it dies."""
    take = mails.handle_DATA

    async def take_and_deny(server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await take(server, session, envelope)
        return "451 try later" if len(mails.mails) == 1 else answer

    monkeypatch.setattr(mails, "handle_DATA", take_and_deny)
    async with worker:
        await clock.apply(DAILY)
        await clock.backfill(DAILY, LONG_DAY, LONG_DAY, Report)
    first, second = mails.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert re.fullmatch(r"<[^@<>\s:]+@shop\.example>", first["Message-ID"])


async def test_an_address_that_is_refused_at_first_gets_its_mail(
    clock: Clock, worker: Worker, mails: MailServer
) -> None:
    """Many mail servers refuse a first attempt; and 20 hours are time to mend a typo."""
    mails.unknown.add(BOSS.addr_spec)
    async with worker:
        await clock.apply(DAILY)
        run = await clock.trigger(DAILY, Report)

        async def refused() -> bool:
            found = (await run.describe()).raw_description.pending_activities
            return any(one.attempt > 1 for one in found)

        await until_async(refused)
        mails.unknown.clear()
        await run.result()
    assert len(mails.mails) == 1


async def test_on_a_working_day_it_is_of_the_time_since_the_last_one(
    clock: Clock, worker: Worker, mails: MailServer
) -> None:
    working_days = declared("working-days-report")
    monday = datetime(2025, 10, 27, 8, tzinfo=UTC)
    async with worker:
        await clock.apply(working_days)
        (report,) = await clock.backfill(working_days, monday, monday, Report)
    assert report.end - report.start == timedelta(hours=73)
    assert report.orders == 73
    assert len(mails.mails) == 1
