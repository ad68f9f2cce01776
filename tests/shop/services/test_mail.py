"""Mail: a customer who is told twice writes to the shop, one who is told nothing calls."""

from __future__ import annotations

import mailbox
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from musterwerk.shop.services.mail import api as mail_api
from musterwerk.shop.services.mail.letters import message_id
from musterwerk.shop.services.mail.postman import Postman
from tests.shop.services.harness import SLOW, Process, Running, only, rows, service, slug
from tests.shop.services.scripted_smtp import ScriptedSmtp, scripted

STATES = "SELECT key, state FROM messages"


def confirmation(order_id: str = "o-1", **more: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "kind": "confirmation",
        "to": "ada@customer.example",
        "tracking_number": "MW123",
        **more,
    }


def failure(**more: Any) -> dict[str, Any]:
    to = "ada@customer.example"
    return {"order_id": "o-1", "kind": "failure", "to": to, "reason": "out of stock", **more}


def caught(data: Path) -> list[EmailMessage]:
    box = mailbox.Maildir(data / "mailbox")
    parser = BytesParser(policy=policy.default)
    return [parser.parsebytes(box.get_bytes(key)) for key in box.keys()]  # noqa: SIM118 - a Maildir iterates over its messages


def sending_to(data: Path, server: ScriptedSmtp, timeout: float = 10.0) -> Any:
    return service(mail_api.create(data, Postman("127.0.0.1", server.port, timeout)))


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "Your order o-1 is on its way", "Its tracking number is MW123."),
        ("de", "Ihre Bestellung o-1 ist unterwegs", "Die Sendungsnummer lautet MW123."),
    ],
)
def test_a_confirmation_arrives_once(
    mail: Running, smtp: Process, language: str, subject: str, words: str
) -> None:
    for _ in range(2):
        answer = mail.post("/messages", "o-1:confirmation", confirmation(language=language))
        assert answer.json() == {"message_id": message_id("o-1:confirmation"), "state": "sent"}
    [letter] = caught(smtp.data)
    assert letter["Subject"] == subject
    assert letter["To"] == "ada@customer.example"
    assert (letter["X-Order"], letter["X-Kind"]) == ("o-1", "confirmation")
    assert letter["Message-ID"] == message_id("o-1:confirmation")
    assert letter["Content-Language"] == language
    assert words in letter.get_content()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "The reason: out of stock."), ("de", "Grund: out of stock.")]
)
def test_a_failure_says_why(mail: Running, smtp: Process, language: str, words: str) -> None:
    assert mail.post("/messages", "o-1:failure", failure(language=language)).is_success
    [letter] = caught(smtp.data)
    assert letter["X-Kind"] == "failure"
    assert words in letter.get_content()


def test_a_customer_with_umlauts_gets_mail(mail: Running, smtp: Process) -> None:
    body = confirmation(to="jürgen@müller.example")
    assert mail.post("/messages", "k1", body).json()["state"] == "sent"
    assert caught(smtp.data)[0]["To"] == "jürgen@müller.example"


@pytest.mark.parametrize(
    "to",
    ["nobody", "a@b@c", "a@x.example\r\nBcc: all@x.example", "a@x.example,b@y.example", "a@<x>"],
)
def test_an_address_that_smuggles_another_is_refused(mail: Running, smtp: Process, to: str) -> None:
    answer = mail.post("/messages", "k1", confirmation(to=to))
    assert (answer.status_code, slug(answer)) == (422, "invalid")
    assert caught(smtp.data) == []


@pytest.mark.parametrize(
    "body",
    [
        {**confirmation(), "tracking_number": None},
        {**failure(), "reason": None},
        {**confirmation(), "language": "fr"},
        {**confirmation(), "kind": "newsletter"},
    ],
)
def test_a_message_that_lacks_something_is_refused(mail: Running, body: dict[str, Any]) -> None:
    answer = mail.post("/messages", "k1", body)
    assert (answer.status_code, slug(answer)) == (422, "invalid")


def test_a_key_stands_for_one_message(mail: Running, smtp: Process) -> None:
    mail.post("/messages", "k1", confirmation())
    other = mail.post("/messages", "k1", confirmation(to="eve@customer.example"))
    assert (other.status_code, slug(other)) == (422, "key-reused")
    assert len(caught(smtp.data)) == 1


def test_a_mail_server_that_is_down_is_tried_again(tmp_path: Path, smtp: Process) -> None:
    """Nothing was delivered for certain: the claim is given back, and the next try sends."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    with service(mail_api.create(tmp_path, Postman("127.0.0.1", port))) as mail:
        down = mail.post("/messages", "k1", confirmation())
        assert (down.status_code, slug(down)) == (503, "unavailable")
        assert rows(tmp_path / "mail.sqlite", STATES) == []
    with service(mail_api.create(tmp_path, Postman("127.0.0.1", smtp.port, SLOW))) as mail:
        assert mail.post("/messages", "k1", confirmation()).json()["state"] == "sent"
    assert len(caught(smtp.data)) == 1


@pytest.mark.parametrize(
    ("script", "status", "problem"),
    [
        ({"MAIL": "451 later"}, 503, "unavailable"),
        ({"RCPT": "451 later"}, 503, "unavailable"),
        ({"RCPT": None}, 503, "unavailable"),
        ({"RCPT": "550 no such user"}, 422, "undeliverable"),
        ({".": "452 disk full"}, 503, "unavailable"),
        ({".": "554 spam"}, 422, "undeliverable"),
    ],
)
def test_a_definite_no_may_be_tried_again(
    tmp_path: Path, script: dict[str, str | None], status: int, problem: str
) -> None:
    with scripted(script) as server, sending_to(tmp_path, server) as mail:
        answer = mail.post("/messages", "k1", confirmation())
        assert (answer.status_code, slug(answer)) == (status, problem)
        server.script.update(dict.fromkeys(("MAIL", "RCPT", "."), "250 ok"))
        assert mail.post("/messages", "k1", confirmation()).json()["state"] == "sent"


def test_a_mail_of_unclear_fate_is_never_sent_again(tmp_path: Path) -> None:
    """The server had the whole mail and hung up: it may be in the customer's mailbox."""
    with scripted({".": None}) as server, sending_to(tmp_path, server) as mail:
        for _ in range(3):
            assert mail.post("/messages", "k1", confirmation()).json()["state"] == "unclear"
        assert server.mails == 1
    assert rows(tmp_path / "mail.sqlite", STATES) == [("k1", "unclear")]


def test_a_crash_while_sending_is_unclear(tmp_path: Path) -> None:
    """A new process cannot know how far the one before it got, and must not guess."""
    with scripted() as server, sending_to(tmp_path, server) as mail:
        mail.post("/messages", "k1", confirmation())
        with closing(sqlite3.connect(tmp_path / "mail.sqlite", timeout=10)) as hand, hand:
            hand.execute("UPDATE messages SET state = 'sending'")
        assert mail.post("/messages", "k1", confirmation()).json()["state"] == "unclear"
        assert server.mails == 1


def test_a_second_request_does_not_send_while_the_first_is_sending(tmp_path: Path) -> None:
    with scripted() as server, sending_to(tmp_path, server) as mail, ThreadPoolExecutor() as pool:
        server.gate.clear()
        first = pool.submit(mail.post, "/messages", "k1", confirmation())
        assert server.reached.wait(20)
        second = mail.post("/messages", "k1", confirmation())
        assert (second.status_code, slug(second)) == (409, "in-flight")
        server.gate.set()
        assert first.result().json()["state"] == "sent"
        assert server.mails == 1


def test_duplicate_delivery_mails_once(tmp_path: Path, smtp: Process) -> None:
    made = mail_api.create(tmp_path, Postman("127.0.0.1", smtp.port, SLOW))
    with service(made, only("duplicate")) as mail:
        for n in range(6):
            mail.post("/messages", f"o-{n}:confirmation", confirmation(f"o-{n}"))
    assert sorted(letter["X-Order"] for letter in caught(smtp.data)) == [f"o-{n}" for n in range(6)]
