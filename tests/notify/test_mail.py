"""Mail as a mail server gets it: both forms, and nothing smuggled in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from musterwerk.errors import AlertError
from musterwerk.notify import Mailbox, Message, Settings
from tests.receivers import MailServer, mail_server

MESSAGE = Message(
    key="approval-1",
    subject="Freigeben: Dünger",
    text="Größe: 3\n",
    data={},
    html="<p>Größe: <b>3</b></p>",
    language="de",
)


def mailbox(server: MailServer, address: str = "anna@example.com") -> Mailbox:
    given = {
        "MUSTERWERK_SMTP": f"smtp://127.0.0.1:{server.port}",
        "MUSTERWERK_MAIL_FROM": "musterwerk@example.com",
    }
    found = Settings.from_environment(given).mailbox(address)
    assert found is not None
    return found


async def test_html_is_an_alternative_to_the_text() -> None:
    async with mail_server() as server:
        await mailbox(server).send(MESSAGE)
        await mailbox(server).send(replace(MESSAGE, html=None, language=None))
    both, plain = server.mails
    assert both.get_content_type() == "multipart/alternative"
    kinds = [(part.get_content_type(), part.get_content().strip()) for part in both.iter_parts()]
    assert kinds == [("text/plain", "Größe: 3"), ("text/html", "<p>Größe: <b>3</b></p>")]
    assert both["Content-Language"] == "de"
    assert plain.get_content_type() == "text/plain"
    assert "Content-Language" not in plain


async def test_no_header_can_be_injected() -> None:
    evil = "one\r\nBcc: all@example.com\r\n\r\n<script>\0"
    message = Message("key", evil, evil, {}, html=evil, language=evil)
    async with mail_server() as server:
        await mailbox(server).send(message)
    (mail,) = server.mails
    assert mail["Bcc"] is None
    assert mail["To"] == "anna@example.com"
    assert mail["Subject"].startswith("one")
    assert "\0" not in mail.as_string()


async def test_a_refused_address_is_told_apart_from_a_server_that_is_away() -> None:
    async with mail_server() as server:
        server.unknown.add("eve@example.com")
        with pytest.raises(AlertError, match="550") as refused:
            await mailbox(server, "eve@example.com").send(MESSAGE)
        server.refuse = 1
        with pytest.raises(AlertError, match="451") as busy:
            await mailbox(server).send(MESSAGE)
    with pytest.raises(AlertError) as away:
        await mailbox(server).send(MESSAGE)
    assert [failure.value.refused for failure in (refused, busy, away)] == [True, False, False]
