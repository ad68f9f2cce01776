"""The search through all faults: what is wrong is found, what is right is not accused."""

from __future__ import annotations

import pytest

from musterwerk.testing import Message
from musterwerk.testing.explorer.exploring import explore
from musterwerk.testing.explorer.search import Found
from tests.mutants.cases import Case
from tests.mutants.catalogue import CORRECT, MUTANTS


async def explored(case: Case, max_faults: int) -> Found:
    return await explore(
        case.run,
        *case.args,
        world=case.world,
        invariants=case.invariants,
        workflows=case.others,
        messages=[Message(one.kind, one.name, one.args) for one in case.messages],
        max_faults=max_faults,
    )


@pytest.mark.parametrize("case", MUTANTS, ids=lambda case: case.name)
async def test_a_bug_is_found_with_as_few_faults_as_it_needs(case: Case) -> None:
    violated = (await explored(case, case.faults)).violated
    assert violated is not None
    assert violated.violations
    assert len(violated.faults) <= case.faults


@pytest.mark.parametrize("case", CORRECT, ids=lambda case: case.name)
async def test_what_is_right_stays_right_under_each_single_fault(case: Case) -> None:
    found = await explored(case, 1)
    assert found.violated is None
    assert found.exhausted
    assert found.runs > 40
