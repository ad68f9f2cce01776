"""How often somebody may try: guessing passwords takes longer than anybody has.

Counted in this process; several processes count for themselves.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

#: Of one account, wherever from; and from one address, whatever account.
_OF_ONE = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
_FROM_ONE = (RateLimitItemPerMinute(30), RateLimitItemPerHour(300))
_Key = tuple[str, str]


def _new() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@dataclass
class LoginLimits:
    """Failures count. Attempts that are under way count as if they will fail: many that are sent
    at once are no way around. `person` is None where nobody is named yet."""

    _limiter: MovingWindowRateLimiter = field(default_factory=_new)
    _under_way: Counter[_Key] = field(default_factory=Counter[_Key])

    def wait(self, person: str | None, address: str) -> int:
        """Seconds until there may be one more attempt; 0 for at once."""
        found = 0
        for key, items in _counted(person, address):
            for item in items:
                stats = self._limiter.get_window_stats(item, *key)
                if stats.remaining <= self._under_way[key]:
                    left = stats.reset_time - time.time() if stats.remaining <= 0 else 1
                    found = max(found, math.ceil(left), 1)
        return found

    @contextmanager
    def attempt(self, person: str | None, address: str) -> Generator[None]:
        keys = [key for key, _ in _counted(person, address)]
        self._under_way.update(keys)
        try:
            yield
        finally:
            self._under_way.subtract(keys)
            self._under_way = +self._under_way

    def failed(self, person: str | None, address: str) -> None:
        for key, items in _counted(person, address):
            for item in items:
                self._limiter.hit(item, *key)


@dataclass
class LinkLimits:
    """Of links that nobody was sent, from one address. They cannot be guessed; this saves work."""

    _limiter: MovingWindowRateLimiter = field(default_factory=_new)

    def allows(self, address: str) -> bool:
        return all(self._limiter.test(item, "link", network_of(address)) for item in _FROM_ONE)

    def failed(self, address: str) -> None:
        for item in _FROM_ONE:
            self._limiter.hit(item, "link", network_of(address))


def network_of(address: str) -> str:
    """One customer's, where that is more than an address: with IPv6 everybody has very many."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))


def _counted(
    person: str | None, address: str
) -> list[tuple[_Key, tuple[RateLimitItem, RateLimitItem]]]:
    of_one = [] if person is None else [(("person", person[:200]), _OF_ONE)]
    return [*of_one, (("address", network_of(address)), _FROM_ONE)]
