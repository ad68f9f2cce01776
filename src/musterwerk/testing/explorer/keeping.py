"""The histories of all runs as files, for `replay` against the code of tomorrow."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from musterwerk.testing.histories import write_history
from musterwerk.testing.simulator.outcome import Outcome


def into(folder: str | Path) -> Callable[[Outcome], None]:
    """Writes each history once, under the name of its workflow type and a digest of it."""
    folder = Path(folder)
    known: set[str] = set()

    def keep(outcome: Outcome) -> None:
        for run in outcome.runs:
            history = run.history
            events = b"".join(one.SerializeToString(deterministic=True) for one in history.events)
            digest = sha256(events).hexdigest()[:16]
            if digest not in known:
                known.add(digest)
                kind = re.sub(r"[^\w.-]", "_", run.workflow_type)
                write_history(folder / f"{kind}-{digest}.json", history)

    return keep
