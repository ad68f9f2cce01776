"""Three days of reports by mail, one of them of 25 hours; and the same again, without a mail."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.headerregistry import Address
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from temporalio.client import Client
from temporalio.worker import Worker

from examples.clock import Clock, declared
from examples.outbox import Outbox
from examples.report.books import ORDERS, Report, Reporter
from examples.report.workflow import ReportWorkflow
from examples.running import play
from musterwerk.notify import Mailbox, MailServer

#: Clocks go back in Berlin on the 26th.
DUE = datetime(2025, 10, 26, tzinfo=UTC), datetime(2025, 10, 28, 23, tzinfo=UTC)
SENDER, BOSS = Address(addr_spec="reports@shop.example"), Address(addr_spec="boss@shop.example")


class Printer:
    """A mail server that shows what it is given."""

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        print(f"{mail['Message-ID']}\n    {mail['Subject']}\n    {mail.get_content().strip()}")
        return "250 OK"


@asynccontextmanager
async def mail_server() -> AsyncGenerator[MailServer]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Printer(), loop=loop), "127.0.0.1", 0)
    try:
        yield MailServer("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()


def hourly(file: Path, start: datetime, hours: int) -> None:
    """An order of 10.00 in each hour."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(ORDERS)
        for number in range(hours):
            at = start + timedelta(hours=number)
            db.execute("INSERT INTO orders VALUES (?, ?, 1000)", (f"{at:%m-%d-%H}", at.timestamp()))


def serving(client: Client, threads: ThreadPoolExecutor, reporter: Reporter) -> Worker:
    return Worker(
        client,
        task_queue="reporting",
        workflows=[ReportWorkflow],
        activities=[reporter.build_report, reporter.mail_report],
        activity_executor=threads,
    )


async def main(client: Client, folder: Path) -> None:
    orders = folder / "orders.sqlite"
    hourly(orders, DUE[0] - timedelta(days=2), hours=120)
    clock, daily = Clock(client), declared("daily-report")
    with ThreadPoolExecutor(8) as threads:
        async with mail_server() as server:
            outbox = Outbox(folder / "outbox.sqlite", [Mailbox(server, SENDER, BOSS)])
            async with serving(client, threads, Reporter(orders, outbox)):
                await clock.apply(daily)
                first = await clock.backfill(daily, *DUE, Report)
                again = await clock.backfill(daily, *DUE, Report, again=True)
    print(f"the same reports again, and no mail: {first == again}")


if __name__ == "__main__":
    play(main)
