"""A real mail server and a real webhook that keep what they were told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """Refuses as many mails as `refuse` says, then takes them; none to `unknown` addresses."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.unknown: set[str] = set()
        self.refuse = 0
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks for this name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address in self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.refuse > 0:
            self.refuse -= 1
            return "451 try later"
        content = envelope.original_content or b""
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def mail_server(port: int = 0) -> AsyncGenerator[MailServer]:
    """On a port of its own, or where one was before."""
    kept = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(kept, loop=loop), "127.0.0.1", port)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()


@dataclass
class WebhookServer:
    """Answers with `answers` in turn, then with 204."""

    url: str = ""
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list[Any])
    answers: list[int] = field(default_factory=list[int])


@contextmanager
def webhook_server() -> Generator[WebhookServer]:
    kept = WebhookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.posts.append((self.headers["Idempotency-Key"], body))
            self.send_response(kept.answers.pop(0) if kept.answers else 204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
