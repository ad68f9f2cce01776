"""Recorded histories still replay: sagas that run today survive the next release."""

from __future__ import annotations

from temporalio.contrib.pydantic import pydantic_data_converter

from musterwerk.testing import ReplayFixture
from tests.saga.record import CASES, WORKFLOWS


async def test_all_replay(replay: ReplayFixture) -> None:
    report = await replay("histories", workflows=WORKFLOWS, data_converter=pydantic_data_converter)
    assert report.count == len(CASES)
