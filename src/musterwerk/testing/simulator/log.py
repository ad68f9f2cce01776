"""The events of one run, kept as notes and written as a Temporal history when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History, HistoryEvent

from musterwerk.testing.simulator.clock import NS


def timestamp(when: int) -> Timestamp:
    return Timestamp(seconds=when // NS, nanos=when % NS)


Attributes: TypeAlias = "dict[str, Any]"
# Those that cost something to make are made when the history is asked for.
Noted: TypeAlias = "Attributes | Callable[[], Attributes]"


class Log:
    """Notes are cheap; most runs are never asked for their history."""

    def __init__(self) -> None:
        self._notes: list[tuple[str, int, Noted]] = []

    def __len__(self) -> int:
        """The id of the last event."""
        return len(self._notes)

    def add(self, event: str, when: int, attributes: Noted) -> int:
        """`event` is Temporal's name in small letters, such as "timer_fired". Gives its id."""
        self._notes.append((event, when, attributes))
        return len(self._notes)

    def forget_after(self, event_id: int) -> None:
        """Take back what the server would never have written."""
        del self._notes[event_id:]

    def names(self) -> list[str]:
        return [event for event, _, _ in self._notes]

    def history(self) -> History:
        notes = enumerate(self._notes, 1)
        return History(events=[_event(index, *note) for index, note in notes])


def _event(index: int, event: str, when: int, noted: Noted) -> HistoryEvent:
    attributes = noted() if callable(noted) else noted
    fields: Attributes = {event + "_event_attributes": attributes}
    return HistoryEvent(
        event_id=index,
        event_time=timestamp(when),
        event_type=EventType.Value("EVENT_TYPE_" + event.upper()),
        **fields,
    )
