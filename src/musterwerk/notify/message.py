"""What is to be told, in the two forms that mail and webhooks need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """`key` is ASCII without spaces, and the same whenever the same thing is told again.

    `html` says the same as `text`, for mail programs that show it; whoever writes it has escaped
    what others wrote. `language` is that of both, such as "de".
    """

    key: str
    subject: str
    text: str
    data: dict[str, Any]
    html: str | None = None
    language: str | None = None


class Target(Protocol):
    """Somebody to be told. `name` tells targets apart; it holds no secret and is kept."""

    @property
    def name(self) -> str: ...

    async def send(self, message: Message) -> None:
        """Raises `AlertError` unless the message was taken."""
        ...
