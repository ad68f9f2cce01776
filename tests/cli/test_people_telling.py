"""What was changed of people is told in words, whatever it is."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from musterwerk.cli.people_telling import changed
from musterwerk.store.people_changes import PeopleEvent

_ANNA = {"id": "anna"}
_ROLE = {"person": "otto", "role": "operator"}
_MEMBER = {"person": "anna", "group": "finance"}
_AWAY = {"person": "anna", "starts": "2026-03-01T00:00:00Z", "ends": "2026-03-02T00:00:00Z"}
_TIME = "2026-03-01 00:00:00 UTC to 2026-03-02 00:00:00 UTC"

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("person_added", _ANNA, ["anna: added"]),
    (
        "person_changed",
        _ANNA
        | {
            "from": {"mail": "a@x", "name": "", "zone": "UTC", "active": True},
            "to": {"mail": None, "name": "Anna", "zone": "Europe/Rome", "active": False},
        },
        [
            "anna: mail removed",
            "anna: name set to Anna",
            "anna: zone changed from UTC to Europe/Rome",
            "anna: not active any more",
        ],
    ),
    ("group_added", {"group": "finance"}, ["group finance: added"]),
    ("group_dropped", {"group": "finance", "members": []}, ["group finance: dropped"]),
    ("member_added", _MEMBER, ["anna joined finance"]),
    ("member_removed", _MEMBER, ["anna left finance"]),
    ("role_granted", _ROLE, ["otto got operator"]),
    ("role_withdrawn", _ROLE, ["otto lost operator"]),
    (
        "absence_added",
        _AWAY | {"substitute": "ben"},
        [f"anna is away {_TIME}, ben stands in"],
    ),
    (
        "absence_changed",
        _AWAY | {"substitute": None},
        [f"anna is away {_TIME} as before, now nobody stands in"],
    ),
    ("absence_removed", _AWAY | {"substitute": None}, [f"anna: absence {_TIME} removed"]),
    ("password_changed", {"person": "anna"}, ["anna has a new password"]),
]


@pytest.mark.parametrize(("event", "data", "told"), CASES)
def test_each_change_has_its_words(event: str, data: dict[str, Any], told: list[str]) -> None:
    assert changed(event, data) == told


def test_none_is_forgotten() -> None:
    """Applying a file would end in a traceback after all was done."""
    without_tokens = [one for one in get_args(PeopleEvent) if not one.startswith("token")]
    assert [event for event, *_ in CASES] == without_tokens
