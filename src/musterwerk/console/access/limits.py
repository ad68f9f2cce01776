"""How often somebody may try: guessing passwords takes longer than anybody has.

Counted in this process; several processes count for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

#: Of one account, wherever from; and from one address, whatever account.
_OF_ONE = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
_FROM_ONE = (RateLimitItemPerMinute(30), RateLimitItemPerHour(300))


def _new() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@dataclass
class LoginLimits:
    _limiter: MovingWindowRateLimiter = field(default_factory=_new)

    def allows(self, person: str, address: str) -> bool:
        """Whether there may be one more try."""
        return all(self._limiter.test(item, *key) for item, key in _counted(person, address))

    def failed(self, person: str, address: str) -> None:
        for item, key in _counted(person, address):
            self._limiter.hit(item, *key)


@dataclass
class LinkLimits:
    """Of links that nobody was sent, from one address. They cannot be guessed; this saves work."""

    _limiter: MovingWindowRateLimiter = field(default_factory=_new)

    def allows(self, address: str) -> bool:
        return all(self._limiter.test(item, "link", address) for item in _FROM_ONE)

    def failed(self, address: str) -> None:
        for item in _FROM_ONE:
            self._limiter.hit(item, "link", address)


def _counted(
    person: str, address: str
) -> list[tuple[RateLimitItemPerMinute | RateLimitItemPerHour, tuple[str, str]]]:
    of_one = [(item, ("person", person[:200])) for item in _OF_ONE]
    return of_one + [(item, ("address", address)) for item in _FROM_ONE]
