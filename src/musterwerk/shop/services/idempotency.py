"""The `Idempotency-Key` header as the IETF draft has it: 400 without it, 409 while in flight.

The other two rules, replaying a recorded answer and 422 for other content, are kept by the
effect ledger, in the transaction of the effect itself.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header
from pydantic import Field

from musterwerk.shop.services.exchange import Answer, Call, Handler
from musterwerk.shop.services.problems import Problem

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")

Key = Annotated[
    str,
    Header(alias=HEADER, description="The same for every attempt at this request, and no other."),
]

#: The key of an earlier request, named in the body of the one that takes it back.
BusinessKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]


class OneAtATime:
    """Refuses a key while a request with it is under way.

    A set in memory is enough: each service is one process, and a request dies with it.
    """

    def __init__(self, inner: Handler) -> None:
        self._inner = inner
        self._under_way: set[str] = set()

    async def __call__(self, call: Call) -> Answer:
        key = call.headers.get(HEADER)
        if key is None or not _KEY.fullmatch(key):
            return _answer(
                "missing-key",
                f"send a header {HEADER} of 1 to 200 visible ASCII characters, the same for every "
                "attempt at this request",
            )
        if key in self._under_way:
            return _answer("in-flight", "a request with this key is under way; try again later")
        self._under_way.add(key)
        try:
            return await self._inner(call)
        finally:
            self._under_way.discard(key)


def _answer(slug: str, detail: str) -> Answer:
    return Answer.of(Problem(slug, detail).response())
