"""What the letterbox's workflow and its activities tell each other."""

from __future__ import annotations

from dataclasses import dataclass

# Activities by name: the workflow imports none of the code that does I/O.
PLAN = "musterwerk.plan_dead_letter"
RECORD = "musterwerk.record_dead_letter"
SETTLE = "musterwerk.settle_dead_letter"
ALERT = "musterwerk.alert_of_dead_letter"
NOTE = "musterwerk.note_alert"
OWNER = "musterwerk.owner_of_dead_letter"


@dataclass(frozen=True)
class Plan:
    """What the worker's settings say: whom to tell, and how often to look after the owner."""

    targets: list[str]
    check_seconds: float


@dataclass(frozen=True)
class Sent:
    """An alert that went out; `noted` if the database knows. `at` is ISO 8601 with a zone."""

    letter_id: str
    target: str
    at: str
    noted: bool
