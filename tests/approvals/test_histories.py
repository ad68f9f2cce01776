"""Recorded histories still replay: requests that are open today survive the next release."""

from __future__ import annotations

from temporalio.contrib.pydantic import pydantic_data_converter

from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.testing import ReplayFixture
from tests.approvals.record import CASES, HISTORIES


def test_every_case_is_recorded() -> None:
    names = {case.__name__ for case in CASES} | {"continued-before"}
    assert {path.stem for path in HISTORIES.glob("*.json")} == names


async def test_all_replay(replay: ReplayFixture) -> None:
    await replay("histories", workflows=[ApprovalWorkflow], data_converter=pydantic_data_converter)
