"""Every order with a bug has to be found, every correct one to be left alone."""

from __future__ import annotations

import sys
from typing import Any

from tests.mutants.cases import Case
from tests.mutants.catalogue import CORRECT, MUTANTS

from musterwerk.testing import Exploration, Message, explore


async def explored(case: Case, max_faults: int) -> Exploration:
    return await explore(
        *(case.run, *case.args),
        world=case.world,
        invariants=case.invariants,
        workflows=case.others,
        messages=[Message(one.kind, one.name, one.args) for one in case.messages],
        max_faults=max_faults,
    )


async def measure(correct_faults: int, every: int) -> dict[str, Any]:
    """`every`: 1 for all cases, 12 for each twelfth."""
    _tell("mutant", "faults", "runs", "seconds", "violated")
    mutants, correct = MUTANTS[::every], CORRECT[::every]
    found = 0
    for case in mutants:
        found += _tell_of(case, await explored(case, case.faults))
    _tell("correct", "faults", "runs", "seconds", "violated")
    accused, exhausted = 0, 0
    for case in correct:
        report = await explored(case, correct_faults)
        accused += _tell_of(case, report)
        exhausted += report.exhausted
    return {
        "mutants": {"found": found, "total": len(mutants)},
        "correct": {
            "accused": accused,
            "total": len(correct),
            "exhausted": exhausted,
            "max_faults": correct_faults,
        },
    }


def _tell_of(case: Case, report: Exploration) -> bool:
    found = report.counterexample
    what = "" if found is None else ", ".join(one.invariant for one in found.violations)
    faults = len(found.faults) if found is not None else report.max_faults
    runs = sum(report.runs.values())
    _tell(case.name, str(faults), str(runs), f"{report.seconds:.2f}", what or "nothing")
    return found is not None


def _tell(name: str, faults: str, runs: str, seconds: str, what: str) -> None:
    sys.stderr.write(f"{name:<48} {faults:>6} {runs:>7} {seconds:>8}  {what}\n")
