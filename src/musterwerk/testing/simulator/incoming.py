"""What reaches a run from outside: signals, and requests to cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payload, Payloads

from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run


def signal(
    run: Run, name: str, arguments: list[Payload], headers: dict[str, Payload] | None = None
) -> None:
    run.deliver(0, "signal", name, lambda: signal_at_once(run, name, arguments, headers or {}))


def signal_at_once(
    run: Run, name: str, arguments: list[Payload], headers: dict[str, Payload]
) -> None:
    event = run.record(
        "workflow_execution_signaled",
        signal_name=name,
        input=Payloads(payloads=arguments) if arguments else None,
        identity=IDENTITY,
        header={"fields": headers},
    )
    run.job(
        signal_workflow={
            "signal_name": name,
            "input": arguments,
            "identity": IDENTITY,
            "headers": headers,
            "originating_event_id": event,
        }
    )


def cancel(run: Run, reason: str) -> None:
    """The server hands a run one request only."""
    if not run.cancel_requested:
        run.cancel_requested = True
        run.deliver(0, "cancel", run.workflow_type, lambda: _canceled(run, reason))


def cancel_at_once(run: Run, reason: str) -> None:
    if not run.cancel_requested:
        run.cancel_requested = True
        _canceled(run, reason)


def _canceled(run: Run, reason: str) -> None:
    run.record("workflow_execution_cancel_requested", cause=reason, identity=IDENTITY)
    run.job(cancel_workflow={"reason": reason})
