"""What can go wrong in a run, and where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, get_args

from temporalio.exceptions import ApplicationError

from musterwerk.testing.simulator.decisions import Report, Start

Kind = Literal[
    "refused",
    "error before the effect",
    "error after the effect",
    "final error after the effect",
    "timeout without effect",
    "timeout with effect",
    "zombie",
    "fails often",
    "fails for ever",
    "worker killed in the activity",
    "worker killed in the task",
    "worker forgets",
    "arrives with the task",
    "arrives after the task",
    "arrives during the activity",
    "arrives before the reply",
    "deliveries reversed",
    "deliveries one by one",
]

FAULT_KINDS: tuple[Kind, ...] = get_args(Kind)

#: Attempts that fail where an activity "fails often": more than most policies have.
OFTEN = 5
#: After so many failures of what "fails for ever" nobody takes it any more, so that the run comes
#: to an end: what waits for it waits longer than the simulation lasts. An activity that has failed
#: before, and whose policy bounds its attempts by fewer than `ENDLESS`, fails until it is given up.
FOR_EVER, ENDLESS = 8, 500
_NEVER = timedelta(days=36_500)
# The same words before and after the effect: the workflow cannot tell them apart.
_BROKEN = "the connection broke"

BEFORE: tuple[Kind, ...] = (
    "refused",
    "error before the effect",
    "timeout without effect",
    "zombie",
)
#: These go on for several attempts, the second kind also with the next activities of this type.
WIDE: tuple[Kind, ...] = ("fails often", "fails for ever")
AFTER: tuple[Kind, ...] = (
    "error after the effect",
    "final error after the effect",
    "timeout with effect",
)
ORDERS: tuple[Kind, ...] = ("deliveries reversed", "deliveries one by one")
AT_THE_END = "at the end"


@dataclass(frozen=True, order=True)
class Fault:
    """`step` is the type of an activity, or "" for a workflow task; `occurrence` counts the
    activities of this type, or the tasks, in all runs of this workflow type; `attempt` is 0 where
    there is none. Of deliveries that come at once, `workflow` is the id. `detail`
    names the message that arrives, or when a zombie's effect lands."""

    workflow: str
    step: str
    occurrence: int
    attempt: int
    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        if self.kind == "worker forgets":
            return "every task: the worker has forgotten the workflow and replays it"
        where = self.workflow
        if self.step:
            where = f"{self.step} {self.occurrence}"
            where += f", attempt {self.attempt}" if self.attempt else ""
        elif self.kind in ORDERS:
            where = f"the {self.occurrence}. of several deliveries at once, to {self.workflow}"
        elif self.occurrence:
            where = f"task {self.occurrence} of {self.workflow}"
        what = self.kind.replace("arrives", f"{self.detail} arrives")
        if self.kind == "zombie":
            what = f"zombie, the effect lands {self.detail}"
        return f"{where}: {what}"


def start_of(
    fault: Fault, failed: int = 0, *, gives_up: bool = False, hurry: bool = False
) -> Start:
    """How an attempt begins under a fault that has made so many of them fail, with this one.

    `gives_up`: the activity has failed before, and its policy gives it up in the end.
    """
    if fault.kind == "refused":
        error = ApplicationError("refused", type="Refused", non_retryable=True)
        return Start(run=False, error=error)
    if fault.kind == "timeout without effect":
        return Start(run=False, hurry=hurry)
    if fault.kind == "zombie":
        return Start(held=True, hurry=hurry)
    if fault.kind == "fails for ever" and failed > FOR_EVER and not gives_up:
        return Start(run=False, queued=_NEVER)
    return Start(run=False, error=ApplicationError(_BROKEN, type="Injected"), hurry=hurry)


def report_of(fault: Fault, *, hurry: bool = False) -> Report:
    if fault.kind in ("timeout with effect", "worker killed in the activity"):
        return Report(lost=True, hurry=hurry)
    final = fault.kind == "final error after the effect"
    error = ApplicationError(_BROKEN, type="Injected", non_retryable=final)
    return Report(error=error, hurry=hurry)


def as_offered(fault: Fault) -> Fault:
    """A zombie whose effect can land at several moments is one fault that could happen."""
    return replace(fault, detail=AT_THE_END) if fault.kind == "zombie" else fault
