"""What may go into the ledger: keys, request fingerprints and JSON results."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from musterwerk.errors import UsageError
from musterwerk.saga.effects.table import MAX_KEY
from musterwerk.saga.keys import StepKey
from musterwerk.saga.model import Direction

# One spelling per key: with accents, two spellings of one letter would be two keys, and a key
# with a space at its end loses it in an HTTP header.
_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}")
# A step's own key as text, which is what a service finds in its Idempotency-Key header.
_STEP_KEY_TEXT = re.compile(
    r"(?P<business>[A-Za-z0-9_.-]*-[0-9a-f]{40}):(?P<direction>do|undo|probe)"
)


def business_key(key: str, direction: Direction | None = None) -> str:
    """The key shared by an effect and its undo; refuses the key of the opposite direction."""
    if isinstance(key, StepKey):
        business, of = key.business_key, key.direction
    elif match := _STEP_KEY_TEXT.fullmatch(key):
        business, of = match["business"], match["direction"]
    else:
        business, of = key, direction
    if direction is not None and of != direction:
        other = "effects.undo" if direction == "do" else "effects.do"
        raise UsageError(
            f"effects.{direction} was given {str(key)!r}, the key of the opposite direction: a "
            f"charge and its refund would be taken for one another. Call {other} here, or pass "
            "a key of your own if this is an effect in its own right."
        )
    if not _KEY.fullmatch(business):
        raise UsageError(
            f"{business[:80]!r} cannot be the key of an effect: it needs 1 to {MAX_KEY} visible "
            "ASCII characters without spaces. Use step_key(), or a hash of what you have."
        )
    return business


def fingerprint(request: Mapping[str, Any]) -> str:
    """SHA-256 of the request as canonical JSON: the order of its keys does not matter."""
    try:
        canonical = json.dumps(request, sort_keys=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"this request has no fingerprint: {error}. Put into it what tells one request from "
            "another, as JSON, Decimal, date, aware datetime, UUID, dataclass or Pydantic model."
        ) from error
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The JSON shape of what a request may hold beyond JSON."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a number")
        return str(value)
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    # Pydantic is not a dependency; a model is known by its method.
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__qualname__} {value!r:.80} has no canonical form")


def encode(value: Any, key: str, what: str) -> str:
    """`value` as JSON text, refused unless decoding it gives the very same value.

    A replay must not differ from the first answer, as a tuple would (it comes back as a list).
    """
    try:
        encoded = json.dumps(value, allow_nan=False)
        decoded = json.loads(encoded)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(_not_json(key, what, str(error))) from error
    if decoded != value:
        raise UsageError(_not_json(key, what, f"{value!r:.80} comes back as {decoded!r:.80}"))
    return encoded


def _not_json(key: str, what: str, why: str) -> str:
    return (
        f"the {what} of {key!r} returned something that cannot be replayed: {why}. Return plain "
        'JSON with string keys, for a Pydantic model model_dump(mode="json"). Nothing was written.'
    )
