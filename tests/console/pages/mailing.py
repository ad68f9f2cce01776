"""Mails as they are really sent, and what opens the links in them: people, and machines."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx

from musterwerk.approvals.notices.sending import NoticeSender
from musterwerk.notify import Settings
from tests.console.office import Office
from tests.console.pages.browsing import Browser, Page
from tests.receivers import MailServer, mail_server
from tests.waiting import until_async

CONSOLE = "https://console"
#: Of the requests in these tests.
SUBJECT = "Refund 730.00 EUR"
#: Ben reads German; Rita asks, and is asked back.
WRITTEN_TO: dict[str, Any] = {
    "people": {
        "anna": {"name": "Anna", "mail": "anna@example.com", "groups": ["finance"]},
        "ben": {
            "name": "Ben",
            "mail": "ben@example.com",
            "language": "de",
            "groups": ["finance"],
        },
        "rita": {"name": "Rita", "mail": "rita@example.com"},
    }
}


@dataclass
class Post:
    office: Office
    server: MailServer
    _read: int = 0

    @classmethod
    @asynccontextmanager
    async def of(cls, office: Office) -> AsyncGenerator[Post]:
        office.services.people.apply(WRITTEN_TO, actor="test", channel="cli")
        async with mail_server() as server:
            yield cls(office, server)

    async def send(self) -> None:
        """All that is due; "now" is the office's."""
        settings = Settings.from_environment(
            {
                "MUSTERWERK_SMTP": f"smtp://127.0.0.1:{self.server.port}",
                "MUSTERWERK_MAIL_FROM": "desk@example.com",
                "MUSTERWERK_CONSOLE_URL": CONSOLE + "/",
            }
        )
        sender = NoticeSender(self.office.services.store, settings, now=self.office.services.now)
        await sender.send_due()

    async def mails(self) -> dict[str, EmailMessage]:
        """What has come since the last time, by the person; of several, one that has a link."""
        await self.send()
        new, self._read = self.server.mails[self._read :], len(self.server.mails)
        new.sort(key=lambda mail: f"{CONSOLE}/m/" in text_of(mail))
        return {mail["To"].partition("@")[0]: mail for mail in new}

    async def link(self, person: str) -> str:
        """In the next mail to them that has one."""
        found: dict[str, str] = {}

        async def came() -> bool:
            found.update(links_in(await self.mails()))
            return person in found

        await until_async(came)
        return found[person]


def links_in(mails: dict[str, EmailMessage]) -> dict[str, str]:
    """The path of the personal link in each."""
    return {
        person: found[0].removeprefix(CONSOLE)
        for person, mail in mails.items()
        if (found := re.findall(rf"{CONSOLE}/m/[\w-]+", text_of(mail)))
    }


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


async def decide(browser: Browser, link: str, outcome: str = "approve", **typed: str) -> Page:
    """As a person does: open, look, press, press again."""
    page = await browser.get(link)
    target = next(one for one in page.links.values() if one.endswith(f"/decide/{outcome}"))
    page = await browser.get(target)
    return await page.send(outcome, press=outcome, **typed)


@dataclass
class Scanner:
    """Opens every address it finds by HEAD and GET, and sends every form without a button."""

    http: httpx.AsyncClient
    seen: set[str] = field(default_factory=set[str])
    #: What each form was answered with.
    sent: dict[str, int] = field(default_factory=dict[str, int])

    async def scan(self, office: Office, path: str) -> None:
        if path in self.seen:
            return
        self.seen.add(path)
        assert (await self.http.head(path)).status_code < 500
        page = Page.of(Browser(office), await self.http.get(path))
        for form in page.forms:
            answer = await self.http.post(form.action, data=form.fields)
            self.sent[form.action] = answer.status_code
        for link in page.links.values():
            if not urlsplit(link).netloc:
                await self.scan(office, link)
