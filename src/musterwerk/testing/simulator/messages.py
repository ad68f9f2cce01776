"""Messages that decisions send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from musterwerk.testing.simulator import incoming
from musterwerk.testing.simulator.clock import nanoseconds
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
        run = simulation.register.newest(message.to or simulation.register.runs[0].workflow_id)
        if run is not None and not run.closed:
            _send(run, message, at_once=run is with_task_of)


def send_later(simulation: Simulation, message: Message) -> None:
    """As long after the start as it says; now is the start."""
    when = simulation.agenda.now + nanoseconds(message.at or timedelta())
    simulation.agenda.at(when, lambda: send(simulation, [message]))


def _send(run: Run, message: Message, *, at_once: bool) -> None:
    if message.kind == "cancel":
        give = incoming.cancel_at_once if at_once else incoming.cancel
        give(run, "decided")
        return
    payloads = run.cache.converter.encode(message.args) if message.args else []
    if message.kind == "update":
        number = len(run.updates) + 1
        Update(run, f"sent-{number}", message.name, payloads, {}, _unheard, with_task=at_once)
    elif at_once:
        incoming.signal_at_once(run, message.name, payloads, {})
    else:
        incoming.signal(run, message.name, payloads)


def _unheard(result: Payload | None, failure: Failure | None) -> None:
    """Nobody waits for the answer."""
