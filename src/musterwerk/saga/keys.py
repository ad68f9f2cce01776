"""The idempotency key of a step, for use inside its activity."""

from __future__ import annotations

import hashlib
import re

from temporalio import activity

from musterwerk.errors import UsageError
from musterwerk.saga.model import Direction
from musterwerk.saga.rules import parse_activity_id


class StepKey(str):
    """The idempotency key of this direction of this step: ASCII, at most 90 characters.

    `business_key` is the same for the step and its undo; a service that keeps its effects
    under it can refuse a step that arrives after its undo.
    """

    business_key: str
    direction: Direction

    def __new__(cls, business_key: str, direction: Direction) -> StepKey:
        key = super().__new__(cls, f"{business_key}:{direction}")
        key.business_key = business_key
        key.direction = direction
        return key


def step_key() -> StepKey:
    """The key of the saga step or undo that is running in this activity.

    The same over activity retries, worker restarts, continue-as-new and reset; different for
    every step, every occurrence of one activity and both directions. A new execution and a
    workflow retry get new keys.

    Raises UsageError in an activity that no saga started: such an activity takes its key from
    its own data, an order id for example.
    """
    info = activity.info()
    parsed = parse_activity_id(info.activity_id)
    if parsed is None:
        raise UsageError(
            f"step_key() has no answer in activity {info.activity_type!r} (id "
            f"{info.activity_id!r}): it was not started by Saga.run. Start it through a saga, or "
            "build the key from what the activity is given."
        )
    direction, name, shared = parsed
    # Workflow ids and activity names may hold any text; a header and a database column may not.
    origin = "\0".join((info.namespace, info.workflow_id or "", shared))
    digest = hashlib.sha256(origin.encode()).hexdigest()[:40]
    label = re.sub(r"[^A-Za-z0-9_.]+", "-", name)[:40]
    return StepKey(f"{label}-{digest}", direction)
