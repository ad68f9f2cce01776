"""What the customers read, in English and German."""

from __future__ import annotations

from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from musterwerk.shop.model import Identifier, Wire

SENDER = Address("Musterwerk", "orders", "shop.example")

_TEXTS = {
    ("confirmation", "en"): (
        "Your order {order} is on its way",
        "Good day,\n\nyour order {order} is on its way to you.\n"
        "Its tracking number is {tracking}.\n\nThank you for your order.\n",
    ),
    ("confirmation", "de"): (
        "Ihre Bestellung {order} ist unterwegs",
        "Guten Tag,\n\nIhre Bestellung {order} ist auf dem Weg zu Ihnen.\n"
        "Die Sendungsnummer lautet {tracking}.\n\nVielen Dank für Ihre Bestellung.\n",
    ),
    ("failure", "en"): (
        "We could not fulfil your order {order}",
        "Good day,\n\nwe are sorry: we could not fulfil your order {order}.\n"
        "The reason: {reason}.\n\nYou have not been charged, or have got your money back.\n",
    ),
    ("failure", "de"): (
        "Wir konnten Ihre Bestellung {order} nicht ausführen",
        "Guten Tag,\n\nes tut uns leid: Wir konnten Ihre Bestellung {order} nicht ausführen.\n"
        "Der Grund: {reason}.\n\n"
        "Ihnen wurde nichts berechnet, oder Sie haben Ihr Geld zurückbekommen.\n",
    ),
}


def _mailbox(text: str) -> Address:
    # By its parts: the parser for whole addresses refuses letters beyond ASCII.
    local, _, domain = text.rpartition("@")
    return Address(username=local, domain=domain)


def _one_mailbox(text: str) -> str:
    if not text.isprintable() or set(text.rpartition("@")[2]) & set('<>()[],;:\\"'):
        raise ValueError("this is no mail address")
    return _mailbox(text).addr_spec


class Message(Wire):
    """A mail to be sent. A confirmation needs its tracking number, a failure its reason."""

    order_id: Identifier
    kind: Literal["confirmation", "failure"]
    to: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$"), AfterValidator(_one_mailbox)]
    language: Literal["en", "de"] = "en"
    tracking_number: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=2000)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Message:
        if self.kind == "confirmation" and self.tracking_number is None:
            raise ValueError("a confirmation needs a tracking_number")
        if self.kind == "failure" and self.reason is None:
            raise ValueError("a failure needs a reason")
        return self


def message_id(key: str) -> str:
    """The same for every attempt, so that whoever gets a mail twice can tell."""
    return f"<{sha256(key.encode()).hexdigest()[:32]}@{SENDER.domain}>"


def letter(message: Message, key: str, at: datetime) -> EmailMessage:
    subject, text = _TEXTS[message.kind, message.language]
    words = {
        "order": message.order_id,
        "tracking": message.tracking_number,
        "reason": (message.reason or "").rstrip("."),
    }
    mail = EmailMessage(policy.SMTPUTF8 if not message.to.isascii() else policy.SMTP)
    mail["From"] = SENDER
    mail["To"] = _mailbox(message.to)
    mail["Subject"] = subject.format_map(words)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(key)
    mail["X-Order"] = message.order_id
    mail["X-Kind"] = message.kind
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text.format_map(words))
    mail["Content-Language"] = message.language
    return mail
