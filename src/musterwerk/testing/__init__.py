"""Tools that prove a process right before it handles money.

`Simulator` runs unmodified Temporal workflows in this process, in virtual time, without a server.
It plays worker, core and server: activities, regular and local, with retries, the four timeouts,
heartbeats and cancellation; timers; signals, queries and updates; child workflows and signals to
others; continue-as-new, retries and timeouts of workflows; patches; eviction and replay. Its
histories are accepted by Temporal's own `Replayer`. It is a test instrument, not an engine.

Refused with a `SimulationError`: Nexus operations; cron schedules of children; activities that
complete asynchronously; interceptors of activities; external storage of payloads; waiting for a
cancellation inside a synchronous activity or a thread; whatever is not registered.

What differs from a server, by design:

- Nothing takes time but timers, pauses before retries, and what activities sleep. A synchronous
  activity takes one instant: the simulator cannot see `time.sleep`.
- One worker serves every task queue.
- A workflow task that fails is tried again when something new arrives; until then the workflow is
  "running", and the outcome's `task_failure` says why. There is no deadlock detection.
- The size of a history is always 0 to the workflow. Search attributes are not validated.
"""

from musterwerk.testing.effects import (
    EFFECTS,
    Effects,
    effects_at_most_once,
    nothing_after_undo,
    undo_after_do_only,
)
from musterwerk.testing.explorer.course import Violation
from musterwerk.testing.explorer.exploring import explore
from musterwerk.testing.explorer.faults import FAULT_KINDS, Fault
from musterwerk.testing.explorer.faults import Kind as FaultKind
from musterwerk.testing.explorer.lines import Coverage
from musterwerk.testing.explorer.report import Counterexample, Exploration
from musterwerk.testing.histories import RecordedHistory, read_histories, write_history
from musterwerk.testing.invariants import (
    STANDARD,
    no_needless_dead_letter,
    terminal_state_reached,
)
from musterwerk.testing.laws.checking import check_laws
from musterwerk.testing.laws.report import BrokenLaw, Call, LawReport
from musterwerk.testing.letterbox import Letterbox
from musterwerk.testing.replaying import (
    ReplayFailure,
    ReplayFixture,
    ReplayOptions,
    ReplayReport,
    replay,
)
from musterwerk.testing.simulator.decisions import (
    CANCEL,
    Attempt,
    Decisions,
    Message,
    Natural,
    Report,
    Start,
    Task,
    TaskEnd,
    TaskStart,
)
from musterwerk.testing.simulator.handle import SimulatedHandle
from musterwerk.testing.simulator.outcome import CallSeen, Outcome, RunSeen
from musterwerk.testing.simulator.simulator import Simulator

__all__ = [
    "CANCEL",
    "EFFECTS",
    "FAULT_KINDS",
    "STANDARD",
    "Attempt",
    "BrokenLaw",
    "Call",
    "CallSeen",
    "Counterexample",
    "Coverage",
    "Decisions",
    "Effects",
    "Exploration",
    "Fault",
    "FaultKind",
    "LawReport",
    "Letterbox",
    "Message",
    "Natural",
    "Outcome",
    "RecordedHistory",
    "ReplayFailure",
    "ReplayFixture",
    "ReplayOptions",
    "ReplayReport",
    "Report",
    "RunSeen",
    "SimulatedHandle",
    "Simulator",
    "Start",
    "Task",
    "TaskEnd",
    "TaskStart",
    "Violation",
    "check_laws",
    "effects_at_most_once",
    "explore",
    "no_needless_dead_letter",
    "nothing_after_undo",
    "read_histories",
    "replay",
    "terminal_state_reached",
    "undo_after_do_only",
    "write_history",
]
