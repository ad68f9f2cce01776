"""Mail over HTTP."""

from __future__ import annotations

from asyncio import to_thread
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter

from musterwerk.shop.model import Wire
from musterwerk.shop.services.app import Service
from musterwerk.shop.services.database import Database
from musterwerk.shop.services.idempotency import Key
from musterwerk.shop.services.mail import books
from musterwerk.shop.services.mail.letters import Message, letter, message_id
from musterwerk.shop.services.mail.postman import NotDelivered, Postman, Unclear
from musterwerk.shop.services.problems import Problem, documented


class Receipt(Wire):
    """`unclear`: the mail server did not say whether it took the mail; it is not sent again."""

    message_id: str
    state: books.Ended


class Mail:
    def __init__(self, outbox: books.Outbox, postman: Postman) -> None:
        self._outbox = outbox
        self._postman = postman

    async def send(self, body: Message, key: Key) -> Receipt:
        """Send a mail, or say what became of it when it was sent before."""
        state = await to_thread(self._claim, key, body)
        if state is None:
            state = await self._send(key, body)
        return Receipt(message_id=message_id(key), state=state)

    def _claim(self, key: str, body: Message) -> books.Ended | None:
        values = {
            "order_id": body.order_id,
            "kind": body.kind,
            "recipient": body.to,
            "language": body.language,
            "message_id": message_id(key),
        }
        fingerprint = sha256(body.model_dump_json().encode()).hexdigest()
        try:
            return self._outbox.claim(key, fingerprint, values)
        except LookupError as error:
            raise Problem("key-reused", f"the key {key} stands for another message") from error

    async def _send(self, key: str, body: Message) -> books.Ended:
        try:
            await self._postman.deliver(letter(body, key, datetime.now(UTC)), body.to)
        except NotDelivered as error:
            await to_thread(self._outbox.release, key)
            if error.for_good:
                raise Problem("undeliverable", f"the mail server says: {error}") from error
            raise Problem("unavailable", f"no mail can be sent now: {error}") from error
        except Unclear:
            await to_thread(self._outbox.settle, key, "unclear")
            return "unclear"
        await to_thread(self._outbox.settle, key, "sent")
        return "sent"


def create(data: Path, postman: Postman) -> Service:
    database = Database(data / "mail.sqlite", books.metadata)
    api = Mail(books.Outbox(database), postman)
    router = APIRouter(tags=["mail"])
    router.add_api_route(
        "/messages", api.send, methods=["POST"], responses=documented("undeliverable")
    )
    return Service("mail", router, database.close)
