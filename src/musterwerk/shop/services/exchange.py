"""One request and its answer as values, so that both can be held, repeated and thrown away.

Faults and idempotency sit between the network and the API. They are written as handlers
(`Call` in, `Answer` out), and the API runs to its end whether or not the client still listens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from musterwerk.shop.services.problems import Problem

#: Larger bodies are refused. The largest sensible order has a few kilobytes.
BODY_LIMIT = 256 * 1024

#: After a refusal this much of the body, for so many seconds, is still taken and thrown away.
LINGER_BYTES = 16 * 1024 * 1024
LINGER_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    scope: Scope
    body: bytes

    @property
    def path(self) -> str:
        return self.scope["path"]

    @property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Answer:
        return cls(response.status_code, response.raw_headers, bytes(response.body))


Handler = Callable[[Call], Awaitable[Answer]]


class ConnectionDropped(Exception):
    """The client is to find its connection closed instead of an answer."""


class Boundary:
    """An ASGI application that takes whole requests: reads them, and sends whole answers.

    What changes something (any method but GET and HEAD) goes through `handler`. What reads goes
    straight to the API, unless `weather` has an answer for its path.
    """

    def __init__(
        self, api: ASGIApp, handler: Handler, weather: Callable[[str], Answer | None]
    ) -> None:
        self._api = api
        self._handler = handler
        self._weather = weather

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD"):
            clouded = self._weather(scope["path"])
            await (self._api(scope, receive, send) if clouded is None else _send(clouded, send))
            return
        try:
            call = Call(scope, await _read_body(scope, receive))
        except Problem as problem:
            await _refuse_early(problem, scope, receive, send)
            return
        except ClientGone:
            return
        try:
            answer = await self._handler(call)
        except ConnectionDropped:
            # Headers that promise a body which never comes: the server then cuts the connection.
            await send(_start(200, [(b"content-length", b"100")]))
            return
        await _send(answer, send)


class ClientGone(Exception):
    """The client left before its request was complete: nothing has been asked."""


def calling(api: ASGIApp) -> Handler:
    """The handler at the very end: the API itself."""

    async def handle(call: Call) -> Answer:
        unread = [call.body]
        started: MutableMapping[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                parts.append(message.get("body", b""))

        try:
            # A copy: routing writes into the scope, and a call may be handled twice.
            await api(dict(call.scope), receive, send)
        except Exception:
            log.exception("%s failed", call.path)
            return Answer.of(Problem("internal", "an unexpected error; see the log").response())
        return Answer(started["status"], list(started["headers"]), b"".join(parts))

    return handle


async def _send(answer: Answer, send: Send) -> None:
    await send(_start(answer.status, answer.headers))
    await send({"type": "http.response.body", "body": answer.body})


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    announced = Headers(scope=scope).get("content-length", "0")
    # The server has checked that it is a number; without one the count below decides.
    if int(announced) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


async def _refuse_early(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, although the body is still on its way, and then close the connection.

    Not without a moment's wait: a client that still writes when the connection is closed may
    lose the answer.
    """
    response = problem.response()
    response.headers["Connection"] = "close"
    await send(_start(response.status_code, response.raw_headers))
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    # Who asked first whether to send (Expect: 100-continue) sends nothing now.
    if "expect" not in Headers(scope=scope):
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await _throw_away(receive)
    await send({"type": "http.response.body", "body": b""})


async def _throw_away(receive: Receive) -> None:
    left = LINGER_BYTES
    while left > 0:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message["body"])


def _too_large() -> Problem:
    return Problem("too-large", f"send at most {BODY_LIMIT // 1024} KiB")


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}
