"""Where the console shows a schedule."""

from __future__ import annotations

from urllib.parse import quote

#: At this one's address is the calendar.
CALENDAR = "calendar"


def page_of(name: str) -> str:
    return acts_of(name) + ("/page" if name == CALENDAR else "")


def acts_of(name: str) -> str:
    """Above the forms of what can be done to it."""
    return f"/schedules/{quote(name, safe='')}"
