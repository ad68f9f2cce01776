"""One spelling for each JSON value, so that all who hash it hash the same."""

from __future__ import annotations

import json
from typing import Any


def canonical(data: Any) -> bytes:
    """Sorted keys, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode("ascii")
