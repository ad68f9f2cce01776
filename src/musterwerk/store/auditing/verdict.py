"""What a verification says, and what it is told of Temporal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Deviation:
    """Something is not as it was written. `seq` is the line it is at, or that it comes before."""

    seq: int
    what: str
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        parts = [self.what]
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.found:
            parts.append(f"found: {self.found}")
        return "; ".join(parts)


class Deviates(Exception):
    """Ends a verification: nothing after the first deviation says anything."""

    def __init__(self, seq: int, what: str, expected: object = "", found: object = "") -> None:
        self.deviation = Deviation(seq, what, str(expected), str(found))
        super().__init__(str(self.deviation))


@dataclass(frozen=True)
class Retained:
    """What Temporal still knows of one execution: how many entries its request has written, and
    the record over them. `may_grow` where the trail may have more than that: it is open, or was
    ended from outside after a step was written and before it was taken.
    """

    request_id: str
    started_at: datetime
    version: int
    record: str
    may_grow: bool = False


@dataclass(frozen=True)
class Asked:
    """What Temporal said. `silent` are the ids of requests that no worker answered for."""

    executions: tuple[Retained, ...]
    silent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """`deviation` is the first one. Lines after `sealed_up_to` have no checkpoint over them yet;
    `unsealed` counts them without the note of the last checkpoint itself. `executions` is how
    many were compared with Temporal; None where it was not asked.
    """

    lines: int
    checkpoints: int
    sealed_up_to: int
    unsealed: int
    executions: int | None = None
    key_id: str | None = None
    warnings: tuple[str, ...] = ()
    deviation: Deviation | None = None

    @property
    def ok(self) -> bool:
        return self.deviation is None

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self), "warnings": list(self.warnings)}
