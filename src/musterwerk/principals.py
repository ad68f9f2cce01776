"""How people are named where a group may stand in their place: "anna", or "group:finance"."""

from __future__ import annotations

#: Before the name of a group. No person's name begins with it.
GROUP = "group:"
