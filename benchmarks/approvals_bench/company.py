"""A company to ask: people in several groups each, some of them away, and what they are asked."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from musterwerk.approvals import ApprovalRequest, Policy
from musterwerk.store import PeopleTable, Store

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Company:
    """Everybody's groups, by person. The same for the same size."""

    groups_of: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, people: int, groups: int) -> Company:
        chance = random.Random(people)  # noqa: S311 - repeatable, not secret
        names = [f"group-{number:02}" for number in range(groups)]
        return cls(
            {
                f"person-{number:03}": tuple(sorted(chance.sample(names, chance.randint(2, 5))))
                for number in range(people)
            }
        )

    @property
    def people(self) -> list[str]:
        return list(self.groups_of)

    @property
    def present(self) -> list[str]:
        return [person for number, person in enumerate(self.people) if number % 20 != 19]

    @property
    def groups(self) -> list[str]:
        return sorted({group for some in self.groups_of.values() for group in some})

    def members(self, group: str) -> list[str]:
        return [person for person, groups in self.groups_of.items() if group in groups]

    def settle(self, store: Store) -> None:
        """Into the database, with every twentieth person away and somebody in their place."""
        now = datetime.now(UTC)
        people, present = self.people, set(self.present)
        absences: list[dict[str, Any]] = [
            {
                "person": person,
                "from": now - _DAY,
                "until": now + 30 * _DAY,
                "substitute": people[number - 1],
            }
            for number, person in enumerate(people)
            if person not in present
        ]
        document = {
            "people": {
                person: {"name": person.title(), "groups": list(groups)}
                for person, groups in self.groups_of.items()
            },
            "absences": absences,
        }
        PeopleTable(store).apply(document, actor="benchmark", channel="cli")


def request(company: Company, chance: random.Random, number: int) -> ApprovalRequest[Any]:
    """Of one or two groups, some of a person too; half under four eyes, a quarter of two votes."""
    everybody = company.people
    requester = chance.choice(everybody)
    asked = [f"group:{group}" for group in chance.sample(company.groups, 1 + number % 2)]
    if number % 5 == 0:
        asked.append(chance.choice([one for one in everybody if one != requester]))
    return ApprovalRequest(
        subject=f"Payment {number} of {chance.randint(100, 9999)}.00 EUR to supplier {number % 97}",
        details={"invoice": f"R-{number}", "lines": [{"item": "paper", "price": "12.50"}] * 5},
        requester=requester,
        policy=Policy(
            approvers=tuple(asked),
            quorum=2 if number % 4 == 0 else 1,
            four_eyes=number % 2 == 0,
            expires_after=timedelta(days=chance.randint(2, 60)),
        ),
    )
