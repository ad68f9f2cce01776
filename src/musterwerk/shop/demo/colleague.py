"""Somebody at the desk, with the console: a token, an inbox, and decisions sent until answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import httpx

from musterwerk.errors import ServerError

_API = "/api/v1/requests"
_PAGE = "200"
_RETRY_EVERY = 0.1
_TIMEOUT = 10.0
#: The answers to a decision that tell clearly what became of it.
_CLEAR = {HTTPStatus.OK: "applied", HTTPStatus.ACCEPTED: "recorded", HTTPStatus.CONFLICT: "closed"}


@dataclass(frozen=True)
class Answer:
    """What somebody was told about a decision. `verdict` is of `Reply`, if the answer was clear."""

    verdict: str
    message: str
    reply: Mapping[str, Any]

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        reply: dict[str, Any] = response.json()
        verdict = reply.get("verdict")
        if verdict is None or _CLEAR.get(HTTPStatus(response.status_code)) != verdict:
            verdict = f"{verdict or reply.get('type')} with {response.status_code}"
        return cls(verdict, reply.get("message") or reply.get("detail", ""), reply)

    def same(self, other: Answer) -> bool:
        """Whether it tells of the same decision, taken once."""
        told = ("verdict", "state", "outcome", "by", "at", "act_id")
        return all(self.reply.get(key) == other.reply.get(key) for key in told)


class Colleague:
    """`where` is the console's address: asked each time, for it may move.

    Whatever gets no answer is sent again; a decision keeps its key and counts once.
    """

    def __init__(
        self,
        name: str,
        token: str,
        where: Callable[[], str],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._where = where
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT, transport=transport
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def requests(self, **search: str) -> list[dict[str, Any]]:
        """Requests without their details, all pages of them."""
        found: list[dict[str, Any]] = []
        search |= {"limit": _PAGE}
        while True:
            page = await self._read(_API, search)
            found += page["items"]
            if page["next"] is None:
                return found
            search["cursor"] = page["next"]

    async def look(self, request_id: str) -> dict[str, Any]:
        """The request as it is shown: its `digest` is what a decision is bound to."""
        return await self._read(f"{_API}/{quote(request_id, safe='')}")

    async def decide(
        self, shown: Mapping[str, Any], outcome: str, key: str, *, reason: str = ""
    ) -> Answer:
        """What became of it in the end."""
        address = f"{_API}/{quote(shown['request_id'], safe='')}"
        response = await self._until_answered(
            "POST",
            f"{address}/decisions",
            json={"outcome": outcome, "digest": shown["digest"], "reason": reason},
            headers={"Idempotency-Key": key},
        )
        if response.status_code != HTTPStatus.ACCEPTED:
            return Answer.of(response)
        while True:
            act = await self._read(f"{address}/acts/{quote(key, safe='')}")
            if act["state"] == "done":
                reply = act["reply"]
                return Answer(reply["verdict"], reply["message"], reply)
            await asyncio.sleep(_RETRY_EVERY)

    async def _read(self, path: str, search: Mapping[str, str] | None = None) -> dict[str, Any]:
        response = await self._until_answered("GET", path, params=search)
        if not response.is_success:
            raise ServerError(f"the console refuses {path} to {self.name}: {response.text}")
        return response.json()

    async def _until_answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        while True:
            try:
                response = await self._http.request(method, self._where() + path, **options)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return response
            await asyncio.sleep(_RETRY_EVERY)
