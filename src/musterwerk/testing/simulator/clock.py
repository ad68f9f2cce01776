"""Virtual time: what is still to happen, and in which order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from google.protobuf.duration_pb2 import Duration

NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * NS + span.microseconds * 1_000


def span(given: Duration) -> int:
    return given.seconds * NS + given.nanos


def duration(length: int) -> Duration | None:
    return Duration(seconds=length // NS, nanos=length % NS) if length else None


@lru_cache(maxsize=256)
def delta(length: int) -> timedelta | None:
    return timedelta(microseconds=length // 1_000) if length else None


@lru_cache(maxsize=256)
def moment(when: int) -> datetime:
    """A time of the clock as others read it."""
    return _EPOCH + timedelta(microseconds=when // 1_000)


def clock_time(when: datetime) -> int:
    return nanoseconds(when - _EPOCH)


def _nothing() -> None: ...


class Entry:
    """Something that will happen at a time, unless it is called off.

    `delivery` is what one workflow is about to learn; anything else happens behind its back.
    An entry that is over lets go of `act`, which often knows the entry: cycles are costly.
    """

    __slots__ = ("act", "delivery", "off", "when")

    def __init__(self, when: int, act: Callable[[], None], delivery: Delivery | None) -> None:
        self.when = when
        self.act = act
        self.delivery = delivery
        self.off = False

    def do(self) -> None:
        act, self.act = self.act, _nothing
        act()

    def call_off(self) -> None:
        self.off = True
        self.act = _nothing


class Delivery:
    """What a workflow is about to learn: an event that is on its way to the run."""

    __slots__ = ("kind", "name", "run_id", "workflow_id")

    def __init__(self, kind: str, name: str, workflow_id: str, run_id: str) -> None:
        self.kind = kind
        self.name = name
        self.workflow_id = workflow_id
        self.run_id = run_id

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} for {self.workflow_id}>"


class Agenda:
    """All that is to come. Of two things at one instant, the one told first comes first."""

    def __init__(self, start: int) -> None:
        self.now = start
        # The second number is the order in which they were told.
        self._heap: list[tuple[int, int, Entry]] = []
        self._ready: list[Entry] = []
        self._told = 0

    def at(self, when: int, act: Callable[[], None], delivery: Delivery | None = None) -> Entry:
        self._told += 1
        entry = Entry(when, act, delivery)
        heapq.heappush(self._heap, (when, self._told, entry))
        return entry

    def next(self, act: Callable[[], None]) -> Entry:
        """At this instant, before all else that is due."""
        self._told += 1
        entry = Entry(self.now, act, None)
        heapq.heappush(self._heap, (self.now, -self._told, entry))
        return entry

    def run_due(self) -> bool:
        """Do what is due behind the workflows' backs; true if anything was. Deliveries wait."""
        heap, did = self._heap, False
        while heap and heap[0][0] <= self.now:
            entry = heapq.heappop(heap)[2]
            if entry.off:
                continue
            if entry.delivery is not None:
                self._ready.append(entry)
                continue
            entry.do()
            did = True
        return did

    def take_ready(self) -> list[Entry]:
        """The deliveries that are due, oldest first. Put back those that are to wait."""
        ready = [entry for entry in self._ready if not entry.off]
        self._ready = []
        return ready

    def put_back(self, entries: list[Entry]) -> None:
        self._ready = entries + self._ready

    @property
    def has_ready(self) -> bool:
        return any(not entry.off for entry in self._ready)

    def entries(self) -> list[Entry]:
        """All that is still to come, but for what is ready, in its order."""
        return [entry for _, _, entry in sorted(self._heap, key=_order) if not entry.off]

    def next_time(self) -> int | None:
        heap = self._heap
        while heap and heap[0][2].off:
            heapq.heappop(heap)
        return heap[0][0] if heap else None


def _order(entry: tuple[int, int, Entry]) -> tuple[int, int]:
    return entry[:2]
