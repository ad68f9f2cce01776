"""Messages that decisions send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from musterwerk.testing.simulator.decisions import Message
from musterwerk.testing.simulator.updates import Update

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run
    from musterwerk.testing.simulator.simulation import Simulation


def send(
    simulation: Simulation, messages: Sequence[Message], *, with_task_of: Run | None = None
) -> None:
    """To its newest run; whoever comes too late is refused as a client would be, and not heard.

    The task of `with_task_of`, if it is that run, brings them at once.
    """
    for message in messages:
        run = simulation.newest(message.to or simulation.runs[0].workflow_id)
        if run is not None and not run.closed:
            _send(run, message, at_once=run is with_task_of)


def _send(run: Run, message: Message, *, at_once: bool) -> None:
    if message.kind == "cancel":
        give = run.cancel_at_once if at_once else run.deliver_cancel
        give("decided")
        return
    payloads = run.cache.converter.encode(message.args) if message.args else []
    if message.kind == "update":
        number = len(run.updates) + 1
        Update(run, f"sent-{number}", message.name, payloads, {}, _unheard, with_task=at_once)
    elif at_once:
        run.signaled(message.name, payloads, {})
    else:
        run.signal(message.name, payloads)


def _unheard(result: Payload | None, failure: Failure | None) -> None:
    """Nobody waits for the answer."""
