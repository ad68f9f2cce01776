"""The people who release orders at a desk of `dev` or `demo`: nobody's real colleagues."""

from __future__ import annotations

from typing import Any

from musterwerk.store import PeopleTable, Store, TokenTable

MANAGERS = ("mona", "moritz", "mara")
HEADS = ("hanna",)
#: Sees what got stuck, and may call a request off.
OPERATORS = ("otto",)

MANAGERS_GROUP = "shop-managers"
HEADS_GROUP = "shop-heads"

STAFF: dict[str, Any] = {
    "people": {
        name: {
            "name": name.capitalize(),
            "mail": f"{name}@shop.example",
            "groups": groups,
            "roles": [role],
        }
        for names, groups, role in (
            (MANAGERS, [MANAGERS_GROUP], "approver"),
            (HEADS, [HEADS_GROUP], "approver"),
            (OPERATORS, [], "operator"),
        )
        for name in names
    }
}


def hire(store: Store) -> bool:
    """Put them into the database, unless it knows any of them or their groups already.

    Returns whether it did. Makes the tables where there are none yet.
    """
    people = PeopleTable(store)
    groups = {MANAGERS_GROUP, HEADS_GROUP} & people.groups().keys()
    if groups or STAFF["people"].keys() & {person.id for person in people.all()}:
        return False
    people.apply(STAFF, actor="musterwerk", channel="cli")
    return True


def log_in(store: Store) -> dict[str, str]:
    """A token for each of them, by name."""
    tokens = TokenTable(store)
    return {
        name: tokens.issue(name, "the desk", None, actor="musterwerk", channel="cli")
        for name in STAFF["people"]
    }
