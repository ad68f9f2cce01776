"""What `destroy` would do: those that are declared, and what is known of finished ones."""

from __future__ import annotations

from collections.abc import Callable

from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.planning import Plan, Step, ledger_of, make_plan
from musterwerk.schedules.server import ScheduleServer


async def make_destroy(
    server: ScheduleServer, declaration: Declaration, told: Callable[[], object] = lambda: None
) -> Plan:
    """What is of another set, or not ours, is `foreign` in it. Raises `ServerError`."""
    found = await make_plan(server, declaration, told=told)
    steps = [
        Step(step.was.name, "delete", ("destroyed",), step.was)
        for step in found.steps
        if step.was is not None and step.was.ours and step.kind != "foreign"
    ]
    if found.begun:
        steps.append(Step(ledger_of(declaration.set_name).name, "delete", ("begin again",)))
    return Plan(declaration, (*steps, *found.foreign), found.begun)
