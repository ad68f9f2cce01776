"""Tools that prove a process right before it handles money."""

from musterwerk.testing.decisions import (
    Attempt,
    Decisions,
    Natural,
    Report,
    Start,
    Task,
    TaskStart,
)
from musterwerk.testing.handle import SimulatedHandle
from musterwerk.testing.outcome import Outcome, RunSeen
from musterwerk.testing.simulator import Simulator

__all__ = [
    "Attempt",
    "Decisions",
    "Natural",
    "Outcome",
    "Report",
    "RunSeen",
    "SimulatedHandle",
    "Simulator",
    "Start",
    "Task",
    "TaskStart",
]
