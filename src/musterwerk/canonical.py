"""One spelling for each JSON value, so that all who hash it hash the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(data: Any) -> bytes:
    """Sorted keys, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode("ascii")


def content_of(act: Mapping[str, Any]) -> str:
    """The same for the same act on a request, whenever and by whichever way it comes."""
    said = {key: value for key, value in act.items() if key not in ("id", "made_at", "channel")}
    return hashlib.sha256(canonical(said)).hexdigest()[:16]
