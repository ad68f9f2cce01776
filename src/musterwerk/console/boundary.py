"""Between the network and the application: whole bodies that are not too large, safe headers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from musterwerk.console.problems import Problem

#: Temporal takes no payload that is larger.
BODY_LIMIT = 2_000_000
#: After a refusal this much, for so many seconds, is still taken: else nobody reads the answer.
_LINGER_BYTES = 16_000_000
_LINGER_SECONDS = 2.0
#: A page has a policy of its own; anything else is nothing to be shown as one.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Boundary:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        try:
            body = await _read(scope, receive)
        except _TooLarge:
            with suppress(TimeoutError, _Gone):
                async with asyncio.timeout(_LINGER_SECONDS):
                    await _throw_away(receive)
            detail = f"at most {BODY_LIMIT} bytes are taken; keep details elsewhere, send a link"
            await Problem("too-large", detail).response()(scope, receive, send)
            return
        except _Gone:
            return
        await self._app(scope, _once(body, receive), send)


class _TooLarge(Exception):
    pass


class _Gone(Exception):
    """The client left before all was said: nothing has been asked."""


async def _read(scope: Scope, receive: Receive) -> bytes:
    headers = dict(scope["headers"])
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > BODY_LIMIT:
        raise _TooLarge
    body = bytearray()
    while True:
        chunk, more = await _chunk(receive)
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _TooLarge
        if not more:
            return bytes(body)


async def _throw_away(receive: Receive) -> None:
    taken = 0
    while taken < _LINGER_BYTES:
        chunk, more = await _chunk(receive)
        taken += len(chunk)
        if not more:
            return


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise _Gone
    return message.get("body", b""), message.get("more_body", False)


def _once(body: bytes, receive: Receive) -> Receive:
    unread = [body]

    async def read() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return read


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
