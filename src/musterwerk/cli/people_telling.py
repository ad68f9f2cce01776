"""What was changed of people, in words from its line of the audit trail. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from musterwerk.cli.telling import when, words

_WORDS = {
    "person_added": "{id}: added",
    "group_added": "group {group}: added",
    "group_dropped": "group {group}: dropped",
    "member_added": "{person} joined {group}",
    "member_removed": "{person} left {group}",
    "role_granted": "{person} got {role}",
    "role_withdrawn": "{person} lost {role}",
    "password_changed": "{person} has a new password",
}
_ABSENCES = {
    "absence_added": "{person} is away {time}, {instead}",
    "absence_changed": "{person} is away {time} as before, now {instead}",
    "absence_removed": "{person}: absence {time} removed",
}


def changed(event: str, data: Mapping[str, Any]) -> list[str]:
    """One line for each thing that is another one now."""
    if event == "person_changed":
        return [f"{data['id']}: {what}" for what in _fields(data["from"], data["to"])]
    if event in _ABSENCES:
        time = f"{when(data['starts'])} to {when(data['ends'])}"
        instead = f"{data['substitute'] or 'nobody'} stands in"
        return [_ABSENCES[event].format(person=data["person"], time=time, instead=instead)]
    return [_WORDS[event].format(**data)]


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, value in after.items():
        if name == "active":
            yield "active again" if value else "not active any more"
        elif value in (None, ""):
            yield f"{name} removed"
        elif before[name] in (None, ""):
            yield f"{name} set to {words(value)}"
        else:
            yield f"{name} changed from {words(before[name])} to {words(value)}"
