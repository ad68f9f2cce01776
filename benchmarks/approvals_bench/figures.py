"""Times as the JSON shows them, and progress on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence


def percentile(seconds: Sequence[float], share: float) -> float | None:
    """In milliseconds, a value that was measured: the nearest rank, nothing in between."""
    if not seconds:
        return None
    rank = max(1, math.ceil(share * len(seconds)))
    return round(sorted(seconds)[rank - 1] * 1000, 2)


def spread(seconds: Sequence[float]) -> dict[str, float | int | None]:
    return {
        "count": len(seconds),
        "p50_ms": percentile(seconds, 0.50),
        "p95_ms": percentile(seconds, 0.95),
        "p99_ms": percentile(seconds, 0.99),
        "max_ms": percentile(seconds, 1.0),
    }


def say(text: str) -> None:
    """Progress. stdout is for the JSON alone."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
