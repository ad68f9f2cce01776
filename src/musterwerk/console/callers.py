"""Who is calling, and what their roles let them do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: They see every request.
OVERSIGHT = frozenset({"operator", "auditor", "admin"})


@dataclass(frozen=True)
class Caller:
    person: str
    roles: frozenset[str]

    @property
    def sees_all(self) -> bool:
        return not OVERSIGHT.isdisjoint(self.roles)

    def has(self, *roles: str) -> bool:
        return not self.roles.isdisjoint(roles)
