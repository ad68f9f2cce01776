"""Durations and lateness of the last runs as bars: where they stand in a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from musterwerk.store.ledger_rows import FireRow

WIDTH, HEIGHT = 600.0, 90.0
_GAP = 0.2
#: Of what took no time at all a line is seen still.
_LEAST = 1.0


@dataclass(frozen=True)
class Bar:
    fire: FireRow
    span: timedelta
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """From the earliest run to the latest; `longest` is as high as the picture."""

    bars: list[Bar]
    longest: timedelta
    median: timedelta


@dataclass(frozen=True)
class Charts:
    """None where nothing was measured."""

    took: Chart | None
    late: Chart | None


def chart_of(fires: Sequence[FireRow]) -> Charts:
    """`fires` by due time. By hand is not late."""
    took = [(one, one.took) for one in fires if one.took is not None]
    late = [(one, one.lateness) for one in fires if one.lateness is not None]
    return Charts(_chart(took), _chart(late))


def _chart(spans: list[tuple[FireRow, timedelta]]) -> Chart | None:
    if not spans:
        return None
    longest = max(span for _, span in spans)
    step = WIDTH / max(len(spans), 20)
    bars: list[Bar] = []
    for at, (fire, span) in enumerate(spans):
        part = span / longest if longest else 0.0
        height = round(max(part * HEIGHT, _LEAST), 1)
        x, width = round(at * step, 1), round(step * (1 - _GAP), 1)
        bars.append(Bar(fire, span, x, round(HEIGHT - height, 1), width, height))
    middle = median(span.total_seconds() for _, span in spans)
    return Chart(bars, longest, timedelta(seconds=middle))
