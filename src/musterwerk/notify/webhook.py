"""A webhook: one POST with JSON, taken if the answer is 2xx."""

from __future__ import annotations

import json
from dataclasses import dataclass

import httpx

from musterwerk.errors import AlertError
from musterwerk.notify.message import Message
from musterwerk.notify.trust import trusted

_SECONDS = 10.0
#: Of the 4xx, these two alone say that later is better.
_LATER = (408, 429)


@dataclass(frozen=True)
class Webhook:
    """The address may hold a secret and is shown nowhere. Redirects are not followed."""

    url: str
    name: str = "webhook"

    async def send(self, message: Message) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        try:
            async with httpx.AsyncClient(
                timeout=_SECONDS, follow_redirects=False, verify=trusted()
            ) as http:
                # ASCII only: what UTF-8 cannot hold is escaped.
                answer = await http.post(
                    self.url, content=json.dumps(message.data), headers=headers
                )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AlertError(
                f"the webhook cannot be reached: {type(error).__name__}: {error}"
            ) from error
        if not answer.is_success:
            raise AlertError(
                f"the webhook answered with {answer.status_code}",
                refused=answer.is_client_error and answer.status_code not in _LATER,
            )
